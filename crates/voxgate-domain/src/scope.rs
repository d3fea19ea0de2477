//! What a credential may be used for: services, voices, models, and from where.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::Role;

/// A capability of the product that a key can be allowed to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Text to speech.
    Tts,
    /// Speech to text.
    Stt,
    /// Chat and completions.
    Llm,
    /// Images, video, cloned voices.
    Media,
    /// Voice agents and calls.
    Agents,
    /// Administration: organisations, people, keys, plans, credits.
    Admin,
}

/// A text that names no [`Service`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown service; use tts, stt, llm, media, agents or admin")]
pub struct UnknownService;

impl Service {
    /// Every service.
    pub const ALL: [Self; 6] = [
        Self::Tts,
        Self::Stt,
        Self::Llm,
        Self::Media,
        Self::Agents,
        Self::Admin,
    ];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tts => "tts",
            Self::Stt => "stt",
            Self::Llm => "llm",
            Self::Media => "media",
            Self::Agents => "agents",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, UnknownService> {
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == text)
            .ok_or(UnknownService)
    }
}

/// Some of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ServiceSet(u8);

impl ServiceSet {
    /// None.
    pub const NONE: Self = Self(0);
    /// All of them, administration included.
    pub const ALL: Self = Self(0b11_1111);
    /// All but administration: what a key gets where nothing else is asked for.
    pub const WORK: Self = Self(Self::ALL.0 & !Service::Admin.bit());

    /// Whether `service` is among them.
    #[must_use]
    pub const fn contains(self, service: Service) -> bool {
        self.0 & service.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every one of them is in `other` too.
    #[must_use]
    pub const fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Those in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The services, in the order of [`Service::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Service> {
        Service::ALL
            .into_iter()
            .filter(move |service| self.contains(*service))
    }
}

impl FromIterator<Service> for ServiceSet {
    fn from_iter<I: IntoIterator<Item = Service>>(services: I) -> Self {
        Self(
            services
                .into_iter()
                .fold(0, |bits, service| bits | service.bit()),
        )
    }
}

/// All names, or some.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NameSet {
    /// Any name, also one that will only exist later.
    #[default]
    All,
    /// These names and no other.
    Only(BTreeSet<String>),
}

impl NameSet {
    /// Whether `name` is among them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// Whether every one of them is in `other` too.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Only(_)) => false,
            (Self::Only(mine), Self::Only(theirs)) => mine.is_subset(theirs),
        }
    }

    /// Those in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, names) | (names, Self::All) => names.clone(),
            (Self::Only(mine), Self::Only(theirs)) => {
                Self::Only(mine.intersection(theirs).cloned().collect())
            }
        }
    }
}

/// What a credential may do. A key's rights are never more than those of whoever made it: checked when it is made or
/// changed, and again at every use against what the maker may do by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The services.
    pub services: ServiceSet,
    /// The voices, by the names requests use.
    pub voices: NameSet,
    /// The models, by the names requests use.
    pub models: NameSet,
    /// The networks a request may come from; empty for anywhere.
    pub networks: Vec<IpNet>,
}

impl Rights {
    /// Everything from anywhere.
    #[must_use]
    pub const fn everything() -> Self {
        Self {
            services: ServiceSet::ALL,
            voices: NameSet::All,
            models: NameSet::All,
            networks: Vec::new(),
        }
    }

    /// What an account of this role may do, and so the most a key of it may.
    #[must_use]
    pub fn of_role(role: Role) -> Self {
        Self {
            services: match role {
                Role::SystemAdmin | Role::OrgAdmin => ServiceSet::ALL,
                Role::OrgUser => ServiceSet::WORK,
            },
            ..Self::everything()
        }
    }

    /// Whether a request may come from `address`. An unknown address passes only where there is no restriction; an IPv4
    /// address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn admits_address(&self, address: Option<IpAddr>) -> bool {
        self.networks.is_empty()
            || address.is_some_and(|address| {
                let address = address.to_canonical();
                self.networks
                    .iter()
                    .any(|network| network.contains(&address))
            })
    }

    /// Whether these rights allow nothing that `other` does not.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        let networks_within = other.networks.is_empty()
            || (!self.networks.is_empty()
                && self
                    .networks
                    .iter()
                    .all(|mine| other.networks.iter().any(|theirs| theirs.contains(mine))));
        self.services.is_subset_of(other.services)
            && self.voices.is_subset_of(&other.voices)
            && self.models.is_subset_of(&other.models)
            && networks_within
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn some_names() -> impl Strategy<Value = NameSet> {
        prop_oneof![
            Just(NameSet::All),
            proptest::collection::btree_set("[abc]", 0..3).prop_map(NameSet::Only),
        ]
    }

    fn some_rights() -> impl Strategy<Value = Rights> {
        let networks = prop_oneof![
            Just(Vec::new()),
            Just(vec!["10.0.0.0/8".parse().unwrap()]),
            Just(vec!["10.1.0.0/16".parse().unwrap()]),
            Just(vec![
                "10.1.2.0/24".parse().unwrap(),
                "2001:db8::/32".parse().unwrap()
            ]),
        ];
        (0_u8..64, some_names(), some_names(), networks).prop_map(
            |(bits, voices, models, networks)| Rights {
                services: Service::ALL
                    .into_iter()
                    .filter(|service| bits & service.bit() != 0)
                    .collect(),
                voices,
                models,
                networks,
            },
        )
    }

    #[test]
    fn names_round_trip() {
        for service in Service::ALL {
            assert_eq!(service.as_str().parse::<Service>().unwrap(), service);
            assert!(ServiceSet::ALL.contains(service));
        }
        assert_eq!("TTS".parse::<Service>(), Err(UnknownService));
        assert!(!ServiceSet::WORK.contains(Service::Admin));
        assert_eq!(ServiceSet::WORK.iter().count(), 5);
    }

    #[test]
    fn addresses_are_matched_in_their_own_family() {
        let rights = Rights {
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            ..Rights::everything()
        };
        assert!(rights.admits_address(Some("192.0.2.7".parse().unwrap())));
        assert!(rights.admits_address(Some("::ffff:192.0.2.7".parse().unwrap())));
        assert!(!rights.admits_address(Some("192.0.3.7".parse().unwrap())));
        assert!(!rights.admits_address(None));
        assert!(Rights::everything().admits_address(None));
    }

    proptest! {
        #[test]
        fn a_subset_allows_nothing_more(
            small in some_rights(),
            large in some_rights(),
            service in proptest::sample::select(Service::ALL.to_vec()),
            name in "[abcd]",
            address in proptest::sample::select(vec!["10.1.2.3", "10.1.9.9", "10.9.9.9", "192.0.2.1", "2001:db8::1"]),
        ) {
            let address = Some(address.parse().unwrap());
            if small.is_subset_of(&large) {
                prop_assert!(!small.services.contains(service) || large.services.contains(service));
                prop_assert!(!small.voices.contains(&name) || large.voices.contains(&name));
                prop_assert!(!small.models.contains(&name) || large.models.contains(&name));
                prop_assert!(!small.admits_address(address) || large.admits_address(address));
            }
            prop_assert!(small.is_subset_of(&Rights::everything()));
            prop_assert!(small.is_subset_of(&small));
            let both = small.voices.intersection(&large.voices);
            prop_assert!(both.is_subset_of(&small.voices) && both.is_subset_of(&large.voices));
            prop_assert_eq!(both.contains(&name), small.voices.contains(&name) && large.voices.contains(&name));
        }
    }
}
