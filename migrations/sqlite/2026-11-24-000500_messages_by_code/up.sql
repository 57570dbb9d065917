-- Few messages have a code: those of one are found without reading the others.
CREATE INDEX messages_by_code ON messages (network_id, code, id) WHERE code IS NOT NULL;
