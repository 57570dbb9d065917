DROP INDEX messages_connection;
ALTER TABLE messages DROP COLUMN took_ms;
ALTER TABLE redemption_parts DROP COLUMN payer_id;
