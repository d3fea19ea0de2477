//! `GET /ready`: whether the server can do its work.

use axum::http::StatusCode;
use axum::response::Response;

use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::output::{Shown, output};
use crate::refused::{Refused, json_response};

output! {
    /// Whether requests can be sent here.
    pub struct ReadyRead {
        /// `ready` or `waiting`.
        status: &'static str,
        /// What is being waited for; null when ready.
        reason: Option<String>,
    }
}

/// Says whether models are loaded and the database answers.
#[derive(Debug)]
pub struct Ready;

impl Endpoint for Ready {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Readiness",
            details: "200 once models are loaded and the database answers.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "Ready.", ReadyRead::schema),
                Answer::json(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Not ready; `reason` says why.",
                    ReadyRead::schema,
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let services = &call.state.services;
        let reason = match call.state.readiness.reason() {
            Some(reason) => Some(reason),
            None if !services.speech().is_ready() => Some("no voices are loaded".to_owned()),
            None => match services.check().await {
                Ok(()) => None,
                Err(fault) => {
                    tracing::warn!(error.message = %fault, "The database does not answer");
                    Some("the database does not answer".to_owned())
                }
            },
        };
        Ok(match reason {
            None => json_response(
                StatusCode::OK,
                &ReadyRead {
                    status: "ready",
                    reason: None,
                },
            ),
            reason => json_response(
                StatusCode::SERVICE_UNAVAILABLE,
                &ReadyRead {
                    status: "waiting",
                    reason,
                },
            ),
        })
    }
}
