//! HTTP surfaces: dialects, extractors, middleware, OpenAPI.
