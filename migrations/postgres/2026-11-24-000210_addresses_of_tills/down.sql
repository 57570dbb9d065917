ALTER TABLE connections DROP COLUMN only_from;
