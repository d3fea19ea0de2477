//! A small installation per test: two organisations, one account of each role, and a client.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use secrecy::{SecretBox, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use voxgate_api::{ApiConfig, ApiParts, ApiState, Readiness, router};
use voxgate_domain::{Clock, OrgId, Role, SystemClock, UserId};
use voxgate_engine::fake::FakeEngine;
use voxgate_engine::{PoolConfig, SpeechEngine, SpeechPool, VoiceRegistry};
use voxgate_services::bootstrap::BootstrapCommand;
use voxgate_services::identity::CreateUserCommand;
use voxgate_services::orgs::CreateOrg;
use voxgate_services::speech::SpeechEngines;
use voxgate_services::{
    Argon2Config, MailTransport, Principal, Secrets, Services, ServicesConfig, ServicesParts,
};
use voxgate_store::{Db, StoreConfig};

pub const PASSWORD: &str = "correct horse battery";
pub const JWT_SECRET: &[u8] = b"jwt-secret-of-the-tests-0123456789";

pub const ROOT: &str = "root@example.com";
pub const ADMIN: &str = "admin@home.example.com";
pub const USER: &str = "user@home.example.com";
pub const FOREIGN_ADMIN: &str = "admin@away.example.com";
pub const FOREIGN_USER: &str = "user@away.example.com";

pub struct World {
    pub router: Router,
    pub services: Services,
    pub readiness: Readiness,
    pub engine: Arc<FakeEngine>,
    pub home: OrgId,
    pub away: OrgId,
    outbox: PathBuf,
    _directory: TempDir,
}

pub struct Setup {
    pub services: ServicesConfig,
    pub api: ApiConfig,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let outbox = directory.path().join("outbox");
        let mut setup = Setup {
            services: ServicesConfig::default(),
            api: ApiConfig::default(),
        };
        setup.services.identity.argon2 = Argon2Config {
            memory_kib: 8,
            iterations: 1,
            parallelism: 1,
        };
        setup.services.identity.registration_enabled = true;
        setup.services.identity.mail_interval = Duration::ZERO;
        setup.services.mail.transport = MailTransport::Directory(outbox.clone());
        change(&mut setup);

        let db = Db::open(&StoreConfig::sqlite(directory.path().join("test.sqlite")))
            .await
            .unwrap();
        db.migrate().await.unwrap();
        let engine = Arc::new(FakeEngine::new());
        let speaking: Arc<dyn SpeechEngine> = Arc::<FakeEngine>::clone(&engine);
        let aliases = vec![("en_female_warm_1".to_owned(), "fake_anna".to_owned())];
        let secret = |text: &[u8]| SecretBox::new(Box::new(text.to_vec()));
        let services = Services::start(ServicesParts {
            config: setup.services,
            db,
            secrets: Secrets {
                jwt: secret(JWT_SECRET),
                verify: secret(b"verify-secret-of-the-tests-0123456789"),
                reset: secret(b"reset-secret-of-the-tests-0123456789"),
                api_key_pepper: secret(b"pepper-of-the-tests-0123456789-0123456789"),
            },
            clock: Arc::new(SystemClock::new()),
            engines: Some(SpeechEngines {
                pool: SpeechPool::start(PoolConfig {
                    threads: 1,
                    queue_depth: 4,
                }),
                voices: VoiceRegistry::new(vec![speaking], aliases).unwrap(),
            }),
        })
        .await
        .unwrap();

        let first = services
            .bootstrap()
            .run(BootstrapCommand {
                admin_email: ROOT.to_owned(),
                admin_password: Some(SecretString::from(PASSWORD)),
                organization_name: "Headquarters".to_owned(),
            })
            .await
            .unwrap();
        assert!(first.is_some(), "an empty database is bootstrapped");
        let home = organization(&services, "Home", ADMIN).await;
        let away = organization(&services, "Away", FOREIGN_ADMIN).await;
        for (email, role, organization) in [
            (ADMIN, Role::OrgAdmin, home),
            (USER, Role::OrgUser, home),
            (FOREIGN_ADMIN, Role::OrgAdmin, away),
            (FOREIGN_USER, Role::OrgUser, away),
        ] {
            account(&services, email, role, organization).await;
        }
        let readiness = Readiness::ready();
        let state = ApiState::from(ApiParts {
            services: services.clone(),
            config: setup.api,
            metrics: Some(
                voxgate_api::recorder_builder()
                    .unwrap()
                    .build_recorder()
                    .handle(),
            ),
            readiness: readiness.clone(),
        });
        Self {
            router: router(state),
            services,
            readiness,
            engine,
            home,
            away,
            outbox,
            _directory: directory,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let mut request = request;
        let peer: SocketAddr = "192.0.2.1:4711".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map(|body| body.to_bytes().to_vec())
            .unwrap_or_default();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// Logs in and answers the token.
    pub async fn login(&self, email: &str) -> String {
        self.login_with(email, PASSWORD).await
    }

    pub async fn login_with(&self, email: &str, password: &str) -> String {
        let fields = [("username", email), ("password", password)];
        let reply = self.send(post("/auth/jwt/login").form(&fields)).await;
        assert_eq!(reply.status, StatusCode::OK, "{email}: {}", reply.text());
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Makes an API key over HTTP; answers its id and its secret.
    pub async fn key(&self, token: &str, body: &Value) -> (String, String) {
        let reply = self
            .send(post("/admin/v1/keys").token(token).json(body))
            .await;
        assert_eq!(
            reply.status,
            StatusCode::CREATED,
            "{body}: {}",
            reply.text()
        );
        let made = reply.json();
        (
            made["key"]["id"].as_str().unwrap().to_owned(),
            made["secret"].as_str().unwrap().to_owned(),
        )
    }

    /// Sends a request that must have this status, and answers its body.
    pub async fn expect(&self, status: u16, request: Request<Body>) -> Value {
        let what = format!("{} {}", request.method(), request.uri());
        let reply = self.send(request).await;
        assert_eq!(reply.status.as_u16(), status, "{what}: {}", reply.text());
        if reply.body.is_empty() {
            Value::Null
        } else {
            reply.json()
        }
    }

    /// [`World::expect`] for answers that need not be JSON.
    pub async fn expect_status(&self, status: u16, request: Request<Body>) -> Reply {
        let what = format!("{} {}", request.method(), request.uri());
        let reply = self.send(request).await;
        assert_eq!(reply.status.as_u16(), status, "{what}: {}", reply.text());
        reply
    }

    pub async fn user_id(&self, email: &str) -> UserId {
        self.services
            .identity()
            .user_by_email(&Principal::operator(), email)
            .await
            .unwrap()
            .id
    }

    /// Waits for a message of this kind to this address and answers the token in its link.
    pub async fn mailed_token(&self, kind: &str, to: &str) -> String {
        for _ in 0..400 {
            if let Some(token) = self.find_token(kind, to) {
                return token;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no {kind} message to {to} in {}", self.outbox.display());
    }

    fn find_token(&self, kind: &str, to: &str) -> Option<String> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.outbox)
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        files.sort();
        let link = regex::Regex::new(r"(?:token=|/invitations/)([A-Za-z0-9_.-]+)").unwrap();
        files
            .iter()
            .rev()
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .filter(|path| path.to_string_lossy().contains(kind))
            .find_map(|path| {
                let text = std::fs::read_to_string(path).ok()?;
                // Undo quoted-printable as far as links need it.
                let text = text.replace("=\r\n", "").replace("=3D", "=");
                text.contains(&format!("To: {to}"))
                    .then(|| link.captures(&text).map(|found| found[1].to_owned()))?
            })
    }
}

async fn organization(services: &Services, name: &str, admin_email: &str) -> OrgId {
    let command = CreateOrg {
        name: name.to_owned(),
        admin_email: admin_email.to_owned(),
        ..CreateOrg::default()
    };
    services
        .orgs()
        .create(&Principal::operator(), command)
        .await
        .unwrap()
        .id
}

async fn account(services: &Services, email: &str, role: Role, organization: OrgId) {
    let command = CreateUserCommand {
        email: email.to_owned(),
        password: Some(SecretString::from(PASSWORD)),
        full_name: None,
        role,
        organization_id: Some(organization),
    };
    services
        .identity()
        .create_user(&Principal::operator(), command)
        .await
        .unwrap();
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body with ids, tokens and times replaced by words.
    pub fn redacted(&self) -> String {
        let mut text = self.text();
        for (pattern, word) in [
            (
                r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
                "<jwt>",
            ),
            (
                r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
                "<uuid>",
            ),
            (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", "<time>"),
        ] {
            text = regex::Regex::new(pattern)
                .unwrap()
                .replace_all(&text, word)
                .into_owned();
        }
        text
    }
}

/// A request being built.
pub struct Build {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
}

pub fn request(method: Method, path: &str) -> Build {
    Build {
        method,
        path: path.to_owned(),
        headers: Vec::new(),
    }
}

pub fn get(path: &str) -> Build {
    request(Method::GET, path)
}

pub fn post(path: &str) -> Build {
    request(Method::POST, path)
}

pub fn patch(path: &str) -> Build {
    request(Method::PATCH, path)
}

pub fn put(path: &str) -> Build {
    request(Method::PUT, path)
}

pub fn delete(path: &str) -> Build {
    request(Method::DELETE, path)
}

impl Build {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn empty(self) -> Request<Body> {
        self.bytes(Vec::new())
    }

    pub fn json(self, body: &Value) -> Request<Body> {
        self.header("content-type", "application/json")
            .bytes(body.to_string().into_bytes())
    }

    pub fn raw_json(self, body: &str) -> Request<Body> {
        self.header("content-type", "application/json")
            .bytes(body.as_bytes().to_vec())
    }

    pub fn form(self, fields: &[(&str, &str)]) -> Request<Body> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.header("content-type", "application/x-www-form-urlencoded")
            .bytes(body.into_bytes())
    }

    pub fn bytes(self, body: Vec<u8>) -> Request<Body> {
        let mut builder = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header("host", "voxgate.example");
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        builder.body(Body::from(body)).unwrap()
    }
}

/// A session token signed with any claims and key.
pub fn signed(claims: &Value, key: &[u8]) -> String {
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    jsonwebtoken::encode(
        &header,
        claims,
        &jsonwebtoken::EncodingKey::from_secret(key),
    )
    .unwrap()
}

/// Seconds since the epoch, some seconds from now.
pub fn in_seconds(offset: i64) -> Value {
    json!(SystemClock::new().now().as_secs() + offset)
}
