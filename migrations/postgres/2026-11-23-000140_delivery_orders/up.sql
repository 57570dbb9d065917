-- The list of delivery orders, the newest first; other receipts are not in it.
CREATE INDEX receipts_delivery ON receipts (network_id, id) WHERE kind = 'delivery';
