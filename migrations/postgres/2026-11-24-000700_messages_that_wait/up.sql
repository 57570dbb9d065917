-- Of an inbox of millions few messages wait for a person: they are found without reading the others.
CREATE INDEX messages_waiting ON messages (network_id, id)
    WHERE outcome IN ('refused', 'unreadable') AND needs_nobody IS NULL;
