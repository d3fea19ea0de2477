-- Who changed what, and answers kept for requests that are sent again.

CREATE TABLE audit_log (
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- Null for what belongs to no organisation. None of the ids is a reference: the log outlives what it tells of.
    organization_id TEXT,
    actor TEXT NOT NULL,
    actor_user_id TEXT,
    actor_key_id TEXT,
    address TEXT,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    -- A JSON object; never a secret.
    changes TEXT NOT NULL,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT ck_audit_log_actor CHECK (actor IN ('operator', 'user', 'key', 'system'))
);
CREATE INDEX ix_audit_log_organization ON audit_log (organization_id, at, id);
CREATE INDEX ix_audit_log_at ON audit_log (at, id);
CREATE INDEX ix_audit_log_target ON audit_log (target_kind, target_id, at, id);
CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_log_immutable', MESSAGE = 'the audit log is never changed';
END $$;
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_refuse();

CREATE TABLE idempotency_keys (
    organization_id TEXT NOT NULL,
    -- The key's or the account's id.
    owner TEXT NOT NULL,
    -- Hash of the text that the client chose.
    key_hash BYTEA NOT NULL,
    operation TEXT NOT NULL,
    -- Hash of what was asked for.
    fingerprint BYTEA NOT NULL,
    state TEXT NOT NULL,
    -- The process that works on it.
    node_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- The answer once there is one: status and headers as JSON, and the body.
    answer_meta TEXT,
    answer_body BYTEA,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (organization_id, owner, key_hash),
    CONSTRAINT fk_idempotency_keys_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT ck_idempotency_keys_state CHECK (state IN ('running', 'done')),
    CONSTRAINT ck_idempotency_keys_answer CHECK ((state = 'done') = (answer_meta IS NOT NULL AND answer_body IS NOT NULL))
);
CREATE INDEX ix_idempotency_keys_expires ON idempotency_keys (expires_at);
CREATE INDEX ix_idempotency_keys_running ON idempotency_keys (node_id) WHERE state = 'running';
