DROP TABLE connection_alerts;
ALTER TABLE connections DROP COLUMN watch;
