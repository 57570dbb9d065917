DROP INDEX holds_key;
CREATE INDEX holds_key ON holds (network_id, venue_id, source, external_id);
DROP INDEX write_offs_free;
DROP INDEX write_offs_receipt;
DROP INDEX receipts_awaiting;
ALTER TABLE receipts DROP COLUMN awaits;
