//! What wraps every route: request ids, logs, metrics, security headers, panics, CORS, compression.

pub mod metrics;
pub mod observe;
pub mod security_headers;

use std::any::Any;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::refused::Refused;
use crate::state::{ApiConfig, ApiState};

/// Wraps the routes; the last layer added is the first a request meets.
pub fn wrap(router: Router, state: &ApiState) -> Router {
    let router = router
        // Endpoints bound their bodies themselves, by configuration.
        .layer(DefaultBodyLimit::disable())
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(is_text)));
    let router = match cors(&state.config) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), security_headers::add))
        .layer(from_fn_with_state(state.clone(), observe::observe))
}

/// Only text is compressed: audio already is, and a stream must not wait for a compressor.
fn is_text(
    _: axum::http::StatusCode,
    _: axum::http::Version,
    headers: &axum::http::HeaderMap,
    _: &axum::http::Extensions,
) -> bool {
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    [
        "application/json",
        "text/html",
        "text/css",
        "text/javascript",
    ]
    .iter()
    .any(|text| media.starts_with(text))
}

/// The sender's mistake is never a panic: this is always ours, so the caller hears no more than that.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature tower-http asks for"
)]
fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic.message = message, "A request handler panicked");
    Refused::internal().into_response()
}

/// Headers a browser may read from an answer besides the simple ones.
const EXPOSED: [&str; 22] = [
    "content-disposition",
    "idempotent-replayed",
    "retry-after",
    "server-timing",
    "x-ratelimit-limit",
    "x-ratelimit-limit-concurrent",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-limit-tokens-day",
    "x-ratelimit-remaining",
    "x-ratelimit-remaining-concurrent",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-remaining-tokens-day",
    "x-ratelimit-reset",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-reset-tokens-day",
    "x-request-id",
    "x-total-count",
    "x-usage-request-id",
    "x-words-used",
];

/// `None` unless the operator allows origins: keys do not belong into browsers.
fn cors(config: &ApiConfig) -> Option<CorsLayer> {
    if config.cors_allowed_origins.is_empty() {
        return None;
    }
    let origin = if config
        .cors_allowed_origins
        .iter()
        .any(|origin| origin == "*")
    {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            config
                .cors_allowed_origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static("idempotency-key"),
                HeaderName::from_static("x-api-key"),
                HeaderName::from_static("x-request-id"),
            ])
            .expose_headers(EXPOSED.map(HeaderName::from_static))
            .max_age(std::time::Duration::from_secs(600)),
    )
}
