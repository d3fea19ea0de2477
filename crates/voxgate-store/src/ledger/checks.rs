//! What must always be true of the books. Each check is one statement, so that it sees one state of the database even while
//! requests are served; what it finds is a sentence per case.

use crate::{Db, StoreError, params};

macro_rules! own {
    ($account:literal, $side:literal) => {
        concat!(
            "CASE WHEN ",
            $side,
            "_account = '",
            $account,
            ":' || organization_id THEN amount ELSE 0 END"
        )
    };
}
/// What a transfer adds to an organisation's account.
macro_rules! effect {
    ($account:literal) => {
        concat!(own!($account, "credit"), " - ", own!($account, "debit"))
    };
}
macro_rules! outside {
    () => {
        "('grants', 'purchases', 'adjustments', 'revenue', 'refunds')"
    };
}

/// Balances are what the transfers say, and every transfer was counted.
const BALANCES: &str = concat!(
    "SELECT 'organization ' || b.organization_id || ' has ' || CAST(b.available AS TEXT) || ' available and ' || \
     CAST(b.held AS TEXT) || ' held after ' || CAST(b.transfers AS TEXT) || ' transfers; the transfers say ' || \
     CAST(COALESCE(t.available, 0) AS TEXT) || ' and ' || CAST(COALESCE(t.held, 0) AS TEXT) || ' after ' || \
     CAST(COALESCE(t.transfers, 0) AS TEXT) FROM credit_balances b LEFT JOIN (SELECT organization_id, \
     CAST(SUM(",
    effect!("available"),
    ") AS BIGINT) AS available, CAST(SUM(",
    effect!("held"),
    ") AS BIGINT) AS held, \
     COUNT(*) AS transfers FROM ledger_transfers GROUP BY organization_id) t ON t.organization_id = b.organization_id \
     WHERE b.available <> COALESCE(t.available, 0) OR b.held <> COALESCE(t.held, 0) OR b.transfers <> COALESCE(t.transfers, 0) \
     LIMIT 20"
);
/// Every organisation with transfers has a balance.
const WITHOUT_BALANCE: &str = "SELECT DISTINCT 'organization ' || t.organization_id || ' has transfers but no balance' \
     FROM ledger_transfers t \
     WHERE NOT EXISTS (SELECT 1 FROM credit_balances b WHERE b.organization_id = t.organization_id) LIMIT 20";
/// No transfer was removed or changed: numbers have no gaps, and each balance follows from the one before.
const RUNNING: &str = concat!(
    "SELECT 'transfer ' || CAST(number AS TEXT) || ' of organization ' || organization_id || \
     ' does not follow from the one before' FROM (SELECT organization_id, number, available_after, held_after, \
     ROW_NUMBER() OVER w AS expected, SUM(",
    effect!("available"),
    ") OVER w AS available, SUM(",
    effect!("held"),
    ") OVER w AS held \
     FROM ledger_transfers WINDOW w AS (PARTITION BY organization_id ORDER BY number)) s \
     WHERE number <> expected OR available_after <> available OR held_after <> held LIMIT 20"
);
/// Each kind moves between the accounts it is meant for, and belongs to a request or not.
const ACCOUNTS: &str = "SELECT 'transfer ' || id || ' (' || kind || ') moves from ' || debit_account || ' to ' || credit_account \
     FROM (SELECT id, kind, debit_account, credit_account, hold_id, 'available:' || organization_id AS free, \
     'held:' || organization_id AS held FROM ledger_transfers) s WHERE NOT CASE kind \
     WHEN 'grant' THEN debit_account = 'grants' AND credit_account = free AND hold_id IS NULL \
     WHEN 'purchase' THEN debit_account = 'purchases' AND credit_account = free AND hold_id IS NULL \
     WHEN 'adjustment' THEN hold_id IS NULL AND ((debit_account = 'adjustments' AND credit_account = free) \
     OR (debit_account = free AND credit_account = 'adjustments')) \
     WHEN 'hold' THEN debit_account = free AND credit_account = held AND hold_id IS NOT NULL \
     WHEN 'post' THEN debit_account IN (free, held) AND credit_account = 'revenue' AND hold_id IS NOT NULL \
     WHEN 'void' THEN debit_account = held AND credit_account = free AND hold_id IS NOT NULL \
     ELSE debit_account = 'refunds' AND credit_account = free AND hold_id IS NOT NULL END LIMIT 20";
/// The organisations' side and the product's side are together zero.
const ZERO: &str = concat!(
    "SELECT 'all accounts together are ' || CAST(total AS TEXT) || ' instead of zero' FROM (SELECT \
     (SELECT COALESCE(SUM(available + held), 0) FROM credit_balances) + (SELECT COALESCE(SUM(CASE WHEN credit_account IN ",
    outside!(),
    " THEN amount ELSE 0 END - CASE WHEN debit_account IN ",
    outside!(),
    " THEN amount ELSE 0 END), 0) FROM ledger_transfers) AS total) s WHERE total <> 0"
);
/// Each hold is resolved at most once, with the transfers that say so: either held and then posted or voided or both in
/// part, or posted at once.
const HOLDS: &str = "SELECT 'the hold of request ' || h.id || ' (' || h.status || ', ' || CAST(h.amount AS TEXT) || ', posted ' || \
     CAST(h.posted AS TEXT) || ', refunded ' || CAST(h.refunded AS TEXT) || ') does not match its transfers' \
     FROM credit_holds h LEFT JOIN (SELECT hold_id, organization_id, \
     SUM(CASE WHEN kind = 'hold' THEN 1 ELSE 0 END) AS holds, SUM(CASE WHEN kind = 'hold' THEN amount ELSE 0 END) AS held, \
     SUM(CASE WHEN kind = 'post' THEN 1 ELSE 0 END) AS posts, SUM(CASE WHEN kind = 'post' THEN amount ELSE 0 END) AS posted, \
     SUM(CASE WHEN kind = 'void' THEN 1 ELSE 0 END) AS voids, SUM(CASE WHEN kind = 'void' THEN amount ELSE 0 END) AS voided, \
     SUM(CASE WHEN kind = 'refund' THEN amount ELSE 0 END) AS refunded \
     FROM ledger_transfers WHERE hold_id IS NOT NULL GROUP BY hold_id, organization_id) t \
     ON t.hold_id = h.id AND t.organization_id = h.organization_id WHERE t.hold_id IS NULL OR NOT ( \
     t.posted = h.posted AND t.posts = CASE WHEN h.posted > 0 THEN 1 ELSE 0 END AND t.refunded = h.refunded AND ( \
     (t.holds = 1 AND t.held = h.amount AND ((h.status = 'open' AND t.voids = 0) OR (h.status <> 'open' \
     AND t.voided = h.amount - h.posted AND t.voids = CASE WHEN h.amount > h.posted THEN 1 ELSE 0 END))) \
     OR (t.holds = 0 AND h.status = 'posted' AND h.posted = h.amount AND t.voids = 0))) LIMIT 20";
/// What an organisation has held is what its open holds hold.
const OPEN: &str = "SELECT 'organization ' || b.organization_id || ' has ' || CAST(b.held AS TEXT) || ' held; its open holds are ' || \
     CAST(COALESCE(h.amount, 0) AS TEXT) FROM credit_balances b LEFT JOIN (SELECT organization_id, \
     CAST(SUM(amount) AS BIGINT) AS amount FROM credit_holds WHERE status = 'open' GROUP BY organization_id) h \
     ON h.organization_id = b.organization_id WHERE b.held <> COALESCE(h.amount, 0) LIMIT 20";
/// A transfer that belongs to a request belongs to a hold.
const WITHOUT_HOLD: &str = "SELECT 'transfer ' || t.id || ' belongs to the hold ' || t.hold_id || ', which does not exist' \
     FROM ledger_transfers t WHERE t.hold_id IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM credit_holds h WHERE h.id = t.hold_id AND h.organization_id = t.organization_id) LIMIT 20";
/// What a key has committed is what its holds say.
const KEYS: &str = "SELECT 'key ' || k.id || ' has committed ' || CAST(k.credits_committed AS TEXT) || '; its holds say ' || \
     CAST(COALESCE(h.amount, 0) AS TEXT) FROM api_keys k LEFT JOIN (SELECT key_id, \
     CAST(SUM(CASE WHEN status = 'open' THEN amount ELSE posted - refunded END) AS BIGINT) AS amount \
     FROM credit_holds WHERE key_id IS NOT NULL GROUP BY key_id) h ON h.key_id = k.id \
     WHERE k.credits_committed <> COALESCE(h.amount, 0) LIMIT 20";
/// A request that has ended has no open hold, and is billed what was posted.
const USAGE: &str = "SELECT 'request ' || u.id || ' has ended and is billed ' || CAST(u.billed_micros AS TEXT) || '; its hold is ' || \
     h.status || ' with ' || CAST(h.posted AS TEXT) || ' posted' FROM credit_holds h \
     JOIN usage_requests u ON u.id = h.id AND u.organization_id = h.organization_id \
     WHERE u.status <> 'pending' AND (h.status = 'open' OR u.billed_micros <> h.posted) LIMIT 20";
/// Nothing is billed without a hold.
const BILLED: &str = "SELECT 'request ' || u.id || ' is billed ' || CAST(u.billed_micros AS TEXT) || ' and has no hold' \
     FROM usage_requests u WHERE u.billed_micros <> 0 AND NOT EXISTS \
     (SELECT 1 FROM credit_holds h WHERE h.id = u.id AND h.organization_id = u.organization_id) LIMIT 20";

/// Every check, with its name: a statement that answers one sentence per case, and nothing where all is well.
pub const CHECKS: &[(&str, &str)] = &[
    ("ledger::checks::BALANCES", BALANCES),
    ("ledger::checks::WITHOUT_BALANCE", WITHOUT_BALANCE),
    ("ledger::checks::RUNNING", RUNNING),
    ("ledger::checks::ACCOUNTS", ACCOUNTS),
    ("ledger::checks::ZERO", ZERO),
    ("ledger::checks::HOLDS", HOLDS),
    ("ledger::checks::OPEN", OPEN),
    ("ledger::checks::WITHOUT_HOLD", WITHOUT_HOLD),
    ("ledger::checks::KEYS", KEYS),
    ("ledger::checks::USAGE", USAGE),
    ("ledger::checks::BILLED", BILLED),
];

/// Verifies the books: a sentence per case that must not be, none where all is well. Amounts in the sentences are millionths
/// of a credit. Reads every transfer and every metered request.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn check_any_org(db: &Db) -> Result<Vec<String>, StoreError> {
    let mut problems = Vec::new();
    for (_, check) in CHECKS {
        let found: Vec<(String,)> = db.read_all(check, params![]).await?;
        problems.extend(found.into_iter().map(|row| row.0));
    }
    Ok(problems)
}

impl Db {
    /// Verifies the books, as `voxgate doctor` and the tests do; see [`check_any_org`].
    ///
    /// # Errors
    /// Any [`StoreError`] but conflict.
    pub async fn check_books(&self) -> Result<Vec<String>, StoreError> {
        check_any_org(self).await
    }
}
