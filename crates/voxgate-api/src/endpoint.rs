//! One request through one endpoint: who asks, may they, what do they want, and the answer.
//!
//! Owns the order of these steps, which is the same for every route: credential, rank, limits of its class, path, query,
//! body, handler, limit headers. Because credentials come first, a caller without one learns nothing from validation.
//! What an endpoint reads and how it answers is declared by its [`Endpoint`] implementation.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tracing::Span;
use voxgate_domain::{EndpointClass, Role, Service};
use voxgate_services::Principal;

use crate::extract::body::receive;
use crate::extract::principal::{credential, query_credential};
use crate::extract::{self, Fault, Input};
use crate::limits_headers;
use crate::openapi::{Description, RequestHeader};
use crate::refused::Refused;
use crate::routes::Access;
use crate::state::ApiState;
use crate::surface::{Obstacle, Surface};
use crate::system::docs::PublishedDocument;

/// What is known about a request before its endpoint looks at it; put there by [`crate::middleware::observe`].
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The id that is in the log lines and in the answer's `X-Request-Id`.
    pub request_id: String,
    /// Where the request comes from.
    pub client: Option<IpAddr>,
    /// Whether the client speaks TLS, to us or to a trusted proxy.
    pub tls: bool,
    /// When the request's head had been read.
    pub started: Instant,
}

impl Default for RequestContext {
    fn default() -> Self {
        Self {
            request_id: String::new(),
            client: None,
            tls: false,
            started: Instant::now(),
        }
    }
}

/// A request whose every part has been read.
pub struct Call<E: Endpoint + ?Sized> {
    /// What the surface can reach.
    pub state: ApiState,
    /// What is known about the request itself.
    pub context: RequestContext,
    /// Its headers.
    pub headers: HeaderMap,
    /// The captured path segments.
    pub path: E::Path,
    /// The query.
    pub query: E::Query,
    /// The body.
    pub body: E::Body,
    /// The published document, for the one endpoint that serves it.
    pub document: Option<Arc<PublishedDocument>>,
    principal: Option<Principal>,
}

impl<E: Endpoint + ?Sized> Call<E> {
    /// The caller.
    ///
    /// # Errors
    /// 401 on a public route that was called without a credential; never on any other.
    pub fn principal(&self) -> Result<&Principal, Refused> {
        self.principal.as_ref().ok_or_else(Refused::unauthorized)
    }
}

/// One endpoint: what it reads, what it answers, and how it is described.
pub trait Endpoint: Send + 'static {
    /// The path segments it reads.
    type Path: Input;
    /// The query it reads.
    type Query: Input;
    /// The body it reads.
    type Body: Input;

    /// The wire format it speaks.
    const SURFACE: Surface = Surface::Aethex;

    /// The headers it reads, for the published document.
    const HEADERS: &'static [RequestHeader] = &[];

    /// What the published document says about it.
    fn describe() -> Description;

    /// Does the work.
    fn handle(call: Call<Self>) -> impl Future<Output = Result<Response, Refused>> + Send;

    /// Turns a refusal into an answer; pages for people override it.
    fn refuse(_headers: &HeaderMap, refused: Refused) -> Response {
        refused.into_response()
    }
}

/// The route a request was matched to, as far as answering it needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Matched {
    /// The path with its placeholders.
    pub template: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What kind of request it is, as far as limits go.
    pub class: EndpointClass,
    /// Whether a credential may stand in the query.
    pub query_credential: bool,
}

/// Left on a response so that the outer layers can name the route in metrics and logs.
#[derive(Debug, Clone, Copy)]
pub struct RouteTemplate(pub &'static str);

/// Takes a request through its endpoint.
pub async fn run<E: Endpoint>(state: ApiState, matched: Matched, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    Span::current().record("http.route", matched.template);
    let context = parts
        .extensions
        .get::<RequestContext>()
        .cloned()
        .unwrap_or_default();
    let refuse = |refused| {
        let refused = E::SURFACE.complete(refused, &context.request_id);
        E::refuse(&parts.headers, refused)
    };
    let mut response = match authenticate(&state, &matched, &parts, &context).await {
        Err(obstacle) => refuse(E::SURFACE.refuse(obstacle)),
        Ok(principal) => {
            let caller = principal.clone();
            let answer = Box::pin(answer::<E>(
                state.clone(),
                matched,
                &parts,
                &context,
                body,
                principal,
            ));
            let mut response = answer.await.unwrap_or_else(refuse);
            if let Some(caller) = caller {
                add_limits(&state, E::SURFACE, &caller, &mut response).await;
            }
            response
        }
    };
    response
        .extensions_mut()
        .insert(RouteTemplate(matched.template));
    response
}

/// Says where the caller's limits stand, unless the endpoint has said it.
async fn add_limits(
    state: &ApiState,
    surface: Surface,
    caller: &Principal,
    response: &mut Response,
) {
    if limits_headers::are_set(response.headers()) {
        return;
    }
    if let Some(view) = state.services.gate().view(caller).await {
        limits_headers::add(
            response.headers_mut(),
            surface.limit_headers(),
            state.services.now(),
            |kind| view.get(kind),
        );
    }
}

async fn answer<E: Endpoint>(
    state: ApiState,
    matched: Matched,
    parts: &Parts,
    context: &RequestContext,
    body: Body,
    principal: Option<Principal>,
) -> Result<Response, Refused> {
    let refuse = |obstacle| E::SURFACE.refuse(obstacle);
    if let Some(caller) = &principal {
        admit(&state, &matched, caller).await.map_err(refuse)?;
    }
    let headers = &parts.headers;
    let options = state.config.decode;
    let segments = capture(matched.template, parts.uri.path());
    let mut faults = Vec::new();
    let path = keep(
        extract::read_path::<E::Path>(&segments, &options),
        &mut faults,
    );
    let query = keep(
        extract::read_query::<E::Query>(parts.uri.query(), &options),
        &mut faults,
    );
    let received = receive(headers, body, E::Body::STYLE, state.config.body_limits())
        .await
        .map_err(|error| refuse(Obstacle::Unreadable(error)))?;
    let body = keep(
        extract::read_body::<E::Body>(&received, &options),
        &mut faults,
    );
    let (Some(path), Some(query), Some(body)) = (path, query, body) else {
        return Err(refuse(Obstacle::Faults(faults)));
    };
    let document = parts.extensions.get::<Arc<PublishedDocument>>().cloned();
    E::handle(Call {
        state,
        context: context.clone(),
        headers: headers.clone(),
        path,
        query,
        body,
        document,
        principal,
    })
    .await
}

fn keep<T>(read: Result<T, Vec<Fault>>, faults: &mut Vec<Fault>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(mut found) => {
            faults.append(&mut found);
            None
        }
    }
}

/// Finds out who asks; `None` on a public route.
async fn authenticate(
    state: &ApiState,
    matched: &Matched,
    parts: &Parts,
    context: &RequestContext,
) -> Result<Option<Principal>, Obstacle> {
    if matched.access == Access::Public {
        return Ok(None);
    }
    let credential = credential(&parts.headers)
        .or_else(|| {
            let query = parts.uri.query().filter(|_| matched.query_credential)?;
            query_credential(query)
        })
        .ok_or(Obstacle::NoCredential)?;
    let principal = state
        .services
        .identity()
        .authenticate(&credential, context.client)
        .await
        .map_err(Obstacle::Credential)?;
    let span = Span::current();
    if let Some(user) = principal.user_id() {
        span.record("user.id", tracing::field::display(user));
    }
    if let Some(organization) = principal.organization_id() {
        span.record("org.id", tracing::field::display(organization));
    }
    Ok(Some(principal))
}

/// Checks rank, and the limits over this class of requests where no use case does.
async fn admit(state: &ApiState, matched: &Matched, caller: &Principal) -> Result<(), Obstacle> {
    let suffices = match matched.access {
        Access::Public | Access::User => true,
        Access::Holder => caller.key_id().is_none() || caller.may_use(Service::Admin),
        Access::Administrator => matches!(caller.rank(), Role::OrgAdmin | Role::SystemAdmin),
        Access::SystemAdministrator => caller.rank() == Role::SystemAdmin,
    };
    if !suffices {
        return Err(Obstacle::Rank);
    }
    match matched.class {
        // Its use case asks the gate for everything at once.
        EndpointClass::Generation => Ok(()),
        class @ (EndpointClass::Read
        | EndpointClass::Upload
        | EndpointClass::Delete
        | EndpointClass::Other) => state
            .services
            .gate()
            .admit_unmetered(caller, class)
            .await
            .map_err(Obstacle::Gate),
    }
}

/// The values of a template's placeholders in a path that matches it; bytes that are not UTF-8 are replaced.
pub fn capture(template: &str, path: &str) -> Map<String, Value> {
    let mut captured = Map::new();
    for (expected, found) in template.split('/').zip(path.split('/')) {
        if let Some(name) = expected
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            let value = percent_decode_str(found).decode_utf8_lossy().into_owned();
            captured.insert(name.to_owned(), Value::String(value));
        }
    }
    captured
}

/// Whether a path fits a template.
pub fn fits(template: &str, path: &str) -> bool {
    let is_placeholder = |segment: &str| segment.starts_with('{');
    let mut expected = template.split('/');
    let mut found = path.split('/');
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return true,
            (Some(segment), Some(actual)) if is_placeholder(segment) => {
                if actual.is_empty() {
                    return false;
                }
            }
            (Some(segment), Some(actual)) if segment == actual => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_captured_and_decoded() {
        let captured = capture(
            "/invitations/{token}/accept",
            "/invitations/a%20b%FF/accept",
        );
        assert_eq!(captured["token"], "a b\u{fffd}");
    }

    #[test]
    fn templates_fit_whole_paths() {
        assert!(fits("/users/{id}", "/users/7"));
        assert!(!fits("/users/{id}", "/users/"));
        assert!(!fits("/users/{id}", "/users/7/8"));
        assert!(fits("/health", "/health"));
    }
}
