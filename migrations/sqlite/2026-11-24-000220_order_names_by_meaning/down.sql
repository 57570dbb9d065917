DROP INDEX order_names_meaning;
