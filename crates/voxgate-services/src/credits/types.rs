//! What goes into and comes out of the credit use cases.

use voxgate_domain::{Micros, OrgId, RequestId, TransferId};

/// What an organisation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditBalance {
    /// What it can spend.
    pub available: Micros,
    /// What is on hold for requests under way.
    pub held: Micros,
}

/// Why credits change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A gift, as with a new account.
    Grant,
    /// Paid for.
    Purchase,
    /// A correction, in either direction.
    Adjustment,
    /// Given back for a request that was paid for; at most what it cost.
    Refund(RequestId),
}

impl Change {
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Grant => "credits.grant",
            Self::Purchase => "credits.purchase",
            Self::Adjustment => "credits.adjust",
            Self::Refund(_) => "credits.refund",
        }
    }
}

/// A change of what an organisation has.
#[derive(Debug, Clone)]
pub struct ChangeCredits {
    /// The id of the transfer: repeating it changes nothing.
    pub id: TransferId,
    /// Whose credits.
    pub organization_id: OrgId,
    /// Why.
    pub change: Change,
    /// How much; negative only for an adjustment.
    pub amount: Micros,
    /// A note for the statement; at most 500 characters.
    pub memo: String,
}
