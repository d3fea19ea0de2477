//! The security headers the vendors document, on every answer, errors included.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::endpoint::RequestContext;
use crate::state::{ApiState, Hsts};

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_XSS_PROTECTION, "1; mode=block"),
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "microphone=(), camera=()",
    ),
];

const HSTS: &str = "max-age=31536000; includeSubDomains";

/// Adds the headers; one an endpoint has set itself stays.
pub async fn add(
    State(state): State<ApiState>,
    context: Option<Extension<RequestContext>>,
    request: Request,
    next: Next,
) -> Response {
    let tls = context.is_some_and(|Extension(context)| context.tls);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if state.config.hsts == Hsts::Always || tls {
        headers
            .entry(header::STRICT_TRANSPORT_SECURITY)
            .or_insert(HeaderValue::from_static(HSTS));
    }
    response
}
