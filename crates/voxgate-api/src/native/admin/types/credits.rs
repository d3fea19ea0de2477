//! Money as administration shows it: amounts in millionths of a credit, and beside them credits as decimal text.

use uuid::Uuid;
use voxgate_domain::{Micros, OrgId, Price, RequestId};
use voxgate_services::credits::{CreditBalance, Transfer};

use super::AdminQuantities;
use crate::output::{Instant, output};

output! {
    /// What an organisation has.
    pub struct AdminBalance {
        /// Whose it is.
        organization_id: Uuid,
        /// What it can spend, in millionths of a credit.
        available_micros: i64,
        /// The same in credits.
        available: String,
        /// What is on hold for requests under way, in millionths of a credit.
        held_micros: i64,
        /// The same in credits.
        held: String,
    }
}

impl AdminBalance {
    /// The balance of an organisation.
    pub fn new(organization: OrgId, balance: &CreditBalance) -> Self {
        Self {
            organization_id: organization.as_uuid(),
            available_micros: balance.available.get(),
            available: balance.available.to_string(),
            held_micros: balance.held.get(),
            held: balance.held.to_string(),
        }
    }
}

output! {
    /// One movement of credits.
    pub struct AdminTransfer {
        /// Its id; booking the same id again changes nothing.
        id: Uuid,
        /// 1, 2, 3 … within the organisation, without gaps.
        number: u64,
        /// grant, purchase, adjustment, hold, post, void or refund.
        kind: &'static str,
        /// The account it was taken from.
        debit_account: String,
        /// The account it was added to.
        credit_account: String,
        /// How much, in millionths of a credit; positive.
        amount_micros: i64,
        /// The same in credits.
        amount: String,
        /// What could be spent afterwards, in millionths of a credit.
        available_after_micros: i64,
        /// The same in credits.
        available_after: String,
        /// What was held afterwards, in millionths of a credit.
        held_after_micros: i64,
        /// The request it belongs to.
        request_id: Option<Uuid>,
        /// A remark.
        memo: String,
        /// Who booked it, where a person or a key did.
        actor: Option<String>,
        /// When it was booked.
        created_at: Instant,
    }
}

impl From<Transfer> for AdminTransfer {
    fn from(transfer: Transfer) -> Self {
        Self {
            id: transfer.id.as_uuid(),
            number: transfer.number,
            kind: transfer.kind.as_str(),
            debit_account: transfer.debit_account,
            credit_account: transfer.credit_account,
            amount_micros: transfer.amount.get(),
            amount: transfer.amount.to_string(),
            available_after_micros: transfer.available_after.get(),
            available_after: transfer.available_after.to_string(),
            held_after_micros: transfer.held_after.get(),
            request_id: transfer.request_id.map(RequestId::as_uuid),
            memo: transfer.memo,
            actor: transfer.actor,
            created_at: transfer.created_at.into(),
        }
    }
}

output! {
    /// One line of a price list.
    pub struct AdminPrice {
        /// What is sold.
        service: &'static str,
        /// Which model; null for all that have no line of their own.
        model: Option<String>,
        /// Per what: request, character, word, token_in, token_out, audio_second_in or audio_second_out.
        unit: &'static str,
        /// Millionths of a credit per unit.
        micros: i64,
        /// The same in credits.
        credits: String,
    }
}

impl From<Price> for AdminPrice {
    fn from(price: Price) -> Self {
        Self {
            service: price.service.as_str(),
            model: price.model,
            unit: price.unit.as_str(),
            micros: price.micros.get(),
            credits: price.micros.to_string(),
        }
    }
}

output! {
    /// A price list.
    pub struct AdminPriceList {
        /// Its lines.
        prices: Vec<AdminPrice>,
    }
}

impl From<Vec<Price>> for AdminPriceList {
    fn from(lines: Vec<Price>) -> Self {
        Self {
            prices: lines.into_iter().map(AdminPrice::from).collect(),
        }
    }
}

output! {
    /// What something would cost.
    pub struct AdminPriceQuote {
        /// The service.
        service: &'static str,
        /// The model the prices go by.
        model: String,
        /// What it would be charged for.
        quantities: AdminQuantities,
        /// The cost in millionths of a credit.
        micros: i64,
        /// The same in credits.
        credits: String,
    }
}

impl AdminPriceQuote {
    /// A quote; `micros` is what `quantities` cost.
    pub fn new(
        service: voxgate_domain::Service,
        model: String,
        quantities: &voxgate_domain::Quantities,
        micros: Micros,
    ) -> Self {
        Self {
            service: service.as_str(),
            model,
            quantities: quantities.into(),
            micros: micros.get(),
            credits: micros.to_string(),
        }
    }
}
