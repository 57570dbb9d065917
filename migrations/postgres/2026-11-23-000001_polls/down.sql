DROP TABLE errands;
ALTER TABLE connections DROP COLUMN poll_failures;
ALTER TABLE connections DROP COLUMN poll_failure;
ALTER TABLE connections DROP COLUMN poll_failed_at;
ALTER TABLE connections DROP COLUMN poll_succeeded_at;
ALTER TABLE connections DROP COLUMN poll_leased_until;
ALTER TABLE connections DROP COLUMN poll_lease;
ALTER TABLE connections DROP COLUMN poll_due_at;
ALTER TABLE connections DROP COLUMN poll_state;
