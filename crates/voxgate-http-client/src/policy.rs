//! What the client may reach and how long it may take: settings, the check of a URL, and the resolver.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{
    address::{AddressClass, classify},
    error::OutboundError,
};

/// Limits of one [`OutboundClient`](crate::OutboundClient). The default suits calls to URLs that users supply.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Admit every private address: for operators whose own services live on their own networks. Link-local addresses
    /// and metadata services stay refused.
    pub allow_private: bool,
    /// Hosts, as written in URLs, that may have private addresses although others may not. Compared without case.
    pub allowed_hosts: Vec<String>,
    /// Admit only `https`.
    pub https_only: bool,
    /// Time for name lookup, connection and TLS handshake.
    pub connect_timeout: Duration,
    /// Longest wait between two pieces of an answer.
    pub idle_timeout: Duration,
    /// Time for the whole exchange; `None` for downloads of unknown size.
    pub total_timeout: Option<Duration>,
    /// Redirects followed for GET and HEAD, each checked like a first request. Other methods are never redirected.
    pub max_redirects: usize,
    /// Largest body accepted, in bytes.
    pub max_body_bytes: u64,
    /// Sent as `User-Agent`.
    pub user_agent: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow_private: false,
            allowed_hosts: Vec::new(),
            https_only: false,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(15),
            total_timeout: Some(Duration::from_secs(30)),
            max_redirects: 5,
            max_body_bytes: 8 * 1024 * 1024,
            user_agent: concat!("voxgate/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A host that the policy does not admit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    host: String,
    class: AddressClass,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.class {
            AddressClass::Private => "is on a private network, which this server may not call",
            _ => "has an address that is never called",
        };
        write!(f, "{} {kind}", self.host)
    }
}

impl Policy {
    /// Checks what can be checked before a connection: scheme, credentials and hosts written as an address.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), OutboundError> {
        let invalid = |what: &str| Err(OutboundError::InvalidUrl(what.to_owned()));
        match url.scheme() {
            "https" => {}
            "http" if !self.https_only => {}
            "http" => return invalid("only https URLs may be called"),
            _ => return invalid("only http and https URLs may be called"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("a URL must not carry credentials");
        }
        // The URL standard has turned every spelling of an IPv4 address (decimal, hex, octal, short) into `Ipv4` here.
        match url.host() {
            None => invalid("the URL has no host"),
            Some(Host::Domain(_)) => Ok(()), // judged by the resolver
            Some(Host::Ipv4(v4)) => {
                self.check_address(url.host_str().unwrap_or_default(), v4.into())
            }
            Some(Host::Ipv6(v6)) => {
                self.check_address(url.host_str().unwrap_or_default(), v6.into())
            }
        }
    }

    fn check_address(&self, host: &str, address: IpAddr) -> Result<(), OutboundError> {
        match classify(address) {
            AddressClass::Public => Ok(()),
            AddressClass::Private if self.admits_private(host) => Ok(()),
            class => Err(OutboundError::Refused(Refusal {
                host: host.to_owned(),
                class,
            })),
        }
    }

    fn admits_private(&self, host: &str) -> bool {
        self.allow_private
            || self
                .allowed_hosts
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

/// Resolves names with the system's resolver and keeps only the addresses that the policy admits.
pub(crate) struct GuardedResolver {
    policy: Arc<Policy>,
}

impl GuardedResolver {
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0))
                .await
                .map_err(|error| unresolved(host, &error))?;
            let mut refused = None;
            let admitted: Vec<SocketAddr> = found
                .filter(|address| match policy.check_address(host, address.ip()) {
                    Ok(()) => true,
                    Err(refusal) => {
                        refused = Some(refusal);
                        false
                    }
                })
                .collect();
            match (admitted.is_empty(), refused) {
                (false, _) => Ok(Box::new(admitted.into_iter()) as Addrs),
                (true, Some(refusal)) => Err(refusal.into()),
                (true, None) => {
                    Err(unresolved(host, &io::Error::other("it has no address")).into())
                }
            }
        })
    }
}

fn unresolved(host: &str, error: &io::Error) -> OutboundError {
    OutboundError::Resolve {
        host: host.to_owned(),
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(policy: &Policy, url: &str) -> Result<(), OutboundError> {
        policy.check_url(&Url::parse(url).unwrap())
    }

    #[test]
    fn every_spelling_of_a_private_address_is_seen_through() {
        let policy = Policy::default();
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0x7f000001/",
            "http://017700000001/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://0/",
            "https://10.0.0.8/",
            "http://１２７.0.0.1/",
        ] {
            assert!(
                matches!(check(&policy, url), Err(OutboundError::Refused(_))),
                "{url}"
            );
        }
        assert_eq!(check(&policy, "https://1.1.1.1/"), Ok(()));
        assert_eq!(check(&policy, "https://example.org/"), Ok(()));
    }

    #[test]
    fn schemes_and_credentials_are_checked() {
        for url in [
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "http://user:pw@example.org/",
        ] {
            assert!(
                matches!(
                    check(&Policy::default(), url),
                    Err(OutboundError::InvalidUrl(_))
                ),
                "{url}"
            );
        }
        let strict = Policy {
            https_only: true,
            ..Policy::default()
        };
        assert!(matches!(
            check(&strict, "http://example.org/"),
            Err(OutboundError::InvalidUrl(_))
        ));
    }

    #[test]
    fn permission_covers_private_networks_but_never_metadata() {
        let open = Policy {
            allow_private: true,
            ..Policy::default()
        };
        assert_eq!(check(&open, "http://192.168.0.9/"), Ok(()));
        assert!(matches!(
            check(&open, "http://169.254.169.254/"),
            Err(OutboundError::Refused(_))
        ));
        let one = Policy {
            allowed_hosts: vec!["192.168.0.9".to_owned()],
            ..Policy::default()
        };
        assert_eq!(check(&one, "http://192.168.0.9/"), Ok(()));
        assert!(matches!(
            check(&one, "http://192.168.0.10/"),
            Err(OutboundError::Refused(_))
        ));
    }
}
