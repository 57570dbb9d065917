-- The virtual till: devices on which its page is open, and what cashiers do at them.

-- What the network signs guests' codes and offline allowances with.
CREATE TABLE network_secrets (
    network_id BIGINT NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE till_devices (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    enrolled_by BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP,
    -- The cashier who stands at it; null: it is locked.
    cashier_id BIGINT,
    cashier_since TIMESTAMP,
    -- When he last gave his password here; null: he came by PIN.
    password_at TIMESTAMP,
    -- Last request of a cashier: idle for too long, and the device is locked.
    active_at TIMESTAMP NOT NULL,
    -- The guest's second screen is reached by a token that is made of the device's own and of this number.
    screen_generation INTEGER NOT NULL,
    screen_hash BYTEA NOT NULL,
    screen_version BIGINT NOT NULL,
    screen_state TEXT,
    PRIMARY KEY (network_id, id)
);
CREATE UNIQUE INDEX till_devices_token ON till_devices (token_hash);
CREATE UNIQUE INDEX till_devices_screen ON till_devices (screen_hash);

CREATE TABLE user_pins (
    network_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    pin_hash TEXT NOT NULL,
    -- Wrong ones in a row; too many, and the PIN is void until its owner logs in with his password.
    wrong INTEGER NOT NULL,
    set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, user_id)
);

-- Messages that a cashier has read and done on a business day.
CREATE TABLE message_ticks (
    network_id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    business_date DATE NOT NULL,
    customer_id BIGINT NOT NULL,
    code TEXT NOT NULL,
    actor TEXT NOT NULL,
    ticked_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, venue_id, business_date, customer_id, code)
);

CREATE TABLE favourites (
    network_id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (network_id, venue_id, product_id)
);

-- `piece` or `kg`.
ALTER TABLE products ADD COLUMN unit TEXT NOT NULL DEFAULT 'piece';

-- Sales made without a network that the books refused: a person settles them.
CREATE TABLE till_conflicts (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    till TEXT,
    cashier_id BIGINT,
    cashier_name TEXT,
    code TEXT NOT NULL,
    words_ru TEXT NOT NULL,
    words_en TEXT NOT NULL,
    -- The receipt as it was sent.
    receipt TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    -- `open`, `posted`, `without_redemption`, `without_guest`, `dismiss`.
    status TEXT NOT NULL,
    settled_by TEXT,
    settled_at TIMESTAMP,
    note TEXT,
    PRIMARY KEY (network_id, id)
);
CREATE UNIQUE INDEX till_conflicts_key ON till_conflicts (network_id, venue_id, source, external_id);

CREATE INDEX returns_venue ON returns (network_id, venue_id, posted_at);
