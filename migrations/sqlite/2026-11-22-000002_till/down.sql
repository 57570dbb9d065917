DROP INDEX returns_venue;
DROP TABLE till_conflicts;
ALTER TABLE products DROP COLUMN unit;
DROP TABLE favourites;
DROP TABLE message_ticks;
DROP TABLE user_pins;
DROP TABLE till_devices;
DROP TABLE network_secrets;
