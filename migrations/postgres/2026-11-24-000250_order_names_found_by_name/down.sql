DROP INDEX order_names_meaning;
CREATE INDEX order_names_meaning ON order_names (external_id, source, network_id);
