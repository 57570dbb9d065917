-- From where a till's messages may come, with commas between; empty: from anywhere.
ALTER TABLE connections ADD COLUMN only_from TEXT NOT NULL DEFAULT '';
