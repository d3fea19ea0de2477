-- What was used: one row per metered request, counters per limit window, and which processes are alive.

CREATE TABLE usage_requests (
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    -- Neither is a reference: history outlives accounts and keys.
    user_id TEXT NOT NULL,
    key_id TEXT,
    -- The process that admitted the request and will settle it.
    node_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    voice TEXT NOT NULL,
    format TEXT NOT NULL,
    sample_rate_hz BIGINT NOT NULL,
    characters BIGINT NOT NULL,
    words BIGINT NOT NULL,
    -- What counts: all of it while pending and after success, the delivered share after a failure.
    charged_characters BIGINT NOT NULL,
    charged_words BIGINT NOT NULL,
    status TEXT NOT NULL,
    error TEXT,
    audio_ms BIGINT,
    duration_ms BIGINT,
    engine_ms BIGINT,
    queue_ms BIGINT,
    bytes_out BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    CONSTRAINT usage_requests_pkey PRIMARY KEY (id),
    CONSTRAINT fk_usage_requests_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT ck_usage_requests_status CHECK (status IN ('pending', 'success', 'failed')),
    CONSTRAINT ck_usage_requests_charge CHECK (charged_words BETWEEN 0 AND words AND charged_characters BETWEEN 0 AND characters)
);
CREATE INDEX ix_usage_requests_organization ON usage_requests (organization_id, created_at, id);
CREATE INDEX ix_usage_requests_user ON usage_requests (organization_id, user_id, created_at, id);
CREATE INDEX ix_usage_requests_pending ON usage_requests (node_id) WHERE status = 'pending';

CREATE TABLE usage_counters (
    organization_id TEXT NOT NULL,
    -- `day` or `month`.
    kind TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    words BIGINT NOT NULL,
    CONSTRAINT usage_counters_pkey PRIMARY KEY (organization_id, kind, window_start),
    CONSTRAINT fk_usage_counters_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT ck_usage_counters_words CHECK (words >= 0)
);

-- Processes that serve requests. One whose sign of life is old is dead, and others settle what it left pending.
CREATE TABLE nodes (
    id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    CONSTRAINT nodes_pkey PRIMARY KEY (id)
);
