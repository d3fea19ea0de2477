//! Which wire format a route speaks, as far as the road that every request takes needs to know: how it words what stands
//! in a request's way before its endpoint is reached, and which limit headers it sends.
//!
//! Bodies, and refusals of use cases, are the surface's own modules' business.

use axum::http::StatusCode;
use voxgate_services::gate::GateError;
use voxgate_services::identity::AuthError;

use crate::dialects::aethex;
use crate::extract::{Fault, ReadError};
use crate::limits_headers::Family;
use crate::native;
use crate::refused::Refused;

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The AethexAI dialect, and what belongs to no vendor.
    Aethex,
    /// Our own: administration.
    Native,
}

/// What stands in a request's way before its endpoint is reached.
#[derive(Debug)]
pub enum Obstacle {
    /// It presents no credential.
    NoCredential,
    /// Its credential does not open the door.
    Credential(AuthError),
    /// The caller's rank does not suffice.
    Rank,
    /// A limit over this class of requests is reached.
    Gate(GateError),
    /// Its body cannot be read.
    Unreadable(ReadError),
    /// Some of its values do not hold.
    Faults(Vec<Fault>),
}

impl Surface {
    /// Words an obstacle.
    pub fn refuse(self, obstacle: Obstacle) -> Refused {
        match self {
            Self::Aethex => aethex::error::obstacle(obstacle),
            Self::Native => native::error::obstacle(obstacle),
        }
    }

    /// What a path answers that is none.
    pub fn not_found(self) -> Refused {
        match self {
            Self::Aethex => Refused::not_found(),
            Self::Native => native::error::not_found(),
        }
    }

    /// What a path answers to a method that it does not have.
    pub fn method_not_allowed(self) -> Refused {
        match self {
            Self::Aethex => Refused::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
            Self::Native => native::error::method_not_allowed(),
        }
    }

    /// Adds what only the road knows.
    pub fn complete(self, refused: Refused, request_id: &str) -> Refused {
        match self {
            Self::Aethex => refused,
            Self::Native => native::error::with_request_id(refused, request_id),
        }
    }

    /// The limit headers it sends.
    pub fn limit_headers(self) -> Family {
        match self {
            Self::Aethex | Self::Native => Family::Plain,
        }
    }

    /// The wire format of a path that leads nowhere.
    pub fn of_path(path: &str) -> Self {
        if path == native::ADMIN || path.starts_with(native::ADMIN_FOLDER) {
            Self::Native
        } else {
            Self::Aethex
        }
    }
}
