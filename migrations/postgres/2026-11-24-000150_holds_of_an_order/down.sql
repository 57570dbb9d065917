ALTER TABLE holds DROP COLUMN order_name;
