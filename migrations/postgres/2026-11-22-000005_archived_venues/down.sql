ALTER TABLE venues ADD COLUMN archived BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE venues SET archived = archived_at IS NOT NULL;
ALTER TABLE venues DROP COLUMN archived_at;
