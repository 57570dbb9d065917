-- What a person made of a write-off whose receipt did not come: 'kept' or 'given_back'; and of a return that could not be applied.
ALTER TABLE write_offs ADD COLUMN settled_at TIMESTAMP;
ALTER TABLE write_offs ADD COLUMN settlement TEXT;
ALTER TABLE write_offs ADD COLUMN settled_by TEXT;
ALTER TABLE write_offs ADD COLUMN note TEXT;
ALTER TABLE returns ADD COLUMN settled_at TIMESTAMP;
ALTER TABLE returns ADD COLUMN settled_by TEXT;
ALTER TABLE returns ADD COLUMN note TEXT;
CREATE INDEX returns_status ON returns (network_id, status, id);
CREATE INDEX write_offs_waiting ON write_offs (network_id, transaction_id) WHERE receipt_id IS NULL AND settled_at IS NULL;
