-- Plans, limits as data, and keys that are narrower than their makers: rights, budget, end, several secrets at a time.

CREATE TABLE plans (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- A JSON object: the limit's name and its value.
    limits TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT plans_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ux_plans_name ON plans (name);

ALTER TABLE organizations ADD COLUMN plan_id TEXT CONSTRAINT fk_organizations_plan REFERENCES plans (id);
-- A JSON object of limits beyond the three columns; null for one of those three means that the plan's value holds instead.
ALTER TABLE organizations ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
CREATE INDEX ix_organizations_plan ON organizations (plan_id) WHERE plan_id IS NOT NULL;

-- The key that made this one. What it made ends with it.
ALTER TABLE api_keys ADD COLUMN created_by_key_id TEXT CONSTRAINT fk_api_keys_created_by REFERENCES api_keys (id) ON DELETE CASCADE;
-- Names joined by commas. Keys made before there were services keep what they could do: everything their account may.
ALTER TABLE api_keys ADD COLUMN services TEXT NOT NULL DEFAULT 'tts,stt,llm,media,agents,admin';
-- JSON arrays of names; null for all.
ALTER TABLE api_keys ADD COLUMN voices TEXT;
ALTER TABLE api_keys ADD COLUMN models TEXT;
-- A JSON array of networks in CIDR notation; empty for anywhere.
ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
-- The plan whose limits are the key's, and a JSON object of the key's own, which come before them.
ALTER TABLE api_keys ADD COLUMN tier_id TEXT CONSTRAINT fk_api_keys_tier REFERENCES plans (id);
ALTER TABLE api_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
-- Millionths of a credit: the most the key may spend, and what it has spent and holds.
ALTER TABLE api_keys ADD COLUMN credit_budget BIGINT CONSTRAINT ck_api_keys_budget CHECK (credit_budget >= 0);
ALTER TABLE api_keys ADD COLUMN credits_committed BIGINT NOT NULL DEFAULT 0 CONSTRAINT ck_api_keys_committed CHECK (credits_committed >= 0);
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT;
ALTER TABLE api_keys ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE api_keys SET updated_at = created_at;
CREATE INDEX ix_api_keys_created_by ON api_keys (created_by_key_id) WHERE created_by_key_id IS NOT NULL;
CREATE INDEX ix_api_keys_tier ON api_keys (tier_id) WHERE tier_id IS NOT NULL;

-- Rotation adds a secret and gives the older ones an end.
CREATE TABLE api_key_secrets (
    -- Keyed hash of the secret.
    key_hash BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    CONSTRAINT api_key_secrets_pkey PRIMARY KEY (key_hash),
    CONSTRAINT fk_api_key_secrets_key FOREIGN KEY (key_id) REFERENCES api_keys (id) ON DELETE CASCADE
);
CREATE INDEX ix_api_key_secrets_key ON api_key_secrets (key_id);
CREATE INDEX ix_api_key_secrets_expires ON api_key_secrets (expires_at) WHERE expires_at IS NOT NULL;
INSERT INTO api_key_secrets (key_hash, key_id, created_at) SELECT key_hash, id, created_at FROM api_keys;
DROP INDEX ux_api_keys_key_hash;
ALTER TABLE api_keys DROP COLUMN key_hash;
