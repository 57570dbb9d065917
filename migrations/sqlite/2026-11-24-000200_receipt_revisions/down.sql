ALTER TABLE receipts DROP COLUMN revision;
