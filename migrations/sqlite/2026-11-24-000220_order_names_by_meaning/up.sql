-- All names of an order: two that turn out to be one become one.
CREATE INDEX order_names_meaning ON order_names (network_id, source, external_id);
