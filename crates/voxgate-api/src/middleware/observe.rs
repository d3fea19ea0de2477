//! Gives every request an id, a span, one log line and its place in the metrics.
//!
//! Logs name the route's template, never the path or the query: both may hold tokens.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use tracing::field::{Empty, display};

use super::metrics;
use crate::endpoint::{RequestContext, RouteTemplate};
use crate::extract::principal::{client_address, is_tls};
use crate::state::ApiState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id taken over from a client, in bytes.
const REQUEST_ID_MAX: usize = 128;

/// The outermost layer.
pub async fn observe(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let peer: Option<IpAddr> = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip());
    let context = RequestContext {
        request_id: request_id(request.headers()),
        client: client_address(peer, request.headers(), &state.config),
        tls: is_tls(peer, request.headers(), &state.config),
        started,
    };
    let method = known_method(request.method());
    let span = tracing::info_span!(
        "request",
        request.id = context.request_id,
        http.method = method,
        http.route = Empty,
        user.id = Empty,
        org.id = Empty,
    );
    let request_id = context.request_id.clone();
    let client = context.client;
    request.extensions_mut().insert(context);
    let in_flight = metrics::InFlight::begin();
    let mut response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let route = response
        .extensions()
        .get::<RouteTemplate>()
        .map_or("unmatched", |template| template.0);
    let status = response.status().as_u16();
    let took = started.elapsed();
    metrics::answered(route, method, status, took);
    let _entered = span.enter();
    let duration_ms = took.as_secs_f64() * 1000.0;
    let address = client.map(display);
    tracing::info!(
        http.status = status,
        duration_ms,
        client.address = address,
        "{method} {route} answered {status} in {duration_ms:.1} ms"
    );
    response
}

/// The client's id where it is harmless in logs and headers, a fresh one otherwise.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_harmless(id))
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

fn is_harmless(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= REQUEST_ID_MAX
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

/// A method as a metric label; made-up methods share one.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_harmless_ids_are_taken_over() {
        let with = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, id.parse().unwrap());
            request_id(&headers)
        };
        assert_eq!(with("abc-123_x.y:z"), "abc-123_x.y:z");
        assert_ne!(with("a b"), "a b");
        assert_ne!(with(&"a".repeat(129)), "a".repeat(129));
        assert_ne!(with("<script>"), "<script>");
    }
}
