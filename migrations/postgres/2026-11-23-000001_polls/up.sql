-- Asking the vendors' systems: where a connection stands, and who is asking just now.
ALTER TABLE connections ADD COLUMN poll_state TEXT;
ALTER TABLE connections ADD COLUMN poll_due_at TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00';
ALTER TABLE connections ADD COLUMN poll_lease BIGINT;
ALTER TABLE connections ADD COLUMN poll_leased_until TIMESTAMP;
ALTER TABLE connections ADD COLUMN poll_succeeded_at TIMESTAMP;
ALTER TABLE connections ADD COLUMN poll_failed_at TIMESTAMP;
ALTER TABLE connections ADD COLUMN poll_failure TEXT;
ALTER TABLE connections ADD COLUMN poll_failures INTEGER NOT NULL DEFAULT 0;

-- What a vendor's system is to be asked because of a message. One may be left twice: the newest row of a key counts.
CREATE TABLE errands (
    network_id BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    key TEXT NOT NULL,
    what TEXT NOT NULL,
    tries INTEGER NOT NULL,
    put_off_until TIMESTAMP,
    left_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, connection_id, id)
);
