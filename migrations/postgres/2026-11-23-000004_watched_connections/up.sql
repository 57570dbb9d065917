-- When a connection is looked after: opening hours, and how long it may be silent in them; null: as is usual.
ALTER TABLE connections ADD COLUMN watch TEXT;
-- When its till last spoke, to the minute: what only asks is kept nowhere else.
ALTER TABLE connections ADD COLUMN heard_at TIMESTAMP;

-- Connections that failed or fell silent, from when until when.
CREATE TABLE connection_alerts (
    network_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    connection_id BIGINT NOT NULL,
    -- failing, quiet
    kind TEXT NOT NULL,
    -- Of the refusal, for one that fails.
    code TEXT,
    began_at TIMESTAMP NOT NULL,
    -- Null: it goes on.
    ended_at TIMESTAMP,
    PRIMARY KEY (network_id, id)
);
-- However many instances watch, an alert is given once.
CREATE UNIQUE INDEX connection_alerts_open ON connection_alerts (network_id, connection_id, kind) WHERE ended_at IS NULL;
