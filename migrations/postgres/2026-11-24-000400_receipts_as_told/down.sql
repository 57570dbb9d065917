ALTER TABLE receipts DROP COLUMN as_told;
