//! How each refusal looks on our own API: one exhaustive match over the grammar in which all services refuse.
//!
//! `{"error": {"code", "message", "field"?, "retry_after"?, "request_id"}}`: `code` is for programs and never changes,
//! `message` is for people, `field` names the value at fault, `retry_after` counts seconds. Internal text is logged here,
//! once, under the request's span, and never sent.

use axum::http::{StatusCode, header};
use serde_json::{Map, Value, json};
use voxgate_domain::{LimitRefusal, Refusal, Refuse};

use crate::extract::fault::Place;
use crate::extract::{Fault, ReadError};
use crate::limits_headers;
use crate::refused::Refused;
use crate::surface::Obstacle;

/// A refusal of a service.
pub fn refuse(error: impl Refuse) -> Refused {
    let refusal = error.refusal();
    let (status, field) = match refusal {
        Refusal::Unauthenticated => (StatusCode::UNAUTHORIZED, None),
        Refusal::Forbidden => (StatusCode::FORBIDDEN, None),
        Refusal::NotFound => (StatusCode::NOT_FOUND, None),
        Refusal::Conflict => (StatusCode::CONFLICT, None),
        Refusal::Invalid { field } => (StatusCode::UNPROCESSABLE_ENTITY, field),
        Refusal::TooLarge { field, .. } => (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
        Refusal::Rate(_) | Refusal::Quota(_) => (StatusCode::TOO_MANY_REQUESTS, None),
        Refusal::Payment => (StatusCode::PAYMENT_REQUIRED, None),
        Refusal::Busy { .. } => {
            tracing::warn!(error.message = %error, "A use case was busy");
            (StatusCode::SERVICE_UNAVAILABLE, None)
        }
        Refusal::Unavailable => {
            tracing::warn!(error.message = %error, "Something a use case needs is not there");
            (StatusCode::SERVICE_UNAVAILABLE, None)
        }
        Refusal::Internal => {
            tracing::error!(error.message = %error, "A use case failed");
            (StatusCode::INTERNAL_SERVER_ERROR, None)
        }
    };
    let refused = answer(
        status,
        error.code(),
        &error.public_message(),
        field,
        refusal.retry_after_secs(),
    );
    match refusal {
        Refusal::Rate(limit) | Refusal::Quota(limit) => with_limit(refused, &limit),
        Refusal::Unauthenticated => challenge(refused),
        Refusal::Forbidden
        | Refusal::NotFound
        | Refusal::Conflict
        | Refusal::Invalid { .. }
        | Refusal::TooLarge { .. }
        | Refusal::Payment
        | Refusal::Busy { .. }
        | Refusal::Unavailable
        | Refusal::Internal => refused,
    }
}

/// What stands in a request's way before its endpoint is reached.
pub fn obstacle(obstacle: Obstacle) -> Refused {
    match obstacle {
        Obstacle::NoCredential => challenge(answer(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Present a session or an API key: Authorization: Bearer …, or X-API-Key: …",
            None,
            None,
        )),
        Obstacle::Credential(error) => refuse(error),
        Obstacle::Rank => answer(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This takes an administrator, and for an API key the service admin",
            None,
            None,
        ),
        Obstacle::Gate(error) => refuse(error),
        Obstacle::Unreadable(error) => unreadable(error),
        Obstacle::Faults(faults) => unprocessable(&faults),
    }
}

/// A path that leads nowhere.
pub fn not_found() -> Refused {
    answer(StatusCode::NOT_FOUND, "not_found", "Not Found", None, None)
}

/// Our fault, found by an endpoint; what happened is in the log.
pub fn internal() -> Refused {
    answer(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Internal Server Error",
        None,
        None,
    )
}

/// A method that a path does not have.
pub fn method_not_allowed() -> Refused {
    answer(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method Not Allowed",
        None,
        None,
    )
}

/// A value of the request that cannot be, found by an endpoint.
pub fn invalid(field: &'static str, message: &str) -> Refused {
    answer(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        &format!("{field}: {message}"),
        Some(field),
        None,
    )
}

/// Names the request, as its answer's `X-Request-Id` does.
pub fn with_request_id(mut refused: Refused, request_id: &str) -> Refused {
    if let Some(error) = refused.body_mut()["error"].as_object_mut() {
        error.insert("request_id".into(), request_id.into());
    }
    refused
}

fn answer(
    status: StatusCode,
    code: &'static str,
    message: &str,
    field: Option<&str>,
    retry_after: Option<u64>,
) -> Refused {
    let mut error = Map::new();
    error.insert("code".into(), code.into());
    error.insert("message".into(), message.into());
    if let Some(field) = field {
        error.insert("field".into(), field.into());
    }
    if let Some(seconds) = retry_after {
        error.insert("retry_after".into(), seconds.into());
    }
    let refused = Refused::with_body(status, json!({ "error": Value::Object(error) }));
    match retry_after {
        Some(seconds) => refused.retry_after(seconds),
        None => refused,
    }
}

/// Says which credentials are taken (RFC 9110 section 11.6.1).
fn challenge(refused: Refused) -> Refused {
    refused.with_header(header::WWW_AUTHENTICATE, "Bearer")
}

/// Everything a client needs in order to come back at the right time.
fn with_limit(refused: Refused, limit: &LimitRefusal) -> Refused {
    limits_headers::of_refusal(limit)
        .into_iter()
        .fold(refused, |refused, (name, value)| {
            refused.with_header(name, value)
        })
}

fn unreadable(error: ReadError) -> Refused {
    match error {
        ReadError::TooLarge(max) => answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            &format!("The body must not be longer than {max} bytes"),
            None,
            None,
        ),
        ReadError::TooSlow => answer(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "The body did not arrive in time",
            None,
            None,
        )
        .with_header(header::CONNECTION, "close"),
        ReadError::Unreadable(message) => {
            answer(StatusCode::BAD_REQUEST, "bad_body", message, None, None)
        }
        ReadError::Fault(fault) => unprocessable(&[*fault]),
    }
}

/// Every value at fault in one sentence each; the values themselves are not repeated, some are secrets.
fn unprocessable(faults: &[Fault]) -> Refused {
    let sentences: Vec<String> = faults
        .iter()
        .map(|fault| {
            let message = &fault.problem.message;
            match field(fault) {
                Some(field) => format!("{field}: {message}"),
                None => message.clone(),
            }
        })
        .collect();
    let is_unknown = |fault: &Fault| {
        fault
            .location
            .iter()
            .any(|place| matches!(place, Place::Unknown(_)))
    };
    let code = if !faults.is_empty() && faults.iter().all(is_unknown) {
        "unknown_field"
    } else {
        "invalid"
    };
    answer(
        StatusCode::UNPROCESSABLE_ENTITY,
        code,
        &sentences.join("; "),
        faults.iter().find_map(field),
        None,
    )
}

/// The field a fault lies in, if it lies in one.
fn field(fault: &Fault) -> Option<&str> {
    match fault.location.get(1)? {
        Place::Name(name) => Some(name),
        Place::Unknown(name) => Some(name),
        Place::Offset(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use axum::response::IntoResponse as _;
    use voxgate_domain::{LimitKind, LimitScope, Timestamp};

    use super::*;

    /// An error that is nothing but its refusal.
    #[derive(Debug, thiserror::Error)]
    #[error("internals of the matter")]
    struct Test(Refusal);

    impl Refuse for Test {
        fn refusal(&self) -> Refusal {
            self.0
        }

        fn code(&self) -> &'static str {
            "test"
        }

        fn public_message(&self) -> String {
            "For people".into()
        }
    }

    fn limit() -> LimitRefusal {
        LimitRefusal {
            kind: LimitKind::ReadPer10Seconds,
            scope: LimitScope::Organization,
            limit: 20,
            remaining: 0,
            reset: Timestamp::from_secs(1_800_000_010),
            retry_after: Duration::from_millis(1500),
        }
    }

    #[test]
    fn every_refusal_has_its_status() {
        for (refusal, status) in [
            (Refusal::Unauthenticated, 401),
            (Refusal::Forbidden, 403),
            (Refusal::NotFound, 404),
            (Refusal::Conflict, 409),
            (
                Refusal::Invalid {
                    field: Some("name"),
                },
                422,
            ),
            (
                Refusal::TooLarge {
                    field: "text",
                    max: 7,
                },
                422,
            ),
            (Refusal::Rate(limit()), 429),
            (Refusal::Quota(limit()), 429),
            (Refusal::Payment, 402),
            (
                Refusal::Busy {
                    retry_after: Duration::from_secs(1),
                },
                503,
            ),
            (Refusal::Unavailable, 503),
            (Refusal::Internal, 500),
        ] {
            let refused = refuse(Test(refusal));
            assert_eq!(refused.status.as_u16(), status, "{refusal:?}");
            assert_eq!(refused.body()["error"]["code"], "test");
            assert_eq!(refused.body()["error"]["message"], "For people");
        }
    }

    #[test]
    fn a_limit_says_when_to_come_back() {
        let refused = with_request_id(refuse(Test(Refusal::Rate(limit()))), "r-1");
        assert_eq!(
            *refused.body(),
            json!({ "error": { "code": "test", "message": "For people", "retry_after": 2, "request_id": "r-1" } })
        );
        let response = refused.into_response();
        for (name, value) in [
            ("retry-after", "2"),
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1800000010"),
        ] {
            assert_eq!(response.headers()[name], value, "{name}");
        }
    }

    #[test]
    fn faults_are_named_without_their_values() {
        use crate::extract::Problem;

        let fault = |place, problem| Fault {
            location: vec![Place::Name("body"), place],
            problem,
            input: "the secret".into(),
        };
        let missing = fault(Place::Name("name"), Problem::missing());
        let unknown = fault(
            Place::Unknown("role".into()),
            Problem::plain("extra_forbidden", "Extra inputs are not permitted"),
        );
        let refused = unprocessable(std::slice::from_ref(&unknown));
        assert_eq!(refused.body()["error"]["code"], "unknown_field");
        assert_eq!(refused.body()["error"]["field"], "role");
        let refused = unprocessable(&[missing, unknown]);
        assert_eq!(
            *refused.body(),
            json!({ "error": {
                "code": "invalid",
                "message": "name: Field required; role: Extra inputs are not permitted",
                "field": "name",
            } })
        );
    }
}
