-- All names of an order are looked for by what they mean; what a name means by the primary key. Any index that has the network
-- and the source as well, wherever they stand in it, looks as good as that to a planner that has seen the table only empty, and all
-- names of a till are then read for each.
DROP INDEX order_names_meaning;
CREATE INDEX order_names_meaning ON order_names (external_id);
