-- A digest of what the till itself said of a receipt, whatever the connection's settings made of it: by it a repeat is known for one after
-- they have changed. Receipts of before have none.
ALTER TABLE receipts ADD COLUMN as_told BLOB;
