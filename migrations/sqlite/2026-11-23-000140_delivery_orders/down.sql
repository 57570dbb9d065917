DROP INDEX receipts_delivery;
