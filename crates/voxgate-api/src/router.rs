//! Mounts the route table on axum and adds what the reference framework does around it: 404, 405 with `Allow`,
//! and the redirect from a trailing slash.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use axum::{Extension, Router};

use crate::endpoint::{RequestContext, RouteTemplate, fits};
use crate::middleware;
use crate::routes::{Listing, Route, table};
use crate::state::ApiState;
use crate::surface::Surface;
use crate::system;

/// The whole surface as one service. Client addresses come from `ConnectInfo<SocketAddr>` in the request's
/// extensions, which the accept loop sets.
pub fn router(state: ApiState) -> Router {
    middleware::metrics::describe();
    let routes: Arc<Vec<Route>> = Arc::new(
        table()
            .into_iter()
            .filter(|route| route.exists(&state))
            .collect(),
    );
    let document = Arc::new(system::docs::PublishedDocument::new(
        &routes,
        &state.config.decode,
    ));
    let mut router: Router<ApiState> = Router::new();
    let mut paths: Vec<&'static str> = Vec::new();
    for route in routes.iter() {
        if !paths.contains(&route.path) {
            paths.push(route.path);
            router = router.route(route.path, methods(&routes, route.path));
        }
    }
    let known = Arc::new(paths);
    let router = router
        .fallback(
            move |uri: Uri, headers: HeaderMap, context: Option<Extension<RequestContext>>| {
                let context = context
                    .map(|Extension(context)| context)
                    .unwrap_or_default();
                let surface = Surface::of_path(uri.path());
                let response = redirect(&known, &uri, &headers, context.tls).unwrap_or_else(|| {
                    surface
                        .complete(surface.not_found(), &context.request_id)
                        .into_response()
                });
                async move { response }
            },
        )
        .with_state(state.clone());
    middleware::wrap(router.layer(Extension(document)), &state)
}

fn methods(routes: &[Route], path: &'static str) -> MethodRouter<ApiState> {
    let mut methods = MethodRouter::new();
    let of_path: Vec<&Route> = routes.iter().filter(|route| route.path == path).collect();
    for route in &of_path {
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else {
            continue;
        };
        let route = Route::clone(route);
        methods = methods.on(
            filter,
            move |State(state): State<ApiState>, request: Request| route.answer(state, request),
        );
    }
    // A wrong method hears of the first route of the path only, as in the reference; who asks by OPTIONS hears all.
    let first = of_path
        .first()
        .map_or_else(String::new, |route| route.method.to_string());
    let documented = of_path
        .iter()
        .filter(|route| route.listing == Listing::Documented);
    let mut all: Vec<&str> = documented.map(|route| route.method.as_str()).collect();
    if all.is_empty() {
        all = of_path.iter().map(|route| route.method.as_str()).collect();
    }
    let all = all.join(", ");
    let surface = Surface::of_path(path);
    let refuse = |allow: String| {
        move |context: Option<Extension<RequestContext>>| {
            let refused = surface
                .method_not_allowed()
                .with_header(header::ALLOW, &allow);
            let context = context
                .map(|Extension(context)| context)
                .unwrap_or_default();
            let mut response = surface
                .complete(refused, &context.request_id)
                .into_response();
            response.extensions_mut().insert(RouteTemplate(path));
            async move { response }
        }
    };
    // axum answers HEAD from GET by itself; the reference does not.
    methods
        .on(MethodFilter::HEAD, refuse(first.clone()))
        .on(MethodFilter::OPTIONS, refuse(all))
        .fallback(refuse(first))
}

/// A redirect where only a trailing slash is too many.
fn redirect(known: &[&'static str], uri: &Uri, headers: &HeaderMap, tls: bool) -> Option<Response> {
    let path = uri.path();
    let shorter = path
        .strip_suffix('/')
        .filter(|rest| !rest.is_empty() && *rest != "/")?;
    known.iter().find(|template| fits(template, shorter))?;
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(|a| a.as_str()))?;
    let scheme = if tls { "https" } else { "http" };
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let location = HeaderValue::from_str(&format!("{scheme}://{host}{shorter}{query}")).ok()?;
    Some(
        (
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, location)],
        )
            .into_response(),
    )
}
