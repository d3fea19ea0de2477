-- Credits in double entry, in millionths: immutable transfers, balances kept beside them, holds that are resolved once, prices.

CREATE TABLE ledger_transfers (
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    -- 1, 2, 3 … within the organisation, without gaps.
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- `available:<organisation>`, `held:<organisation>`, `revenue`, `refunds`, `grants`, `purchases` or `adjustments`.
    debit_account TEXT NOT NULL,
    credit_account TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- The organisation's balances once this transfer is booked.
    available_after BIGINT NOT NULL,
    held_after BIGINT NOT NULL,
    -- The hold, which has the request's id, for the kinds that belong to one.
    hold_id TEXT,
    memo TEXT NOT NULL,
    -- Who booked it, where a person or a key did.
    actor TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT ledger_transfers_pkey PRIMARY KEY (id),
    CONSTRAINT fk_ledger_transfers_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT ck_ledger_transfers_kind CHECK (kind IN ('grant', 'purchase', 'adjustment', 'hold', 'post', 'void', 'refund')),
    CONSTRAINT ck_ledger_transfers_accounts CHECK (debit_account <> credit_account),
    CONSTRAINT ck_ledger_transfers_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    CONSTRAINT ck_ledger_transfers_balances CHECK (available_after >= 0 AND held_after >= 0)
);
CREATE UNIQUE INDEX ux_ledger_transfers_number ON ledger_transfers (organization_id, number);
CREATE INDEX ix_ledger_transfers_hold ON ledger_transfers (hold_id) WHERE hold_id IS NOT NULL;
CREATE FUNCTION ledger_transfers_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfers_immutable', MESSAGE = 'transfers are never changed';
END $$;
CREATE TRIGGER ledger_transfers_no_change BEFORE UPDATE OR DELETE ON ledger_transfers
    FOR EACH ROW EXECUTE FUNCTION ledger_transfers_refuse();

CREATE TABLE credit_balances (
    organization_id TEXT NOT NULL,
    available BIGINT NOT NULL,
    held BIGINT NOT NULL,
    -- The number of the latest transfer.
    transfers BIGINT NOT NULL,
    CONSTRAINT credit_balances_pkey PRIMARY KEY (organization_id),
    CONSTRAINT fk_credit_balances_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    -- The upper ends keep sums within 64 bits: beyond them SQLite would go on in floating point.
    CONSTRAINT ck_credit_balances_available CHECK (available BETWEEN 0 AND 1000000000000000000),
    CONSTRAINT ck_credit_balances_held CHECK (held BETWEEN 0 AND 1000000000000000000)
);

CREATE TABLE credit_holds (
    -- The request's id.
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    -- Not a reference: history outlives keys.
    key_id TEXT,
    -- The process that will resolve it.
    node_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    status TEXT NOT NULL,
    posted BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    resolved_at BIGINT,
    CONSTRAINT credit_holds_pkey PRIMARY KEY (id),
    CONSTRAINT fk_credit_holds_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT ck_credit_holds_status CHECK (status IN ('open', 'posted', 'voided')),
    CONSTRAINT ck_credit_holds_amount CHECK (amount > 0),
    CONSTRAINT ck_credit_holds_posted CHECK (posted BETWEEN 0 AND amount AND (posted > 0) = (status = 'posted')),
    CONSTRAINT ck_credit_holds_refunded CHECK (refunded BETWEEN 0 AND posted),
    CONSTRAINT ck_credit_holds_resolved CHECK ((resolved_at IS NULL) = (status = 'open'))
);
CREATE INDEX ix_credit_holds_open ON credit_holds (node_id) WHERE status = 'open';

CREATE TABLE prices (
    -- Null for the general list.
    plan_id TEXT,
    service TEXT NOT NULL,
    -- Null for every model without lines of its own.
    model TEXT,
    unit TEXT NOT NULL,
    micros BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT fk_prices_plan FOREIGN KEY (plan_id) REFERENCES plans (id) ON DELETE CASCADE,
    CONSTRAINT ck_prices_micros CHECK (micros >= 0)
);
-- No model is called by the empty name.
CREATE UNIQUE INDEX ux_prices_line ON prices (COALESCE(plan_id, ''), service, COALESCE(model, ''), unit);
CREATE INDEX ix_prices_plan ON prices (plan_id) WHERE plan_id IS NOT NULL;
