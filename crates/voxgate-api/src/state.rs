//! What the surface needs from the outside: the use cases, its configuration, metrics and readiness.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use voxgate_services::Services;

use crate::extract::DecodeOptions;
use crate::extract::body::BodyLimits;

/// Everything a request can reach. Cloning it, which layers do for every request, counts one reference.
#[derive(Clone)]
pub struct ApiState(Arc<ApiParts>);

impl From<ApiParts> for ApiState {
    fn from(parts: ApiParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for ApiState {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0
    }
}

/// What an [`ApiState`] is made of.
pub struct ApiParts {
    /// The use cases.
    pub services: Services,
    /// How this surface is set up.
    pub config: ApiConfig,
    /// Renders the metrics; `None` where no recorder is installed.
    pub metrics: Option<PrometheusHandle>,
    /// Whether the models are loaded.
    pub readiness: Readiness,
}

impl std::fmt::Debug for ApiState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiState")
            .field("config", &self.config)
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}

/// How the surface is set up. [`Default`] is a private installation on plain HTTP.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The word `GET /health` gives as `env`.
    pub environment: String,
    /// Whether the listener speaks TLS itself; decides the scheme of absolute links made from a request.
    pub tls: bool,
    /// Where `Strict-Transport-Security` is sent.
    pub hsts: Hsts,
    /// Whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// Origins that browsers may call from; empty switches CORS off. `*` allows every origin.
    pub cors_allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Longest request body in bytes.
    pub max_body_bytes: usize,
    /// Longest time a request body may take to arrive.
    pub body_deadline: Duration,
    /// What of decoding varies between deployments.
    pub decode: DecodeOptions,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            environment: "production".to_owned(),
            tls: false,
            hsts: Hsts::Always,
            docs: true,
            metrics: MetricsAccess::Open,
            cors_allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_body_bytes: 1024 * 1024,
            body_deadline: Duration::from_secs(30),
            decode: DecodeOptions::default(),
        }
    }
}

impl ApiConfig {
    pub(crate) fn body_limits(&self) -> BodyLimits {
        BodyLimits {
            max_bytes: self.max_body_bytes,
            deadline: self.body_deadline,
        }
    }

    /// Whether `address` is a proxy whose forwarding headers are believed.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    }
}

/// Where `Strict-Transport-Security` is sent. Browsers ignore it on plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hsts {
    /// On every response, as the vendors document it.
    Always,
    /// Only where the client speaks TLS to us or to a trusted proxy.
    OnlyTls,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone)]
pub enum MetricsAccess {
    /// Nobody: the route answers 404.
    Off,
    /// Everybody who reaches the listener.
    Open,
    /// Whoever presents this bearer token.
    Token(SecretString),
}

/// A block of addresses, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u32,
}

/// A text that is not an address or a block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an IP address nor a network such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl std::str::FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix.parse::<u32>().map_err(|_| invalid())?)),
            None => (text, None),
        };
        let base: IpAddr = base.trim().parse().map_err(|_| invalid())?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            Err(invalid())
        } else {
            Ok(Self { base, prefix })
        }
    }
}

impl Network {
    /// Whether `address` lies in the block; an IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - self.prefix;
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - self.prefix;
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Whether the server can do its work yet, and if not, why. Shared between the start sequence and `GET /ready`.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// `None` once ready; otherwise what is being waited for.
    waiting_for: Arc<RwLock<Option<String>>>,
}

impl Readiness {
    /// Not ready yet; `reason` is shown to callers, such as "loading voices".
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self {
            waiting_for: Arc::new(RwLock::new(Some(reason.into()))),
        }
    }

    /// Ready from the start.
    pub fn ready() -> Self {
        Self {
            waiting_for: Arc::new(RwLock::new(None)),
        }
    }

    /// Says what is being waited for now.
    pub fn set_waiting(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()));
    }

    /// Says that the server can do its work.
    pub fn set_ready(&self) {
        self.set(None);
    }

    fn set(&self, reason: Option<String>) {
        *self
            .waiting_for
            .write()
            .unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// What is being waited for; `None` when ready.
    pub fn reason(&self) -> Option<String> {
        self.waiting_for
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let inside = |network: &str, address: &str| {
            network
                .parse::<Network>()
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(inside("10.0.0.0/8", "10.255.1.2"));
        assert!(!inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("0.0.0.0/0", "203.0.113.9"));
        assert!(!inside("0.0.0.0/0", "2001:db8::1"));
        assert!(inside("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(inside("2001:db8::/32", "2001:db8:1::1"));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("host".parse::<Network>().is_err());
    }
}
