-- Who there is: organisations, people, sessions that ended early, invitations, API keys, brakes on guessing.

CREATE TABLE organizations (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    domain TEXT,
    domain_verified BIGINT NOT NULL,
    status TEXT NOT NULL,
    admin_email TEXT NOT NULL,
    daily_word_limit BIGINT NOT NULL,
    monthly_word_limit BIGINT NOT NULL,
    rate_limit_per_minute BIGINT NOT NULL,
    -- A JSON object.
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT ck_organizations_status CHECK (status IN ('active', 'suspended', 'inactive')),
    CONSTRAINT ck_organizations_limits CHECK (daily_word_limit >= 0 AND monthly_word_limit >= 0 AND rate_limit_per_minute >= 0)
);
CREATE INDEX ix_organizations_created ON organizations (created_at, id);

CREATE TABLE users (
    id TEXT NOT NULL,
    -- As given, with the domain in lower case.
    email TEXT NOT NULL,
    -- The whole address in lower case: what is unique.
    email_key TEXT NOT NULL,
    full_name TEXT,
    role TEXT NOT NULL,
    organization_id TEXT,
    is_active BIGINT NOT NULL,
    is_verified BIGINT NOT NULL,
    -- PHC string.
    password_hash TEXT NOT NULL,
    -- The latest end of any session ever opened, and the end up to which sessions are void; seconds since 1970, as in `exp`.
    last_session_ends_at BIGINT NOT NULL,
    sessions_void_through BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT fk_users_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT ck_users_role CHECK (role IN ('SYSTEM_ADMIN', 'ORG_ADMIN', 'ORG_USER'))
);
CREATE UNIQUE INDEX ux_users_email_key ON users (email_key);
CREATE INDEX ix_users_organization ON users (organization_id, created_at, id);

-- Sessions that were ended before their time; a row can go once its session would have ended anyway.
CREATE TABLE revoked_sessions (
    token_hash BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT revoked_sessions_pkey PRIMARY KEY (token_hash)
);
CREATE INDEX ix_revoked_sessions_expires ON revoked_sessions (expires_at);

CREATE TABLE invitations (
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    role TEXT NOT NULL,
    invited_by TEXT,
    token_hash BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    revoked_at BIGINT,
    CONSTRAINT invitations_pkey PRIMARY KEY (id),
    CONSTRAINT fk_invitations_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT ck_invitations_role CHECK (role IN ('SYSTEM_ADMIN', 'ORG_ADMIN', 'ORG_USER'))
);
CREATE UNIQUE INDEX ux_invitations_token_hash ON invitations (token_hash);
CREATE INDEX ix_invitations_organization ON invitations (organization_id, created_at, id);
CREATE INDEX ix_invitations_email_key ON invitations (email_key, created_at, id);

CREATE TABLE api_keys (
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    -- Keyed hash of the secret.
    key_hash BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT fk_api_keys_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT fk_api_keys_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX ux_api_keys_key_hash ON api_keys (key_hash);
CREATE INDEX ix_api_keys_organization ON api_keys (organization_id, created_at, id);
CREATE INDEX ix_api_keys_user ON api_keys (user_id);

CREATE TABLE login_throttle (
    -- Keyed hash of what is braked: an account seen from an address, an address, a kind of mail to somebody.
    subject BLOB NOT NULL,
    failures BIGINT NOT NULL,
    last_failure_at BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    CONSTRAINT login_throttle_pkey PRIMARY KEY (subject)
);
CREATE INDEX ix_login_throttle_last_failure ON login_throttle (last_failure_at);
