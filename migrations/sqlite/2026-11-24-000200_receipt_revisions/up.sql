-- How often a receipt was written: two instances that change one at the same time find out, even where no guest's account
-- would tell.
ALTER TABLE receipts ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
