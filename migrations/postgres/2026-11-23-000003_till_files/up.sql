-- Files that come in parts (exchanges of 1C), until their exchange begins anew or is long over.
CREATE TABLE till_files (
    network_id BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    part INTEGER NOT NULL,
    body BYTEA NOT NULL,
    -- The file was read: what comes under its name from now on is another one.
    was_read BOOLEAN NOT NULL,
    received_at TIMESTAMP NOT NULL,
    PRIMARY KEY (network_id, connection_id, folder, name, part)
);
