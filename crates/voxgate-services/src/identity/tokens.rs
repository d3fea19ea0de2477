//! Signed tokens: sessions, links to verify an address, links to reset a password. All are JWTs with HS256, the claims of
//! the AethexAI dialect, and a secret per purpose.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use voxgate_domain::{Timestamp, UserId};

use crate::{Fault, Secrets};

const SESSION: &str = "fastapi-users:auth";
const VERIFY: &str = "fastapi-users:verify";
const RESET: &str = "fastapi-users:reset";

/// Longer texts are not looked at; ours are under 400 bytes.
const MAX_TOKEN_BYTES: usize = 4096;

/// Makes and reads tokens.
pub(crate) struct Tokens {
    session: Purpose,
    verify: Purpose,
    reset: Purpose,
}

struct Purpose {
    sign: EncodingKey,
    check: DecodingKey,
    validation: Validation,
}

/// What a session token says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SessionClaims {
    pub(crate) user: UserId,
    /// The session's end in seconds since 1970.
    pub(crate) ends_at: i64,
}

/// What a verification token says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VerifyClaims {
    pub(crate) user: UserId,
    pub(crate) email: String,
}

/// What a reset token says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ResetClaims {
    pub(crate) user: UserId,
    pub(crate) fingerprint: String,
}

#[derive(Serialize)]
struct SessionOut<'a> {
    sub: String,
    aud: [&'a str; 1],
    exp: i64,
}

#[derive(Serialize)]
struct VerifyOut<'a> {
    sub: String,
    email: &'a str,
    aud: &'a str,
    exp: i64,
}

#[derive(Serialize)]
struct ResetOut<'a> {
    sub: String,
    password_fgpt: &'a str,
    aud: &'a str,
    exp: i64,
}

#[derive(Deserialize)]
struct ClaimsIn {
    sub: String,
    exp: i64,
    email: Option<String>,
    password_fgpt: Option<String>,
}

impl Purpose {
    fn new(secret: &[u8], audience: &str) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.algorithms = vec![Algorithm::HS256];
        validation.leeway = 0;
        // The end is checked below, against our own clock.
        validation.validate_exp = false;
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["aud", "exp", "sub"]);
        Self {
            sign: EncodingKey::from_secret(secret),
            check: DecodingKey::from_secret(secret),
            validation,
        }
    }

    fn make(&self, claims: &impl Serialize) -> Result<String, Fault> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign)
            .map_err(|error| Fault::Internal(format!("signing a token: {error}")))
    }

    fn read<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let read = jsonwebtoken::decode(token, &self.check, &self.validation).ok()?;
        Some(read.claims)
    }

    fn current(&self, token: &str, now: Timestamp) -> Option<(UserId, ClaimsIn)> {
        let claims: ClaimsIn = self.read(token)?;
        let user = claims.sub.parse().ok()?;
        (claims.exp > now.as_secs()).then_some((user, claims))
    }
}

impl Tokens {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        Self {
            session: Purpose::new(secrets.jwt.expose_secret(), SESSION),
            verify: Purpose::new(secrets.verify.expose_secret(), VERIFY),
            reset: Purpose::new(secrets.reset.expose_secret(), RESET),
        }
    }

    pub(crate) fn make_session(&self, claims: &SessionClaims) -> Result<String, Fault> {
        self.session.make(&SessionOut {
            sub: claims.user.to_string(),
            aud: [SESSION],
            exp: claims.ends_at,
        })
    }

    pub(crate) fn read_session(&self, token: &str, now: Timestamp) -> Option<SessionClaims> {
        let (user, claims) = self.session.current(token, now)?;
        Some(SessionClaims {
            user,
            ends_at: claims.exp,
        })
    }

    pub(crate) fn make_verify(
        &self,
        claims: &VerifyClaims,
        ends_at: Timestamp,
    ) -> Result<String, Fault> {
        self.verify.make(&VerifyOut {
            sub: claims.user.to_string(),
            email: &claims.email,
            aud: VERIFY,
            exp: ends_at.as_secs(),
        })
    }

    pub(crate) fn read_verify(&self, token: &str, now: Timestamp) -> Option<VerifyClaims> {
        let (user, claims) = self.verify.current(token, now)?;
        Some(VerifyClaims {
            user,
            email: claims.email?,
        })
    }

    pub(crate) fn make_reset(
        &self,
        claims: &ResetClaims,
        ends_at: Timestamp,
    ) -> Result<String, Fault> {
        self.reset.make(&ResetOut {
            sub: claims.user.to_string(),
            password_fgpt: &claims.fingerprint,
            aud: RESET,
            exp: ends_at.as_secs(),
        })
    }

    pub(crate) fn read_reset(&self, token: &str, now: Timestamp) -> Option<ResetClaims> {
        let (user, claims) = self.reset.current(token, now)?;
        Some(ResetClaims {
            user,
            fingerprint: claims.password_fgpt?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use secrecy::SecretBox;
    use serde_json::{Value, json};

    fn tokens() -> Tokens {
        let secret = |byte| SecretBox::new(Box::new(vec![byte; 32]));
        Tokens::new(&Secrets {
            jwt: secret(1),
            verify: secret(2),
            reset: secret(3),
            api_key_pepper: secret(4),
        })
    }

    fn part(token: &str, at: usize) -> Value {
        let bytes = URL_SAFE_NO_PAD
            .decode(token.split('.').nth(at).unwrap())
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn signed(claims: &Value, key: &[u8]) -> String {
        jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(key)).unwrap()
    }

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_session_has_exactly_the_documented_claims() {
        let user = UserId::generate();
        let token = tokens()
            .make_session(&SessionClaims {
                user,
                ends_at: 1_800_003_600,
            })
            .unwrap();
        assert_eq!(part(&token, 0), json!({"alg": "HS256", "typ": "JWT"}));
        assert_eq!(
            part(&token, 1),
            json!({"sub": user.to_string(), "aud": ["fastapi-users:auth"], "exp": 1_800_003_600})
        );
        let read = tokens().read_session(&token, NOW).unwrap();
        assert_eq!((read.user, read.ends_at), (user, 1_800_003_600));
    }

    #[test]
    fn the_audience_may_be_a_bare_string() {
        let user = UserId::generate();
        let claims = json!({"sub": user.to_string(), "aud": SESSION, "exp": 1_800_000_001});
        assert!(
            tokens()
                .read_session(&signed(&claims, &[1; 32]), NOW)
                .is_some()
        );
    }

    #[test]
    fn everything_else_is_refused() {
        let sub = UserId::generate().to_string();
        let good = json!({"sub": sub, "aud": [SESSION], "exp": 1_800_000_001});
        let tokens = tokens();
        let with = |key: &str, value: Value| {
            let mut claims = good.clone();
            claims[key] = value;
            signed(&claims, &[1; 32])
        };
        let none = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(good.to_string())
        );
        let hs512 = Header::new(Algorithm::HS512);
        let hs512 =
            jsonwebtoken::encode(&hs512, &good, &EncodingKey::from_secret(&[1; 32])).unwrap();
        for token in [
            signed(&good, &[9; 32]),
            with("exp", json!(1_800_000_000)),
            with("aud", json!(["other"])),
            with("aud", json!(VERIFY)),
            with("sub", json!("not a uuid")),
            signed(&json!({"sub": sub, "aud": [SESSION]}), &[1; 32]),
            signed(&json!({"sub": sub, "exp": 1_800_000_001}), &[1; 32]),
            none,
            hs512,
            String::new(),
            "a.b.c".into(),
            "x".repeat(10_000),
        ] {
            assert_eq!(tokens.read_session(&token, NOW), None, "{token}");
        }
    }

    #[test]
    fn one_purpose_does_not_open_another() {
        let tokens = tokens();
        let user = UserId::generate();
        let end = Timestamp::from_secs(1_800_003_600);
        let verify = tokens
            .make_verify(
                &VerifyClaims {
                    user,
                    email: "a@example.com".into(),
                },
                end,
            )
            .unwrap();
        assert_eq!(part(&verify, 1)["aud"], json!(VERIFY));
        assert!(tokens.read_session(&verify, NOW).is_none());
        assert!(tokens.read_reset(&verify, NOW).is_none());
        assert!(tokens.read_verify(&verify, NOW).is_some());
        assert!(tokens.read_verify(&verify, end).is_none());
    }
}
