-- Days that a till system's own report was compared with the books, as compared last.
CREATE TABLE reconciliations (
    network_id BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    day DATE NOT NULL,
    venue_id BIGINT NOT NULL,
    -- When the report was asked for.
    told_at TIMESTAMP NOT NULL,
    orders_told INTEGER NOT NULL,
    amount_told BIGINT NOT NULL,
    orders_known INTEGER NOT NULL,
    amount_known BIGINT NOT NULL,
    PRIMARY KEY (network_id, connection_id, day)
);

-- What the till and the books say differently of an order.
CREATE TABLE reconciliation_differences (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    day DATE NOT NULL,
    order_name TEXT NOT NULL,
    -- missing, amount, not_returned, returned_here_only, unknown_to_till
    kind TEXT NOT NULL,
    number TEXT,
    closed_at TIMESTAMP,
    told BIGINT,
    known BIGINT,
    receipt_id BIGINT,
    -- open, gone (a later report agrees), settled (by a person)
    status TEXT NOT NULL,
    found_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    settled_by TEXT,
    note TEXT,
    PRIMARY KEY (network_id, id)
);
CREATE UNIQUE INDEX reconciliation_differences_order
    ON reconciliation_differences (network_id, connection_id, day, order_name, kind);
CREATE INDEX reconciliation_differences_open
    ON reconciliation_differences (network_id, connection_id, id) WHERE status = 'open';
