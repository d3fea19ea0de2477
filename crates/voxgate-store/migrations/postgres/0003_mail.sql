-- Outgoing messages, written in the transaction that caused them and sent in the background.

CREATE TABLE mail_outbox (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- Emptied once the message has been sent or given up: bodies hold links that open doors.
    text_body TEXT NOT NULL,
    html_body TEXT NOT NULL,
    -- `queued`, `sent` or `failed`.
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    -- While queued: when it may be tried next. A sender that takes it moves this ahead, so that a crash only delays it.
    next_attempt_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    CONSTRAINT mail_outbox_pkey PRIMARY KEY (id),
    CONSTRAINT ck_mail_outbox_status CHECK (status IN ('queued', 'sent', 'failed'))
);
CREATE INDEX ix_mail_outbox_due ON mail_outbox (next_attempt_at, id) WHERE status = 'queued';
CREATE INDEX ix_mail_outbox_finished ON mail_outbox (finished_at);
