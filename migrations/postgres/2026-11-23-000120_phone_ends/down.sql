DROP INDEX customers_phone_end;
ALTER TABLE customers DROP COLUMN phone_end;
