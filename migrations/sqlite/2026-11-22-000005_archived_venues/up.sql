-- A venue out of use takes no receipts from then on, but those that were closed before and come late.
ALTER TABLE venues ADD COLUMN archived_at TIMESTAMP;
UPDATE venues SET archived_at = CURRENT_TIMESTAMP WHERE archived;
ALTER TABLE venues DROP COLUMN archived;
