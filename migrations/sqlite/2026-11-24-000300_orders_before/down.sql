ALTER TABLE connections DROP COLUMN orders_before;
