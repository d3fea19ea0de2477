//! Requests, responses and the walk over redirects.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::{
    error::OutboundError,
    policy::{GuardedResolver, Policy},
};

/// Headers that belong to one origin and are dropped when a redirect leaves it.
const ORIGIN_BOUND: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
];

/// One outbound request.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    total_timeout: Option<Duration>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            total_timeout: None,
        }
    }

    /// A GET request.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Bounds this exchange more tightly than the policy.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.total_timeout = Some(limit);
        self
    }
}

/// The client. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct OutboundClient {
    http: reqwest::Client,
    policy: Arc<Policy>,
}

impl fmt::Debug for OutboundClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundClient")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl OutboundClient {
    /// A client under `policy`.
    ///
    /// # Errors
    /// [`OutboundError::Transport`] if the TLS set-up of the machine is unusable.
    pub fn new(policy: Policy) -> Result<Self, OutboundError> {
        let policy = Arc::new(policy);
        let mut builder = reqwest::Client::builder()
            .user_agent(&policy.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(policy.connect_timeout)
            .read_timeout(policy.idle_timeout)
            .dns_resolver(GuardedResolver::new(Arc::clone(&policy)));
        if let Some(limit) = policy.total_timeout {
            builder = builder.timeout(limit);
        }
        let http = builder
            .build()
            .map_err(|error| OutboundError::from_reqwest("this machine", &error))?;
        Ok(Self { http, policy })
    }

    /// The policy the client was made with.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Sends a request and returns once the head of the final answer is there, whatever its status.
    ///
    /// # Errors
    /// Everything [`OutboundError`] lists, except a body that is too large without saying so: that shows when reading.
    pub async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        let parsed = |error| OutboundError::InvalidUrl(format!("the URL is not valid: {error}"));
        let mut url = Url::parse(&request.url).map_err(parsed)?;
        let mut headers = request.headers;
        for _ in 0..=self.policy.max_redirects {
            self.policy.check_url(&url)?;
            let host = url.host_str().unwrap_or_default().to_owned();
            let mut sent = self
                .http
                .request(request.method.clone(), url.clone())
                .headers(headers.clone());
            if !request.body.is_empty() {
                sent = sent.body(request.body.clone());
            }
            if let Some(limit) = request.total_timeout {
                sent = sent.timeout(limit);
            }
            let answer = sent
                .send()
                .await
                .map_err(|error| OutboundError::from_reqwest(&host, &error))?;
            match redirect_target(&request.method, &url, &answer) {
                None => return Response::new(host, answer, self.policy.max_body_bytes),
                Some(next) => {
                    let next = next?;
                    if url.scheme() == "https" && next.scheme() == "http" {
                        return Err(OutboundError::InvalidUrl(format!(
                            "{host} redirected from https to http"
                        )));
                    }
                    if url.origin() != next.origin() {
                        ORIGIN_BOUND
                            .iter()
                            .for_each(|name| drop(headers.remove(name)));
                    }
                    url = next;
                }
            }
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        Err(OutboundError::TooManyRedirects {
            host,
            limit: self.policy.max_redirects,
        })
    }
}

/// Where the answer sends a GET or HEAD, if anywhere.
fn redirect_target(
    method: &Method,
    from: &Url,
    answer: &reqwest::Response,
) -> Option<Result<Url, OutboundError>> {
    let moved = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    if !moved || !(method == Method::GET || method == Method::HEAD) {
        return None;
    }
    let location = answer.headers().get(header::LOCATION)?;
    let target = location
        .to_str()
        .ok()
        .and_then(|location| from.join(location).ok());
    Some(target.ok_or_else(|| {
        OutboundError::InvalidUrl(format!(
            "{} redirected to nowhere valid",
            from.host_str().unwrap_or_default()
        ))
    }))
}

/// An answer whose body has not been read yet.
pub struct Response {
    host: String,
    inner: reqwest::Response,
    limit: u64,
    received: u64,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("host", &self.host)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Response {
    fn new(host: String, inner: reqwest::Response, limit: u64) -> Result<Self, OutboundError> {
        match inner.content_length() {
            Some(length) if length > limit => Err(OutboundError::BodyTooLarge { host, limit }),
            _ => Ok(Self {
                host,
                inner,
                limit,
                received: 0,
            }),
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The length of the body, where the server told it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.inner.content_length()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`OutboundError::BodyTooLarge`] beyond the policy's cap, or a broken or stalled connection.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutboundError> {
        let piece = self
            .inner
            .chunk()
            .await
            .map_err(|error| OutboundError::from_reqwest(&self.host, &error))?;
        self.received += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.received > self.limit {
            return Err(OutboundError::BodyTooLarge {
                host: self.host.clone(),
                limit: self.limit,
            });
        }
        Ok(piece)
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub async fn bytes(mut self) -> Result<Bytes, OutboundError> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }
}
