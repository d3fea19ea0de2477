//! Identifiers: one type per noun, so that a user id cannot stand where an organisation id is meant.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id: UUID version 7, so that ids made later sort later and index pages fill in order.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The UUID inside.
            #[must_use]
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    )*};
}

ids! {
    /// An organisation: the tenant that owns users, keys, limits and usage.
    OrgId;
    /// A person's account.
    UserId;
    /// An invitation to join an organisation.
    InvitationId;
    /// An API key.
    KeyId;
    /// One metered request, as it appears in the usage history.
    RequestId;
    /// One queued message.
    MailId;
    /// A plan: a set of limits and prices that organisations and keys refer to.
    PlanId;
    /// One movement of credits.
    TransferId;
    /// One entry of the audit log.
    AuditId;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_round_trips_and_dashes_are_optional() {
        let id = UserId::generate();
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        assert_eq!(
            id.to_string().replace('-', "").parse::<UserId>().unwrap(),
            id
        );
        assert_eq!("nonsense".parse::<UserId>(), Err(InvalidId));
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<OrgId> = (0..1000).map(|_| OrgId::generate()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
