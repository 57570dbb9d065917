-- What a receipt says that bonuses have paid and that no write-off stands behind yet: the write-off may still come.
ALTER TABLE receipts ADD COLUMN awaits BIGINT;
CREATE INDEX receipts_awaiting ON receipts (network_id, customer_id) WHERE awaits IS NOT NULL;
CREATE INDEX write_offs_receipt ON write_offs (network_id, receipt_id);
-- A card may have thousands that receipts have taken over.
CREATE INDEX write_offs_free ON write_offs (network_id, customer_id) WHERE receipt_id IS NULL;
-- Of a key only the newest hold counts: it is found without reading those before it, of which a card may have thousands.
DROP INDEX holds_key;
CREATE INDEX holds_key ON holds (network_id, venue_id, source, external_id, id);
