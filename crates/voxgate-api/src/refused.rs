//! A request that was not granted, ready to be sent.
//!
//! Owns `{"detail": …}`, the body of refusals where no surface has one of its own, and the headers that go with a
//! refusal. Which refusal a service error becomes is the surface's business.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::extract::fault::{self, Fault};

/// A refusal, ready to be sent.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// The whole body.
    body: Value,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refused {
    /// A refusal with a sentence, a code or an object under `detail`.
    pub fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self {
            status,
            body: json!({ "detail": detail.into() }),
            headers: Vec::new(),
        }
    }

    /// A refusal with a body of the surface's own shape.
    pub fn with_body(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
        }
    }

    /// Nobody we know.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// Somebody we know, who may not do this.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// No such thing.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// Our fault.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    /// The 422 list.
    pub fn unprocessable(faults: &[Fault]) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: fault::to_body(faults),
            headers: Vec::new(),
        }
    }

    /// Adds a header; a value that cannot be one is left out.
    pub fn with_header(mut self, name: HeaderName, value: impl ToString) -> Self {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            self.headers.push((name, value));
        }
        self
    }

    /// Says when to come back: `Retry-After` in whole seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, seconds)
    }

    /// The value under `detail`.
    pub fn detail(&self) -> &Value {
        &self.body["detail"]
    }

    /// The whole body.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// The whole body, to be added to.
    pub fn body_mut(&mut self) -> &mut Value {
        &mut self.body
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, &self.body);
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A compact JSON response; the content type carries no charset, as FastAPI's does not.
pub fn json_response(status: StatusCode, body: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (
            status,
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )],
            bytes,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(error.message = %error, "A response could not be written as JSON");
            Refused::internal().into_response()
        }
    }
}
