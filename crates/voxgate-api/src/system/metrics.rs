//! `GET /metrics`: Prometheus text, for whom the configuration allows it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::extract::principal::bearer;
use crate::openapi::Description;
use crate::refused::Refused;
use crate::state::MetricsAccess;

/// Renders the metrics.
#[derive(Debug)]
pub struct Metrics;

impl Endpoint for Metrics {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Metrics",
            details: "Prometheus text.",
            tag: TAG,
            answers: Vec::new(),
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        match &call.state.config.metrics {
            MetricsAccess::Off => return Err(Refused::not_found()),
            MetricsAccess::Open => {}
            MetricsAccess::Token(expected) => {
                let presented = bearer(&call.headers).unwrap_or_default();
                if !bool::from(
                    presented
                        .as_bytes()
                        .ct_eq(expected.expose_secret().as_bytes()),
                ) {
                    return Err(Refused::unauthorized());
                }
            }
        }
        let handle = call.state.metrics.as_ref().ok_or_else(Refused::not_found)?;
        let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        Ok(([(header::CONTENT_TYPE, content_type)], handle.render()).into_response())
    }
}
