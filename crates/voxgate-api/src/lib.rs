//! The HTTP surface: routes, dialects, validation, the published document, and what every answer carries.
//!
//! Start at [`routes::table`], where every route stands with who may call it; [`endpoint::run`] is the road a
//! request takes; `dialects/aethex/` and `native/admin/` have one file per endpoint. Knows HTTP and the vendors' wire formats; does not
//! know SQL, engines, configuration files or sockets. The server crate mounts [`router()`] on its listeners.

pub mod dialects;
pub mod endpoint;
pub mod extract;
pub mod limits_headers;
pub mod middleware;
pub mod native;
pub mod openapi;
pub mod output;
pub mod page;
pub mod refused;
pub mod router;
pub mod routes;
pub mod state;
pub mod surface;
pub mod system;

pub use middleware::metrics::recorder_builder;
pub use router::router;
pub use state::{
    ApiConfig, ApiParts, ApiState, Hsts, InvalidNetwork, MetricsAccess, Network, Readiness,
};
