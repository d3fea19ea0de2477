//! `GET /health`: whether the process answers at all.

use axum::http::StatusCode;
use axum::response::Response;

use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::output::{Instant, Shown, output};
use crate::refused::{Refused, json_response};

output! {
    /// A sign of life.
    pub struct HealthRead {
        /// Always `healthy`.
        status: &'static str,
        /// The environment's name, from configuration.
        env: String,
        /// Now.
        timestamp: Instant,
        /// The version of the server.
        version: &'static str,
    }
}

/// Says that the process is alive; asks nothing of anything behind it.
#[derive(Debug)]
pub struct Health;

impl Endpoint for Health {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Liveness",
            details: "Answers as long as the process runs.",
            tag: TAG,
            answers: vec![Answer::json(StatusCode::OK, "Alive.", HealthRead::schema)],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let health = HealthRead {
            status: "healthy",
            env: call.state.config.environment.clone(),
            timestamp: Instant(call.state.services.invitations().now()),
            version: env!("CARGO_PKG_VERSION"),
        };
        Ok(json_response(StatusCode::OK, &health))
    }
}
