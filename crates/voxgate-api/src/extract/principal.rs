//! Finds the credential of a request and asks the identity service whose it is.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use secrecy::SecretString;
use voxgate_services::identity::Credential;

use crate::state::ApiConfig;

/// The credential a request presents: `Authorization: Bearer …`, or else `X-API-Key`.
///
/// The scheme may be written in any case and followed by more than one space; other schemes are no credential.
pub fn credential(headers: &HeaderMap) -> Option<Credential> {
    bearer(headers)
        .map(|token| Credential::Bearer(SecretString::from(token)))
        .or_else(|| api_key(headers).map(|key| Credential::ApiKey(SecretString::from(key))))
}

/// The token after `Bearer`, if there is one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn api_key(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("x-api-key")?
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|key| !key.is_empty())
}

/// Where the request really comes from: the peer, or what a trusted proxy says about it.
///
/// Walks `X-Forwarded-For` from the right and stops at the first address that is not a trusted proxy, because
/// everything left of that could have been written by the client.
pub fn client_address(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    config: &ApiConfig,
) -> Option<IpAddr> {
    let mut client = peer?.to_canonical();
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in forwarded.into_iter().rev() {
        if !config.trusts(client) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    Some(client)
}

/// Whether the client speaks TLS, to us or to a trusted proxy.
pub fn is_tls(peer: Option<IpAddr>, headers: &HeaderMap, config: &ApiConfig) -> bool {
    if config.tls {
        return true;
    }
    let proxied = peer.is_some_and(|address| config.trusts(address));
    proxied
        && headers
            .get("x-forwarded-proto")
            .is_some_and(|scheme| scheme == "https")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn bearer_is_read_liberally() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("BEARER  abc", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic abc", None),
            ("abc", None),
        ] {
            assert_eq!(
                bearer(&headers(&[("authorization", value)])),
                token,
                "{value:?}"
            );
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let peer = Some("10.0.0.1".parse().unwrap());
        let sent = headers(&[("x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.0.0.2")]);
        let mut config = ApiConfig::default();
        assert_eq!(client_address(peer, &sent, &config), peer);
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(
            client_address(peer, &sent, &config),
            Some("203.0.113.7".parse().unwrap())
        );
    }
}
