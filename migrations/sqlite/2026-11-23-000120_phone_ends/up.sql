-- The last four digits of a telephone, as a till may know no more of it. SQLite adds no stored column; the index has the values.
ALTER TABLE customers ADD COLUMN phone_end TEXT GENERATED ALWAYS AS (substr(phone, -4)) VIRTUAL;
CREATE INDEX customers_phone_end ON customers (network_id, phone_end);
