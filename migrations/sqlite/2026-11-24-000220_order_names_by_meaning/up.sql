-- All names of an order: two that turn out to be one become one. What a name means is looked for by the primary key: an index that
-- also begins with the network and the source would look as good to a planner that has not seen the table grow.
CREATE INDEX order_names_meaning ON order_names (external_id, source, network_id);
