//! How each refusal of a service looks on the wire: one exhaustive match per service error.
//!
//! A status and a public text go out; internal text is logged here, once, under the request's span, and never sent.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use voxgate_domain::{InvalidEmail, InvalidPassword, LimitRefusal, Refuse};
use voxgate_services::Fault as ServiceFault;
use voxgate_services::gate::GateError;
use voxgate_services::idempotency::IdempotencyError;
use voxgate_services::identity::{AccountError, AuthError, LoginError};
use voxgate_services::invitations::InvitationError;
use voxgate_services::orgs::OrgError;
use voxgate_services::speech::SpeechError;
use voxgate_services::usage::UsageError;

use crate::extract::ReadError;
use crate::extract::fault::{Fault, Place, Problem};
use crate::limits_headers;
use crate::refused::Refused;
use crate::surface::Obstacle;

/// A service error that looks the same wherever it happens.
pub trait ToRefused {
    /// The refusal on the wire.
    fn to_refused(self) -> Refused;
}

/// What the caller was doing when an account error happened; decides the code of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum During {
    /// Registering.
    Registration,
    /// Verifying an address.
    Verification,
    /// Resetting a password.
    Reset,
    /// Reading or changing an account.
    Update,
}

impl During {
    fn invalid_password(self) -> &'static str {
        match self {
            Self::Registration => "REGISTER_INVALID_PASSWORD",
            Self::Reset => "RESET_PASSWORD_INVALID_PASSWORD",
            Self::Verification | Self::Update => "UPDATE_USER_INVALID_PASSWORD",
        }
    }

    fn email_taken(self) -> &'static str {
        match self {
            Self::Registration => "REGISTER_USER_ALREADY_EXISTS",
            Self::Verification | Self::Reset | Self::Update => "UPDATE_USER_EMAIL_ALREADY_EXISTS",
        }
    }

    fn bad_token(self) -> &'static str {
        match self {
            Self::Reset => "RESET_PASSWORD_BAD_TOKEN",
            Self::Registration | Self::Verification | Self::Update => "VERIFY_USER_BAD_TOKEN",
        }
    }
}

fn refused(status: StatusCode, detail: impl Into<Value>) -> Refused {
    Refused::new(status, detail)
}

fn invalid_field(field: &'static str, problem: Problem, input: Value) -> Refused {
    let location = vec![Place::Name("body"), Place::Name(field)];
    Refused::unprocessable(&[Fault {
        location,
        problem,
        input,
    }])
}

fn invalid_email(field: &'static str, error: &InvalidEmail) -> Refused {
    let problem = Problem::with(
        "value_error",
        error.to_string(),
        json!({ "reason": error.reason }),
    );
    invalid_field(field, problem, Value::Null)
}

fn invalid_password(code: &'static str, error: InvalidPassword) -> Refused {
    refused(
        StatusCode::BAD_REQUEST,
        json!({ "code": code, "reason": error.reason }),
    )
}

fn busy(detail: String, seconds: u64) -> Refused {
    refused(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(seconds)
}

/// `Retry-After` of an error that knows one.
fn wait(error: &impl Refuse) -> u64 {
    error.refusal().retry_after_secs().unwrap_or(1)
}

impl ToRefused for ServiceFault {
    fn to_refused(self) -> Refused {
        let message = self.public_message();
        match &self {
            Self::Busy => {
                tracing::warn!("The database is contended");
                busy(message, wait(&self))
            }
            Self::Unavailable(reason) => {
                tracing::error!(error.message = reason, "The database is unavailable");
                busy(message, 1)
            }
            Self::Internal(reason) => {
                tracing::error!(error.message = reason, "A use case failed");
                Refused::internal()
            }
        }
    }
}

impl ToRefused for LoginError {
    fn to_refused(self) -> Refused {
        match self {
            Self::BadCredentials => refused(StatusCode::BAD_REQUEST, "LOGIN_BAD_CREDENTIALS"),
            Self::NotVerified => refused(StatusCode::BAD_REQUEST, "LOGIN_USER_NOT_VERIFIED"),
            Self::Throttled { .. } => refused(StatusCode::TOO_MANY_REQUESTS, self.public_message())
                .retry_after(wait(&self)),
            Self::Busy => busy(self.public_message(), wait(&self)),
            Self::Fault(fault) => fault.to_refused(),
        }
    }
}

impl ToRefused for AuthError {
    fn to_refused(self) -> Refused {
        match self {
            // Which of them is not told here: the reference knows one word.
            Self::Unauthenticated
            | Self::MalformedKey
            | Self::UnknownKey
            | Self::RevokedKey
            | Self::ExpiredKey => Refused::unauthorized(),
            Self::AddressNotAllowed | Self::NotVerified => Refused::forbidden(),
            Self::Fault(fault) => fault.to_refused(),
        }
    }
}

/// What stands in a request's way before its endpoint is reached.
pub fn obstacle(obstacle: Obstacle) -> Refused {
    match obstacle {
        Obstacle::NoCredential => Refused::unauthorized(),
        Obstacle::Credential(error) => error.to_refused(),
        Obstacle::Rank => Refused::forbidden(),
        Obstacle::Gate(error) => error.to_refused(),
        Obstacle::Unreadable(error) => unreadable(error),
        Obstacle::Faults(faults) => Refused::unprocessable(&faults),
    }
}

fn unreadable(error: ReadError) -> Refused {
    match error {
        ReadError::TooLarge(max) => refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The body must not be longer than {max} bytes"),
        ),
        ReadError::TooSlow => refused(
            StatusCode::REQUEST_TIMEOUT,
            "The body did not arrive in time",
        )
        .with_header(header::CONNECTION, "close"),
        ReadError::Unreadable(detail) => refused(StatusCode::BAD_REQUEST, detail),
        ReadError::Fault(fault) => Refused::unprocessable(&[*fault]),
    }
}

impl ToRefused for GateError {
    fn to_refused(self) -> Refused {
        let message = self.public_message();
        match self {
            Self::NoOrganization
            | Self::OrganizationNotActive
            | Self::ServiceNotAllowed(_)
            | Self::VoiceNotAllowed(_)
            | Self::ModelNotAllowed(_) => refused(StatusCode::FORBIDDEN, message),
            Self::Limited(limit) => limited(&limit, message),
            Self::InsufficientCredits { .. } | Self::OverBudget { .. } => {
                refused(StatusCode::PAYMENT_REQUIRED, message)
            }
            Self::Behind => {
                tracing::warn!("The books cannot keep up");
                busy(message, wait(&self))
            }
            Self::Fault(fault) => fault.to_refused(),
        }
    }
}

impl ToRefused for IdempotencyError {
    fn to_refused(self) -> Refused {
        let message = self.public_message();
        match self {
            Self::Invalid => refused(StatusCode::UNPROCESSABLE_ENTITY, message),
            Self::Reused => refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                json!({ "code": self.code(), "reason": message }),
            ),
            Self::InProgress { retry_after } => {
                refused(StatusCode::CONFLICT, message).retry_after(whole_secs(retry_after))
            }
            Self::NotKept => refused(
                StatusCode::CONFLICT,
                json!({ "code": self.code(), "reason": message }),
            ),
            Self::Fault(fault) => fault.to_refused(),
        }
    }
}

/// Seconds to wait, rounded up, at least one.
fn whole_secs(wait: std::time::Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// An account error, worded for what the caller was doing.
pub fn account(error: AccountError, during: During) -> Refused {
    match error {
        AccountError::RegistrationDisabled | AccountError::NotFound => Refused::not_found(),
        AccountError::Forbidden => Refused::forbidden(),
        AccountError::InvalidEmail(error) => invalid_email("email", &error),
        AccountError::InvalidPassword(error) => invalid_password(during.invalid_password(), error),
        // Well formed, but there is no such organisation: the answer that an invitation into it gets.
        AccountError::Invalid {
            field: "organization_id",
            ..
        } => refused(StatusCode::NOT_FOUND, "Organization not found"),
        AccountError::Invalid { field, reason } => {
            invalid_field(field, Problem::value_error(reason), Value::Null)
        }
        AccountError::EmailTaken => refused(StatusCode::BAD_REQUEST, during.email_taken()),
        AccountError::BadToken => refused(StatusCode::BAD_REQUEST, during.bad_token()),
        AccountError::AlreadyVerified => {
            refused(StatusCode::BAD_REQUEST, "VERIFY_USER_ALREADY_VERIFIED")
        }
        AccountError::LastAdministrator => refused(StatusCode::CONFLICT, error.public_message()),
        AccountError::Busy => busy(error.public_message(), wait(&error)),
        AccountError::Fault(fault) => fault.to_refused(),
    }
}

impl ToRefused for OrgError {
    fn to_refused(self) -> Refused {
        match self {
            Self::Forbidden => Refused::forbidden(),
            Self::NotFound => refused(StatusCode::NOT_FOUND, self.public_message()),
            Self::InvalidEmail(error) => invalid_email("admin_email", &error),
            Self::Invalid { field, reason } => {
                invalid_field(field, Problem::value_error(reason), Value::Null)
            }
            Self::AdminEmailTaken => refused(StatusCode::CONFLICT, self.public_message()),
            Self::Fault(fault) => fault.to_refused(),
        }
    }
}

impl ToRefused for InvitationError {
    fn to_refused(self) -> Refused {
        let message = self.public_message();
        match self {
            Self::Forbidden => Refused::forbidden(),
            Self::OrganizationNotFound | Self::NotFound => refused(StatusCode::NOT_FOUND, message),
            Self::Expired | Self::AlreadyAccepted | Self::Revoked => {
                refused(StatusCode::BAD_REQUEST, message)
            }
            Self::OrganizationInactive | Self::EmailTaken => refused(StatusCode::CONFLICT, message),
            Self::InvalidEmail(error) => invalid_email("email", &error),
            Self::InvalidPassword(error) => invalid_password("INVITATION_INVALID_PASSWORD", error),
            Self::Invalid { field, reason } => {
                invalid_field(field, Problem::value_error(reason), Value::Null)
            }
            Self::Busy => busy(message, wait(&Self::Busy)),
            Self::Fault(fault) => fault.to_refused(),
        }
    }
}

impl ToRefused for UsageError {
    fn to_refused(self) -> Refused {
        match self {
            Self::Forbidden => Refused::forbidden(),
            Self::NotFound => Refused::not_found(),
            Self::Fault(fault) => fault.to_refused(),
        }
    }
}

/// A synthesis error; `text` is echoed where the text is at fault, as validation does.
pub fn speech(error: SpeechError, text: &str) -> Refused {
    let message = error.public_message();
    match error {
        SpeechError::Gate(error) => error.to_refused(),
        SpeechError::Idempotency(error) => error.to_refused(),
        SpeechError::VoiceNotFound(_) => refused(StatusCode::NOT_FOUND, message),
        SpeechError::UnsupportedScript { .. } | SpeechError::NothingToSpeak => {
            invalid_field("text", Problem::value_error(message), text.into())
        }
        SpeechError::TextTooLong { max, .. } => {
            let problem = Problem::with(
                "string_too_long",
                format!("String should have at most {max} characters"),
                json!({ "max_length": max }),
            );
            invalid_field("text", problem, text.into())
        }
        SpeechError::InvalidSpeed(speed) => invalid_field(
            "speed",
            Problem::value_error(message),
            f64::from(speed).into(),
        ),
        SpeechError::InvalidOutput(_) => {
            invalid_field("sample_rate_hz", Problem::value_error(message), Value::Null)
        }
        SpeechError::Busy { .. } => busy(message, wait(&error)),
        SpeechError::EncoderUnavailable(_) | SpeechError::NoVoices(_) => {
            refused(StatusCode::SERVICE_UNAVAILABLE, message)
        }
        SpeechError::Cancelled => busy(message, 1),
        SpeechError::Stalled | SpeechError::Engine(_) => {
            tracing::error!(error.message = %error, "An engine failed");
            Refused::internal()
        }
        SpeechError::Fault(fault) => fault.to_refused(),
    }
}

/// 429 with everything a client needs in order to come back at the right time.
fn limited(limit: &LimitRefusal, message: String) -> Refused {
    let refused =
        refused(StatusCode::TOO_MANY_REQUESTS, message).retry_after(limit.retry_after_secs());
    limits_headers::of_refusal(limit)
        .into_iter()
        .fold(refused, |refused, (name, value)| {
            refused.with_header(name, value)
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::response::IntoResponse;
    use voxgate_domain::{LimitKind, LimitScope, Micros, Service, Timestamp};

    use super::*;

    #[test]
    fn a_limit_says_when_to_come_back() {
        let limit = LimitRefusal {
            kind: LimitKind::RequestsPerMinute,
            scope: LimitScope::Organization,
            limit: 100,
            remaining: 0,
            reset: Timestamp::from_secs(1_800_000_060),
            retry_after: Duration::from_millis(1500),
        };
        let response = speech(SpeechError::Gate(GateError::Limited(limit)), "").into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["x-ratelimit-limit"], "100");
        assert_eq!(response.headers()["x-ratelimit-remaining"], "0");
        assert_eq!(response.headers()["x-ratelimit-reset"], "1800000060");
    }

    #[test]
    fn the_gate_and_replays_have_their_statuses() {
        let micros = Micros::new(1_500_000);
        for (error, status) in [
            (
                SpeechError::Gate(GateError::ServiceNotAllowed(Service::Tts)),
                403,
            ),
            (
                SpeechError::Gate(GateError::VoiceNotAllowed("anna".into())),
                403,
            ),
            (
                SpeechError::Gate(GateError::InsufficientCredits {
                    needed: micros,
                    available: Micros::ZERO,
                }),
                402,
            ),
            (
                SpeechError::Gate(GateError::OverBudget {
                    needed: micros,
                    left: Micros::ZERO,
                }),
                402,
            ),
            (SpeechError::Gate(GateError::Behind), 503),
            (SpeechError::Idempotency(IdempotencyError::Invalid), 422),
            (SpeechError::Idempotency(IdempotencyError::Reused), 422),
            (SpeechError::Idempotency(IdempotencyError::NotKept), 409),
        ] {
            let what = error.to_string();
            assert_eq!(speech(error, "").status.as_u16(), status, "{what}");
        }
        let twin = IdempotencyError::InProgress {
            retry_after: Duration::from_millis(1200),
        };
        let response = twin.to_refused().into_response();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(
            IdempotencyError::Reused.to_refused().detail()["code"],
            "idempotency_key_reused"
        );
    }

    #[test]
    fn internal_text_stays_inside() {
        let fault = || ServiceFault::Internal("row 7 of secrets".into());
        for refused in [
            speech(SpeechError::Engine("tensor 3".into()), ""),
            speech(SpeechError::Fault(fault()), ""),
            account(AccountError::Fault(fault()), During::Update),
            OrgError::Fault(fault()).to_refused(),
        ] {
            assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(refused.detail(), "Internal Server Error");
        }
    }

    #[test]
    fn an_unreadable_script_is_a_fault_of_the_text() {
        let error = SpeechError::UnsupportedScript {
            script: "Thai".into(),
            language: "en-US".into(),
        };
        let refused = speech(error, "สวัสดี");
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.detail()[0]["loc"], json!(["body", "text"]));
        assert_eq!(refused.detail()[0]["type"], "value_error");
    }
}
