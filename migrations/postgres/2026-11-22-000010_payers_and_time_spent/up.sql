-- Whose bonuses paid, where another guest than the receipt's own did: a receipt may be paid with several cards.
ALTER TABLE redemption_parts ADD COLUMN payer_id BIGINT;
-- Milliseconds from a message's arrival until it was decided.
ALTER TABLE messages ADD COLUMN took_ms BIGINT;
-- What a connection has sent of late.
CREATE INDEX messages_connection ON messages (network_id, connection_id, id);
