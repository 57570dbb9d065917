ALTER TABLE connections DROP COLUMN shares_orders_with;
DROP TABLE order_names;
