DROP TABLE connection_alerts;
ALTER TABLE connections DROP COLUMN heard_at;
ALTER TABLE connections DROP COLUMN watch;
