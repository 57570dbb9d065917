-- Names of one and the same order at its source, and the one under which its receipt is known.
CREATE TABLE order_names (
    network_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    external_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, source, name)
);

-- The connection whose orders this one's are: the same sale by two roads is one receipt.
ALTER TABLE connections ADD COLUMN shares_orders_with BIGINT;
