-- What all guests have set aside for one order is found by the order.
CREATE INDEX holds_order ON holds (network_id, venue_id, source, order_name)
    WHERE status = 'active' AND order_name IS NOT NULL;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('holds', 'holds_order', '100000000 100000000 10000000 10000000 2');
ANALYZE sqlite_schema;
