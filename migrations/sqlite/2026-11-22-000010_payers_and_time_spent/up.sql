-- Whose bonuses paid, where another guest than the receipt's own did: a receipt may be paid with several cards.
ALTER TABLE redemption_parts ADD COLUMN payer_id BIGINT;
-- Milliseconds from a message's arrival until it was decided.
ALTER TABLE messages ADD COLUMN took_ms BIGINT;
-- What a connection has sent of late.
CREATE INDEX messages_connection ON messages (network_id, connection_id, id);
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('messages', 'messages_connection', '100000000 100000000 1000000 1');
ANALYZE sqlite_schema;
