-- Every table has network_id, and every index begins with it: isolation by construction, and the shard key.
-- Amounts are kopecks, quantities thousandths, percents ten-thousandths, coefficients millionths; times are UTC.

CREATE TABLE networks (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    settings TEXT NOT NULL,
    -- Grows with every change that a receipt's outcome depends on: caches of terms are dropped by it.
    version BIGINT NOT NULL,
    sandbox BOOLEAN NOT NULL,
    -- The clock of a sandbox network stands so far ahead of ours.
    clock_offset_us BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE venues (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    external_id TEXT,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    base_percent BIGINT NOT NULL,
    types TEXT NOT NULL,
    default_type TEXT NOT NULL,
    settings TEXT NOT NULL,
    archived BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX venues_external_id ON venues (network_id, external_id);

CREATE TABLE rules (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    name TEXT,
    condition TEXT NOT NULL,
    coefficient BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE INDEX rules_venue ON rules (network_id, venue_id);

CREATE TABLE categories (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    -- The till's id: what lines name.
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    coefficient BIGINT,
    redeemable BOOLEAN NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX categories_external_id ON categories (network_id, venue_id, external_id);

CREATE TABLE products (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    external_id TEXT,
    name TEXT NOT NULL,
    category_id TEXT,
    price BIGINT,
    barcode TEXT,
    coefficient BIGINT,
    redeemable BOOLEAN NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX products_name ON products (network_id, venue_id, name);
CREATE UNIQUE INDEX products_external_id ON products (network_id, venue_id, external_id);

CREATE TABLE category_groups (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    category_ids TEXT NOT NULL,
    coefficient BIGINT NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE INDEX category_groups_venue ON category_groups (network_id, venue_id);

CREATE TABLE customers (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    external_id TEXT,
    status TEXT NOT NULL,
    name TEXT,
    phone TEXT,
    email TEXT,
    birthday DATE,
    sex TEXT,
    city TEXT,
    comment TEXT,
    cashier_note TEXT,
    consent_version TEXT,
    consent_at TIMESTAMP,
    network_coefficient BIGINT,
    venue_id BIGINT,
    registered_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX customers_external_id ON customers (network_id, external_id);
CREATE UNIQUE INDEX customers_phone ON customers (network_id, phone);
CREATE INDEX customers_email ON customers (network_id, email);

CREATE TABLE customer_coefficients (
    network_id BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    coefficient BIGINT NOT NULL,
    PRIMARY KEY (network_id, customer_id, venue_id)
) WITHOUT ROWID;

CREATE TABLE cards (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    number TEXT NOT NULL,
    customer_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    replaced_by BIGINT,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX cards_number ON cards (network_id, number);
CREATE INDEX cards_customer ON cards (network_id, customer_id);

-- One row per customer with bonuses; version guards every change of his lots, holds and debt.
CREATE TABLE accounts (
    network_id BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    debt BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    head BLOB NOT NULL,
    last_purchase_at TIMESTAMP,
    due_at TIMESTAMP,
    PRIMARY KEY (network_id, customer_id)
) WITHOUT ROWID;
CREATE INDEX accounts_due ON accounts (network_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE lots (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    remaining BIGINT NOT NULL CHECK (remaining >= 0 AND remaining <= amount),
    starts_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    scope_venue_id BIGINT,
    issuer_venue_id BIGINT,
    receipt_id BIGINT,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE INDEX lots_open ON lots (network_id, customer_id) WHERE remaining > 0;

CREATE TABLE holds (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    customer_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    status TEXT NOT NULL,
    released BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE INDEX holds_key ON holds (network_id, venue_id, source, external_id);
CREATE INDEX holds_active ON holds (network_id, customer_id) WHERE status = 'active';

CREATE TABLE hold_parts (
    network_id BIGINT NOT NULL,
    hold_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    lot_id BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (network_id, hold_id, sequence)
) WITHOUT ROWID;

CREATE TABLE receipts (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    version BIGINT,
    status TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    customer_id BIGINT,
    kind TEXT NOT NULL,
    number TEXT,
    till TEXT,
    shift TEXT,
    waiter TEXT,
    guests INTEGER,
    comment TEXT,
    advertising_source TEXT,
    total BIGINT NOT NULL,
    redeemed BIGINT NOT NULL,
    accrued BIGINT NOT NULL,
    closed_at TIMESTAMP NOT NULL,
    posted_at TIMESTAMP NOT NULL,
    business_date DATE NOT NULL,
    -- 1 (Monday) to 7 of the business day, and hour of the venue's wall clock.
    weekday INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    payments TEXT NOT NULL,
    -- What the first message was answered; repeats get it again.
    answer TEXT NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX receipts_key ON receipts (network_id, venue_id, source, external_id);
CREATE INDEX receipts_customer ON receipts (network_id, customer_id, id);
CREATE INDEX receipts_venue ON receipts (network_id, venue_id, closed_at);

CREATE TABLE receipt_lines (
    network_id BIGINT NOT NULL,
    receipt_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    line_id TEXT NOT NULL,
    name TEXT NOT NULL,
    product_id TEXT,
    category_id TEXT,
    category_name TEXT,
    quantity BIGINT NOT NULL,
    price BIGINT,
    amount BIGINT NOT NULL,
    redeemed BIGINT NOT NULL,
    accrued BIGINT NOT NULL,
    returned_quantity BIGINT NOT NULL,
    returned_amount BIGINT NOT NULL,
    returned_by TEXT,
    redemption_undone BIGINT NOT NULL,
    accrual_undone BIGINT NOT NULL,
    PRIMARY KEY (network_id, receipt_id, sequence)
) WITHOUT ROWID;

-- Which lots paid a redemption, in the order spent; a return gives the latest-spent back first.
CREATE TABLE redemption_parts (
    network_id BIGINT NOT NULL,
    transaction_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    receipt_id BIGINT,
    lot_id BIGINT,
    amount BIGINT NOT NULL,
    refunded BIGINT NOT NULL CHECK (refunded >= 0 AND refunded <= amount),
    starts_at TIMESTAMP,
    expires_at TIMESTAMP,
    scope_venue_id BIGINT,
    issuer_venue_id BIGINT,
    PRIMARY KEY (network_id, transaction_id, sequence)
) WITHOUT ROWID;
CREATE INDEX redemption_parts_receipt ON redemption_parts (network_id, receipt_id);

-- Write-offs that came before their receipts (1C).
CREATE TABLE write_offs (
    network_id BIGINT NOT NULL,
    transaction_id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    session TEXT NOT NULL,
    hold_id BIGINT,
    customer_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    debt BIGINT NOT NULL,
    posted_at TIMESTAMP NOT NULL,
    receipt_id BIGINT,
    PRIMARY KEY (network_id, transaction_id)
) WITHOUT ROWID;
CREATE INDEX write_offs_customer ON write_offs (network_id, customer_id, posted_at);

CREATE TABLE returns (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    sale_venue_id BIGINT NOT NULL,
    sale_source TEXT NOT NULL,
    sale_external_id TEXT NOT NULL,
    receipt_id BIGINT,
    fingerprint BLOB NOT NULL,
    status TEXT NOT NULL,
    amount BIGINT NOT NULL,
    accrual_undone BIGINT NOT NULL,
    redemption_undone BIGINT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    posted_at TIMESTAMP NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX returns_key ON returns (network_id, venue_id, source, external_id);
CREATE INDEX returns_sale ON returns (network_id, sale_venue_id, sale_source, sale_external_id);

-- The books: only ever inserted.
CREATE TABLE transactions (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    -- The customer's transactions are numbered from 1 without a gap.
    sequence BIGINT NOT NULL,
    kind TEXT NOT NULL,
    direction TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    venue_id BIGINT,
    receipt_id BIGINT,
    return_id BIGINT,
    happened_at TIMESTAMP NOT NULL,
    posted_at TIMESTAMP NOT NULL,
    actor TEXT NOT NULL,
    comment TEXT,
    -- SHA-256 of the customer's previous hash and of this content.
    hash BLOB NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX transactions_chain ON transactions (network_id, customer_id, sequence);
CREATE INDEX transactions_receipt ON transactions (network_id, receipt_id);

CREATE TABLE postings (
    network_id BIGINT NOT NULL,
    transaction_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    account TEXT NOT NULL,
    customer_id BIGINT NOT NULL,
    venue_id BIGINT,
    issuer_venue_id BIGINT,
    amount BIGINT NOT NULL,
    PRIMARY KEY (network_id, transaction_id, sequence)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
    network_id BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    covers_until TIMESTAMP NOT NULL,
    customers BIGINT NOT NULL,
    transactions BIGINT NOT NULL,
    hash BLOB NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, sequence)
) WITHOUT ROWID;

-- The outbox: what happened, for those who act on it after the commit.
CREATE TABLE events (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    customer_id BIGINT,
    subject TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;

-- The inbox: every message as it came, with its outcome.
CREATE TABLE messages (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT,
    connection_id BIGINT,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT NOT NULL,
    content_type TEXT,
    body BLOB NOT NULL,
    received_at TIMESTAMP NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    detail TEXT,
    subject TEXT,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;

CREATE TABLE remembered_answers (
    network_id BIGINT NOT NULL,
    actor TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, actor, idempotency_key)
) WITHOUT ROWID;

CREATE TABLE users (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- Ids of the venues that the user is limited to, as JSON; null: all.
    venue_ids TEXT,
    password_hash TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX users_login ON users (login);

CREATE TABLE sessions (
    network_id BIGINT NOT NULL,
    token_hash BLOB NOT NULL,
    user_id BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, token_hash)
) WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);

-- One-time links, such as the one that creates the first owner.
CREATE TABLE invitations (
    token_hash BLOB NOT NULL PRIMARY KEY,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);

CREATE TABLE api_keys (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- The first characters, to tell keys apart.
    prefix TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    scopes TEXT NOT NULL,
    venue_id BIGINT,
    test BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    revoked_at TIMESTAMP,
    last_used_at TIMESTAMP,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_secret ON api_keys (secret_hash);

CREATE TABLE connections (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    settings TEXT NOT NULL,
    language TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX connections_token ON connections (token_hash);

CREATE TABLE audit_log (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT,
    after TEXT,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, id)
) WITHOUT ROWID;

-- Posted rows are never updated or deleted, by anybody.
CREATE TRIGGER transactions_no_update BEFORE UPDATE ON transactions BEGIN SELECT RAISE(ABORT, 'posted rows of transactions are never changed: mend a mistake by a reversal'); END;
CREATE TRIGGER transactions_no_delete BEFORE DELETE ON transactions BEGIN SELECT RAISE(ABORT, 'posted rows of transactions are never changed: mend a mistake by a reversal'); END;
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'posted rows of postings are never changed: mend a mistake by a reversal'); END;
CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'posted rows of postings are never changed: mend a mistake by a reversal'); END;
CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'posted rows of checkpoints are never changed: mend a mistake by a reversal'); END;
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'posted rows of checkpoints are never changed: mend a mistake by a reversal'); END;
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'posted rows of audit_log are never changed: mend a mistake by a reversal'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'posted rows of audit_log are never changed: mend a mistake by a reversal'); END;

-- What the planner believes of the tables that grow: that they are large, and that network_id, which every index begins
-- with, tells little. By itself it expects ten rows of any network_id, and then reads a whole network where the index
-- after the next would have found one row.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customers', 'customers', '100000000 100000000 1'),
    ('customers', 'customers_external_id', '100000000 100000000 1'),
    ('customers', 'customers_phone', '100000000 100000000 1'),
    ('customers', 'customers_email', '100000000 100000000 4'),
    ('customer_coefficients', 'customer_coefficients', '100000000 100000000 10 1'),
    ('cards', 'cards', '100000000 100000000 1'),
    ('cards', 'cards_number', '100000000 100000000 1'),
    ('cards', 'cards_customer', '100000000 100000000 4'),
    ('accounts', 'accounts', '100000000 100000000 1'),
    ('accounts', 'accounts_due', '100000000 100000000 4'),
    ('lots', 'lots', '100000000 100000000 1'),
    ('lots', 'lots_open', '100000000 100000000 4'),
    ('holds', 'holds', '100000000 100000000 1'),
    ('holds', 'holds_key', '100000000 100000000 10000000 10000000 4'),
    ('holds', 'holds_active', '100000000 100000000 4'),
    ('hold_parts', 'hold_parts', '100000000 100000000 10 1'),
    ('receipts', 'receipts', '100000000 100000000 1'),
    ('receipts', 'receipts_key', '100000000 100000000 10000000 10000000 1'),
    ('receipts', 'receipts_customer', '100000000 100000000 10 4'),
    ('receipts', 'receipts_venue', '100000000 100000000 10000000 4'),
    ('receipt_lines', 'receipt_lines', '100000000 100000000 10 1'),
    ('redemption_parts', 'redemption_parts', '100000000 100000000 10 1'),
    ('redemption_parts', 'redemption_parts_receipt', '100000000 100000000 4'),
    ('write_offs', 'write_offs', '100000000 100000000 1'),
    ('write_offs', 'write_offs_customer', '100000000 100000000 10 4'),
    ('returns', 'returns', '100000000 100000000 1'),
    ('returns', 'returns_key', '100000000 100000000 10000000 10000000 1'),
    ('returns', 'returns_sale', '100000000 100000000 10000000 10000000 4'),
    ('transactions', 'transactions', '100000000 100000000 1'),
    ('transactions', 'transactions_chain', '100000000 100000000 10 1'),
    ('transactions', 'transactions_receipt', '100000000 100000000 4'),
    ('postings', 'postings', '100000000 100000000 10 1'),
    ('events', 'events', '100000000 100000000 1'),
    ('messages', 'messages', '100000000 100000000 1'),
    ('remembered_answers', 'remembered_answers', '100000000 100000000 10 1'),
    ('audit_log', 'audit_log', '100000000 100000000 1');
ANALYZE sqlite_schema;
