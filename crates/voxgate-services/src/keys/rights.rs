//! How rights of keys, accounts and the keys that made keys combine. Pure.

use ipnet::IpNet;
use voxgate_domain::{Rights, Service, ServiceSet};

use super::KeyError;

/// All services but administration, of those given.
pub(crate) fn without_admin(services: ServiceSet) -> ServiceSet {
    services.intersection(ServiceSet::WORK)
}

/// What both allow; `None` where there is no address from which both may be used.
pub(crate) fn both(one: &Rights, other: &Rights) -> Option<Rights> {
    Some(Rights {
        services: one.services.intersection(other.services),
        voices: one.voices.intersection(&other.voices),
        models: one.models.intersection(&other.models),
        networks: both_networks(&one.networks, &other.networks)?,
    })
}

/// Where no network is named, any will do. Two networks either nest or do not meet.
fn both_networks(one: &[IpNet], other: &[IpNet]) -> Option<Vec<IpNet>> {
    if one.is_empty() || other.is_empty() {
        return Some([one, other].concat());
    }
    let mut common: Vec<IpNet> = one
        .iter()
        .flat_map(|mine| {
            other.iter().filter_map(move |theirs| {
                if theirs.contains(mine) {
                    Some(*mine)
                } else if mine.contains(theirs) {
                    Some(*theirs)
                } else {
                    None
                }
            })
        })
        .collect();
    common.sort_unstable();
    common.dedup();
    (!common.is_empty()).then_some(common)
}

/// Refuses rights beyond `allowed`, naming what goes beyond.
pub(crate) fn require_within(asked: &Rights, allowed: &Rights) -> Result<(), KeyError> {
    let beyond: Vec<&str> = asked
        .services
        .iter()
        .filter(|&service| !allowed.services.contains(service))
        .map(Service::as_str)
        .collect();
    if !beyond.is_empty() {
        return Err(KeyError::Exceeds(format!(
            "services: {}",
            beyond.join(", ")
        )));
    }
    for (what, asked, allowed) in [
        ("voices", &asked.voices, &allowed.voices),
        ("models", &asked.models, &allowed.models),
    ] {
        if !asked.is_subset_of(allowed) {
            return Err(KeyError::Exceeds(what.to_owned()));
        }
    }
    if !asked.is_subset_of(allowed) {
        return Err(KeyError::Exceeds("networks".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use voxgate_domain::{NameSet, Role};

    fn with_networks(networks: &[&str]) -> Rights {
        Rights {
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            ..Rights::everything()
        }
    }

    fn some_networks() -> impl Strategy<Value = Rights> {
        let pool = vec![
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.0/24",
            "192.0.2.0/24",
            "2001:db8::/32",
            "2001:db8:1::/48",
        ];
        proptest::sample::subsequence(pool, 0..4).prop_map(|picked| with_networks(&picked))
    }

    #[test]
    fn what_goes_beyond_is_named() {
        let allowed = Rights::of_role(Role::OrgUser);
        let asked = Rights::everything();
        match require_within(&asked, &allowed) {
            Err(KeyError::Exceeds(what)) => assert_eq!(what, "services: admin"),
            other => panic!("{other:?}"),
        }
        let some = Rights {
            voices: NameSet::Only(["magnus".to_owned()].into()),
            ..Rights::of_role(Role::OrgUser)
        };
        assert!(require_within(&some, &allowed).is_ok());
        match require_within(&allowed, &some) {
            Err(KeyError::Exceeds(what)) => assert_eq!(what, "voices"),
            other => panic!("{other:?}"),
        }
        match require_within(&allowed, &with_networks(&["10.0.0.0/8"])) {
            Err(KeyError::Exceeds(what)) => assert_eq!(what, "networks"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn networks_that_do_not_meet_leave_nowhere_rather_than_anywhere() {
        let one = with_networks(&["10.0.0.0/8"]);
        let other = with_networks(&["192.0.2.0/24"]);
        assert_eq!(both(&one, &other), None);
    }

    proptest! {
        #[test]
        fn both_admits_what_each_admits(
            one in some_networks(),
            other in some_networks(),
            address in proptest::sample::select(vec!["10.1.2.3", "10.1.9.9", "10.9.9.9", "192.0.2.1", "2001:db8::1", "2001:db8:1::1", "198.51.100.1"]),
        ) {
            let address = Some(address.parse().unwrap());
            let each = one.admits_address(address) && other.admits_address(address);
            let joined = both(&one, &other).is_some_and(|both| both.admits_address(address));
            prop_assert_eq!(each, joined);
        }
    }
}
