DROP INDEX write_offs_waiting;
DROP INDEX returns_status;
ALTER TABLE returns DROP COLUMN note;
ALTER TABLE returns DROP COLUMN settled_by;
ALTER TABLE returns DROP COLUMN settled_at;
ALTER TABLE write_offs DROP COLUMN note;
ALTER TABLE write_offs DROP COLUMN settled_by;
ALTER TABLE write_offs DROP COLUMN settlement;
ALTER TABLE write_offs DROP COLUMN settled_at;
