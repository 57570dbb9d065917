-- Connections, with commas between, under which this one's orders were told before they became another's (shares_orders_with), or its
-- own again: what is said of those orders later still finds them.
ALTER TABLE connections ADD COLUMN orders_before TEXT NOT NULL DEFAULT '';
