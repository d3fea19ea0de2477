//! Finds the credential of a request, in every place in which one may come, and where the request comes from.
//!
//! Whose a credential is, is the identity service's business; every dialect and transport uses these extractors.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use secrecy::SecretString;
use voxgate_services::identity::Credential;

use crate::state::ApiConfig;

/// The credential a request presents: `Authorization: Bearer …`, or else `X-API-Key`.
///
/// The scheme may be written in any case and followed by more than one space; other schemes are no credential.
pub fn credential(headers: &HeaderMap) -> Option<Credential> {
    credential_of(|name| headers.get(name)?.to_str().ok())
}

/// [`credential`] for what is no header map but looks like one, such as the metadata of a gRPC call: `value` answers what
/// stands under a lower-case name.
pub fn credential_of<'a>(value: impl Fn(&'static str) -> Option<&'a str>) -> Option<Credential> {
    value(header::AUTHORIZATION.as_str())
        .and_then(bearer_token)
        .map(bearer_credential)
        .or_else(|| value(API_KEY).and_then(said).map(key_credential))
}

/// The credential in a query: `api_key=…`, or else `token=…`. Only for routes that say so, because queries end up in
/// logs, histories and referrers: WebSockets, whose clients in browsers can set no headers.
pub fn query_credential(query: &str) -> Option<Credential> {
    let find = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
            .last()
    };
    find("api_key")
        .as_deref()
        .and_then(said)
        .map(key_credential)
        .or_else(|| {
            find("token")
                .as_deref()
                .and_then(said)
                .map(bearer_credential)
        })
}

/// The credential in the first text message of a WebSocket: a JSON object with one of the members `authorization`
/// (`Bearer …`), `x-api-key`, `api_key` or `token`, whose names may be written in any case. Other members are left alone:
/// they may be the first thing that is asked.
pub fn message_credential(message: &str) -> Option<Credential> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(message).ok()?;
    let find = |wanted: &str| {
        fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .and_then(|(_, value)| said(value.as_str()?))
    };
    find(header::AUTHORIZATION.as_str())
        .and_then(bearer_token)
        .map(bearer_credential)
        .or_else(|| find(API_KEY).map(key_credential))
        .or_else(|| find("api_key").map(key_credential))
        .or_else(|| find("token").map(bearer_credential))
}

/// The token after `Bearer`, if there is one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    bearer_token(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// Name of the header, and of the metadata and message member, that holds an API key.
const API_KEY: &str = "x-api-key";

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A value in which something is said.
fn said(value: &str) -> Option<&str> {
    Some(value.trim()).filter(|value| !value.is_empty())
}

fn bearer_credential(token: &str) -> Credential {
    Credential::Bearer(SecretString::from(token))
}

fn key_credential(key: &str) -> Credential {
    Credential::ApiKey(SecretString::from(key))
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

    /// `b:` for a bearer, `k:` for a key.
    fn told(credential: Option<Credential>) -> Option<String> {
        use secrecy::ExposeSecret as _;
        credential.map(|credential| match credential {
            Credential::Bearer(token) => format!("b:{}", token.expose_secret()),
            Credential::ApiKey(key) => format!("k:{}", key.expose_secret()),
        })
    }

    #[test]
    fn headers_hold_a_bearer_or_a_key() {
        for (pairs, expected) in [
            (
                &[("authorization", "Bearer a"), ("x-api-key", "b")] as &[_],
                Some("b:a"),
            ),
            (
                &[("authorization", "Basic a"), ("x-api-key", " b ")],
                Some("k:b"),
            ),
            (&[("x-api-key", " ")], None),
            (&[], None),
        ] {
            assert_eq!(
                told(credential(&headers(pairs))).as_deref(),
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn metadata_is_read_as_headers_are() {
        let metadata = |name: &'static str, value: &'static str| {
            told(credential_of(|asked| (asked == name).then_some(value)))
        };
        assert_eq!(
            metadata("authorization", "bearer a").as_deref(),
            Some("b:a")
        );
        assert_eq!(metadata("x-api-key", "a").as_deref(), Some("k:a"));
        assert_eq!(metadata("authorization", "a"), None);
    }

    #[test]
    fn queries_hold_a_key_or_a_token() {
        for (query, expected) in [
            ("api_key=vg_a", Some("k:vg_a")),
            ("voice=x&token=a%2Bb", Some("b:a+b")),
            ("token=a&api_key=b", Some("k:b")),
            ("api_key=&token=a", Some("b:a")),
            ("api_key=a&api_key=b", Some("k:b")),
            ("API_KEY=a&key=b", None),
            ("", None),
        ] {
            assert_eq!(
                told(query_credential(query)).as_deref(),
                expected,
                "{query:?}"
            );
        }
    }

    #[test]
    fn first_messages_are_json_objects() {
        for (message, expected) in [
            (r#"{"x-api-key": "a"}"#, Some("k:a")),
            (r#"{"X-API-Key": " a ", "text": "hello"}"#, Some("k:a")),
            (r#"{"type": "auth", "api_key": "a"}"#, Some("k:a")),
            (r#"{"authorization": "Bearer a"}"#, Some("b:a")),
            (r#"{"authorization": "a", "token": "b"}"#, Some("b:b")),
            (r#"{"token": 7}"#, None),
            (r#"{"api_key": ""}"#, None),
            (r#"["x-api-key"]"#, None),
            ("vg_a", None),
            ("", None),
        ] {
            assert_eq!(
                told(message_credential(message)).as_deref(),
                expected,
                "{message}"
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
