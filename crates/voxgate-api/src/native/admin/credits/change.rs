//! `POST /admin/v1/organizations/{org_id}/credits/transfers`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::{Micros, RequestId, TransferId};
use voxgate_services::credits::{Change, ChangeCredits};

use super::super::types::AdminTransfer;
use super::super::{OrganizationPath, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{int, one_of, optional, required, text, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native::error::{invalid, refuse};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// The longest note in characters.
const MEMO_MAX: usize = 500;

input! {
    /// A change of what an organisation has.
    pub struct TransferCreate as "AdminTransferCreate", Style::Strict; {
        /// The transfer's id, chosen by the client so that repeating the request changes nothing; left out, every request
        /// is a transfer of its own.
        id: Option<Uuid> = optional(uuid()),
        /// Why: a gift, a payment, a correction, or the price of a request given back.
        kind: &'static str = required(one_of(&["grant", "purchase", "adjustment", "refund"])),
        /// How much, in millionths of a credit; negative only for an adjustment.
        amount_micros: i64 = required(int(-Micros::MAX_TRANSFER.get(), Micros::MAX_TRANSFER.get())),
        /// The request that was paid for; with a refund, and only there.
        request_id: Option<Uuid> = optional(uuid()),
        /// A note for the statement.
        memo: Option<String> = optional(text().max(MEMO_MAX)),
    }
}

/// Grants, sells, corrects or gives back credits.
#[derive(Debug)]
pub struct ChangeBalance;

impl Endpoint for ChangeBalance {
    type Path = OrganizationPath;
    type Query = Nothing;
    type Body = TransferCreate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Change the credits of an organization",
            details: "For system administrators. Repeating a change with its id answers the first transfer and changes nothing.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::CREATED, "The transfer.", AdminTransfer::schema),
                Answer::refusal(StatusCode::NOT_FOUND, "No such organization."),
                Answer::refusal(
                    StatusCode::CONFLICT,
                    "The id is that of a different transfer.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let organization_id = call.path.id(principal)?;
        let body = &call.body;
        let change = match (body.kind, body.request_id) {
            ("refund", Some(id)) => Change::Refund(RequestId::from(id)),
            ("refund", None) => return Err(invalid("request_id", "a refund names its request")),
            (_, Some(_)) => return Err(invalid("request_id", "only a refund names a request")),
            ("purchase", None) => Change::Purchase,
            ("adjustment", None) => Change::Adjustment,
            (_, None) => Change::Grant,
        };
        let command = ChangeCredits {
            id: body.id.map_or_else(TransferId::generate, TransferId::from),
            organization_id,
            change,
            amount: Micros::new(body.amount_micros),
            memo: body.memo.clone().unwrap_or_default(),
        };
        let booked = call
            .state
            .services
            .credits()
            .change(principal, command)
            .await;
        let transfer = AdminTransfer::from(booked.map_err(refuse)?);
        Ok(shown(StatusCode::CREATED, &transfer))
    }
}
