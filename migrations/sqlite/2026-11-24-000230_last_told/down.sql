ALTER TABLE returns DROP COLUMN undone_by;
ALTER TABLE returns DROP COLUMN told_at;
ALTER TABLE receipts DROP COLUMN told_at;
