-- The order that a hold is for, where its till names it: all holds of an order together keep to what bonuses may pay of it.
ALTER TABLE holds ADD COLUMN order_name TEXT;
