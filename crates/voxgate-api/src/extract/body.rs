//! Receives a request body within its size and time limits and takes it apart by content type.
//!
//! Owns what is decided before any field is looked at: too large, too slow, not UTF-8, not JSON, not a form.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Multipart};
use axum::http::{HeaderMap, Request, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::fault::Fault;
use super::json_error;
use super::reader::{Style, not_json};

/// A body, as far as its content type says what it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// No bytes at all.
    Nothing,
    /// A JSON value.
    Json(Value),
    /// The text fields of a form; of a repeated name the last counts.
    Form(Map<String, Value>),
    /// Something this endpoint does not read; the text as far as it is text.
    Text(String),
}

/// Why a body could not be received.
#[derive(Debug)]
pub enum ReadError {
    /// Longer than the limit, in bytes.
    TooLarge(usize),
    /// It did not arrive in time.
    TooSlow,
    /// Not UTF-8, or a broken form; or the connection broke.
    Unreadable(&'static str),
    /// Not JSON.
    Fault(Box<Fault>),
}

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Longest body in bytes.
    pub max_bytes: usize,
    /// Longest time from the first to the last byte.
    pub deadline: Duration,
}

const UNPARSABLE: &str = "There was an error parsing the body";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Json,
    UrlEncoded,
    Multipart,
    Other,
}

/// JSON by its subtype; no content type at all is taken for JSON, as older clients send it.
fn media(headers: &HeaderMap) -> Media {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Media::Json;
    };
    let Ok(text) = value.to_str() else {
        return Media::Other;
    };
    let essence = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("application", subtype)) if subtype == "json" || subtype.ends_with("+json") => {
            Media::Json
        }
        Some(("application", "x-www-form-urlencoded")) => Media::UrlEncoded,
        Some(("multipart", "form-data")) => Media::Multipart,
        _ if essence.is_empty() => Media::Json,
        _ => Media::Other,
    }
}

/// Receives a body for an endpoint that reads bodies of `style`.
///
/// # Errors
/// [`ReadError`]; the body is read no further than its limit.
pub async fn receive(
    headers: &HeaderMap,
    body: Body,
    style: Style,
    limits: BodyLimits,
) -> Result<Received, ReadError> {
    if style == Style::None {
        return Ok(Received::Nothing);
    }
    let bytes = collect(headers, body, limits).await?;
    if bytes.is_empty() {
        return Ok(Received::Nothing);
    }
    match (media(headers), style) {
        (Media::Json, Style::Form) => Ok(Received::Nothing),
        (Media::Json, _) => json(&bytes),
        (Media::UrlEncoded, _) => Ok(Received::Form(urlencoded(&bytes))),
        (Media::Multipart, Style::Form | Style::ModelOrForm | Style::EmbeddedOrForm) => {
            multipart(headers, bytes).await
        }
        (Media::Multipart | Media::Other, _) => {
            Ok(Received::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
    }
}

async fn collect(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, ReadError> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| {
        usize::try_from(length).map_or(true, |length| length > limits.max_bytes)
    }) {
        return Err(ReadError::TooLarge(limits.max_bytes));
    }
    let limited = Limited::new(body, limits.max_bytes).collect();
    match tokio::time::timeout(limits.deadline, limited).await {
        Err(_) => Err(ReadError::TooSlow),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(ReadError::TooLarge(limits.max_bytes))
        }
        Ok(Err(_)) => Err(ReadError::Unreadable(UNPARSABLE)),
    }
}

/// Reads JSON; what is wrong with it is located only once it is known to be wrong.
fn json(bytes: &[u8]) -> Result<Received, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadError::Unreadable(UNPARSABLE))?;
    match serde_json::from_str(text) {
        Ok(value) => Ok(Received::Json(value)),
        Err(_) => {
            let (message, offset) = json_error::locate(text);
            Err(ReadError::Fault(Box::new(not_json(message, offset))))
        }
    }
}

fn urlencoded(bytes: &[u8]) -> Map<String, Value> {
    url::form_urlencoded::parse(bytes)
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect()
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Result<Received, ReadError> {
    let mut request = Request::new(Body::from(bytes));
    if let Some(value) = headers.get(header::CONTENT_TYPE) {
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, value.clone());
    }
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| ReadError::Unreadable("Missing boundary in multipart."))?;
    let mut fields = Map::new();
    while let Some(part) = form
        .next_field()
        .await
        .map_err(|_| ReadError::Unreadable(UNPARSABLE))?
    {
        // A file is not a text field, whatever its name.
        if part.file_name().is_some() {
            continue;
        }
        let Some(name) = part.name().map(str::to_owned) else {
            continue;
        };
        let value = part
            .bytes()
            .await
            .map_err(|_| ReadError::Unreadable(UNPARSABLE))?;
        let value = std::str::from_utf8(&value).map_err(|_| ReadError::Unreadable(UNPARSABLE))?;
        fields.insert(name, Value::String(value.to_owned()));
    }
    Ok(Received::Form(fields))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LIMITS: BodyLimits = BodyLimits {
        max_bytes: 64,
        deadline: Duration::from_secs(5),
    };

    async fn read(
        content_type: Option<&str>,
        body: &[u8],
        style: Style,
    ) -> Result<Received, ReadError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
        }
        receive(&headers, Body::from(body.to_vec()), style, LIMITS).await
    }

    #[tokio::test]
    async fn json_goes_by_subtype_and_needs_no_content_type() {
        for content_type in [
            None,
            Some("application/json"),
            Some("application/vnd.api+json; charset=utf-8"),
        ] {
            let received = read(content_type, br#"{"a":1}"#, Style::Model)
                .await
                .unwrap();
            assert_eq!(received, Received::Json(serde_json::json!({ "a": 1 })));
        }
        let received = read(Some("text/plain"), br#"{"a":1}"#, Style::Model)
            .await
            .unwrap();
        assert_eq!(received, Received::Text(r#"{"a":1}"#.into()));
    }

    #[tokio::test]
    async fn forms_arrive_both_ways() {
        let expected = Received::Form(
            serde_json::json!({ "a": "b c" })
                .as_object()
                .unwrap()
                .clone(),
        );
        let plain = read(
            Some("application/x-www-form-urlencoded"),
            b"a=x&a=b+c",
            Style::Form,
        )
        .await;
        assert_eq!(plain.unwrap(), expected);
        let parts = b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\nb c\r\n--B--\r\n";
        let multi = read(Some("multipart/form-data; boundary=B"), parts, Style::Form).await;
        assert_eq!(multi.unwrap(), expected);
    }

    #[tokio::test]
    async fn bad_bodies_are_told_apart() {
        assert!(matches!(
            read(None, b"{\"a\":\"\xff\"}", Style::Model).await,
            Err(ReadError::Unreadable(UNPARSABLE))
        ));
        assert!(matches!(
            read(None, b"{", Style::Model).await,
            Err(ReadError::Fault(_))
        ));
        assert!(matches!(
            read(None, &[b' '; 65], Style::Model).await,
            Err(ReadError::TooLarge(64))
        ));
        assert!(matches!(
            read(Some("multipart/form-data"), b"x", Style::Form).await,
            Err(ReadError::Unreadable("Missing boundary in multipart."))
        ));
    }
}
