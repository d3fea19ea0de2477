//! How the identity use cases refuse.

use std::time::Duration;

use voxgate_domain::{InvalidEmail, InvalidPassword, LimitRefusal, Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A login that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown user, wrong password or inactive account: one answer for all three.
    #[error("bad credentials")]
    BadCredentials,
    /// The password is right, but this installation wants verified addresses.
    #[error("address not verified")]
    NotVerified,
    /// Too many failures from this client; nothing was checked.
    #[error("too many failed logins, wait {} s", .0.retry_after_secs())]
    Throttled(LimitRefusal),
    /// Too many logins are being checked at this moment.
    #[error("too many logins at once")]
    Busy,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for LoginError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::BadCredentials | Self::NotVerified => Refusal::Invalid { field: None },
            Self::Throttled(limit) => Refusal::Rate(*limit),
            Self::Busy => Refusal::Busy {
                retry_after: Duration::from_secs(1),
            },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadCredentials => "bad_credentials",
            Self::NotVerified => "not_verified",
            Self::Throttled(_) => "too_many_attempts",
            Self::Busy => "busy",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::BadCredentials => "Wrong e-mail or password".into(),
            Self::NotVerified => "The e-mail address has not been verified".into(),
            Self::Throttled(_) => "Too many failed logins, please try again later".into(),
            Self::Busy => "The service is busy, please try again".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

/// A credential that does not open the door.
///
/// That a key is revoked or has expired is told only to who holds the whole of it; a key that somebody made up is unknown,
/// whatever existed before.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A session that is malformed, expired or ended, or a credential of an inactive or deleted account.
    #[error("unauthenticated")]
    Unauthenticated,
    /// Not an API key: its length, alphabet or check characters are wrong. Most likely a typing error.
    #[error("malformed API key")]
    MalformedKey,
    /// No such API key.
    #[error("unknown API key")]
    UnknownKey,
    /// The API key, or the key that made it, was revoked.
    #[error("revoked API key")]
    RevokedKey,
    /// The API key, this secret of it, or the key that made it has expired.
    #[error("expired API key")]
    ExpiredKey,
    /// A good API key, used from where it may not be.
    #[error("the API key may not be used from this address")]
    AddressNotAllowed,
    /// A valid credential of an account whose address must be verified first.
    #[error("address not verified")]
    NotVerified,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for AuthError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Unauthenticated
            | Self::MalformedKey
            | Self::UnknownKey
            | Self::RevokedKey
            | Self::ExpiredKey => Refusal::Unauthenticated,
            Self::AddressNotAllowed | Self::NotVerified => Refusal::Forbidden,
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthorized",
            Self::MalformedKey => "malformed_api_key",
            Self::UnknownKey => "invalid_api_key",
            Self::RevokedKey => "api_key_revoked",
            Self::ExpiredKey => "api_key_expired",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::NotVerified => "not_verified",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Unauthenticated => "Unauthorized".into(),
            Self::MalformedKey => {
                "This is not an API key of this service; it may be cut short or mistyped".into()
            }
            Self::UnknownKey => "The API key is not valid".into(),
            Self::RevokedKey => "The API key has been revoked".into(),
            Self::ExpiredKey => "The API key has expired".into(),
            Self::AddressNotAllowed => "The API key may not be used from this address".into(),
            Self::NotVerified => "Forbidden".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

/// A refusal around accounts: registering, verifying, resetting, reading, changing, removing.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Self-registration is switched off.
    #[error("registration is disabled")]
    RegistrationDisabled,
    /// The caller may not do this.
    #[error("forbidden")]
    Forbidden,
    /// No such account, or none the caller may know of.
    #[error("no such user")]
    NotFound,
    /// The address is not one.
    #[error(transparent)]
    InvalidEmail(#[from] InvalidEmail),
    /// The password breaks the rule.
    #[error("invalid password: {0}")]
    InvalidPassword(#[from] InvalidPassword),
    /// Another value does not hold.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// One sentence.
        reason: String,
    },
    /// The address has an account.
    #[error("the address is taken")]
    EmailTaken,
    /// The token is malformed, forged, expired, used, or made void by a change.
    #[error("bad token")]
    BadToken,
    /// The address was verified before.
    #[error("already verified")]
    AlreadyVerified,
    /// The change would leave the installation without a system administrator.
    #[error("the last system administrator")]
    LastAdministrator,
    /// Too many passwords are being hashed at this moment.
    #[error("too many password hashes at once")]
    Busy,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for AccountError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::RegistrationDisabled | Self::NotFound => Refusal::NotFound,
            Self::Forbidden => Refusal::Forbidden,
            Self::InvalidEmail(_) => Refusal::Invalid {
                field: Some("email"),
            },
            Self::InvalidPassword(_) => Refusal::Invalid {
                field: Some("password"),
            },
            Self::Invalid { field, .. } => Refusal::Invalid { field: Some(field) },
            Self::BadToken => Refusal::Invalid {
                field: Some("token"),
            },
            Self::EmailTaken | Self::AlreadyVerified | Self::LastAdministrator => Refusal::Conflict,
            Self::Busy => Refusal::Busy {
                retry_after: Duration::from_secs(1),
            },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::RegistrationDisabled => "registration_disabled",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::InvalidEmail(_) => "invalid_email",
            Self::InvalidPassword(_) => "invalid_password",
            Self::Invalid { .. } => "invalid",
            Self::EmailTaken => "email_taken",
            Self::BadToken => "bad_token",
            Self::AlreadyVerified => "already_verified",
            Self::LastAdministrator => "last_administrator",
            Self::Busy => "busy",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::RegistrationDisabled => "Registration is disabled".into(),
            Self::Forbidden => "Forbidden".into(),
            Self::NotFound => "Not Found".into(),
            Self::InvalidEmail(error) => error.to_string(),
            Self::InvalidPassword(error) => error.to_string(),
            Self::Invalid { field, reason } => format!("{field}: {reason}"),
            Self::EmailTaken => "An account with this e-mail address already exists".into(),
            Self::BadToken => "The link is not valid any more".into(),
            Self::AlreadyVerified => "The e-mail address is already verified".into(),
            Self::LastAdministrator => "This is the last system administrator".into(),
            Self::Busy => "The service is busy, please try again".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(LoginError, AuthError, AccountError);
