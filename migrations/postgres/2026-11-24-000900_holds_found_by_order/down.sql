DROP INDEX holds_order;
