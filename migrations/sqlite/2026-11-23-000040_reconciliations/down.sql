DROP TABLE reconciliation_differences;
DROP TABLE reconciliations;
