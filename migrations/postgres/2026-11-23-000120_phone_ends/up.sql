-- The last four digits of a telephone, as a till may know no more of it.
ALTER TABLE customers ADD COLUMN phone_end TEXT GENERATED ALWAYS AS (right(phone, 4)) STORED;
CREATE INDEX customers_phone_end ON customers (network_id, phone_end);
