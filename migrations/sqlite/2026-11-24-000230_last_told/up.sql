-- When a source last spoke of a receipt or a return, be it to say the same again: by that it is told what it said before and what
-- after; and which word undid a return.
ALTER TABLE receipts ADD COLUMN told_at TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00';
UPDATE receipts SET told_at = posted_at;
ALTER TABLE returns ADD COLUMN told_at TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00';
UPDATE returns SET told_at = posted_at;
ALTER TABLE returns ADD COLUMN undone_by BIGINT;
