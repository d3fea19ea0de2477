//! A client of the REST API that says what it got and never decides by itself that something is an error.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// Longer than any answer of a test takes, so that a hung server fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// A header's text; empty where it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// This answer, if it has that status.
    ///
    /// # Errors
    /// Otherwise, with the status and the body that came instead.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(
            self.status == status,
            "expected status {status}, got {}: {}",
            self.status,
            self.text()
        );
        Ok(self)
    }
}

/// A client of one server, with or without credentials; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    base_url: String,
    http: reqwest::Client,
    token: Option<String>,
}

impl Client {
    /// Without credentials.
    ///
    /// # Panics
    /// Where TLS cannot be set up on this machine.
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .expect("a client without special settings");
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            http,
            token: None,
        }
    }

    /// With a session token or an API key.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Logs in and answers a client of that user.
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn login(&self, email: &str, password: &str) -> Result<Self> {
        let request = self
            .http
            .post(format!("{}/auth/jwt/login", self.base_url))
            .form(&[
                ("grant_type", "password"),
                ("username", email),
                ("password", password),
            ]);
        let answer = finish(request).await?.expect(200)?.json();
        let token = answer["access_token"]
            .as_str()
            .context("the login answer has no access_token")?;
        Ok(self.with_token(token))
    }

    /// Any request, with a JSON body where one is given.
    ///
    /// # Errors
    /// Where no whole answer comes.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base_url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        finish(request).await
    }

    /// `GET`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.send(Method::POST, path, Some(&body)).await
    }

    /// `PATCH` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn patch(&self, path: &str, body: Value) -> Result<Answer> {
        self.send(Method::PATCH, path, Some(&body)).await
    }

    /// Speaks a text with everything else left to the server's defaults, as a small WAV file.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn speak(&self, text: &str) -> Result<Answer> {
        self.post(
            "/tts/tts",
            json!({"text": text, "audio_format": "wav", "sample_rate_hz": 8000}),
        )
        .await
    }

    /// Walks a paged list to its end.
    ///
    /// # Errors
    /// Where a page is refused or is no list.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        const PAGE: usize = 100;
        let mut rows = Vec::new();
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = self
                .get(&format!(
                    "{path}{separator}limit={PAGE}&offset={}",
                    rows.len()
                ))
                .await?
                .expect(200)?;
            let page = page
                .json()
                .as_array()
                .cloned()
                .with_context(|| format!("{path} is not a list"))?;
            let last = page.len() < PAGE;
            rows.extend(page);
            if last {
                return Ok(rows);
            }
        }
    }
}

async fn finish(request: reqwest::RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer {
        status,
        headers,
        body: response.bytes().await?,
    })
}
