ALTER TABLE messages DROP COLUMN first_detail;
ALTER TABLE messages DROP COLUMN needs_nobody;
