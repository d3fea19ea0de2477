//! Small pages for people: escaping, the frame, and a content security policy that allows nothing but its own style.

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::refused::Refused;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}\
h1{font-size:1.6rem;line-height:1.25}\
label{display:block;margin:1rem 0 .25rem;font-weight:600}\
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem .6rem;border:1px solid #8886;border-radius:.4rem}\
button{font:inherit;margin-top:1.25rem;padding:.55rem 1.2rem;border:0;border-radius:.4rem;background:#3454d1;color:#fff;cursor:pointer}\
pre{overflow:auto;padding:.8rem;border-radius:.4rem;background:#8882}\
.problem{border-left:4px solid #c62828;padding:.25rem .8rem;background:#c6282814}\
small{opacity:.75}";

/// Makes text harmless between tags and inside quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A whole page. `title` is escaped here; `body` is HTML made of parts that were escaped.
pub fn page(status: StatusCode, title: &str, body: &str) -> Response {
    // A fresh nonce per answer: the policy then allows this style element and no other.
    let nonce = uuid::Uuid::new_v4().simple();
    let mut html = String::with_capacity(STYLE.len() + body.len() + 512);
    let written = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n",
        title = escape(title),
    );
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A refusal as a page; `advice` says what the person can do about it.
pub fn refusal_page(refused: &Refused, advice: &str) -> Response {
    let reason = match refused.detail() {
        Value::String(text) => match text.as_str() {
            "VERIFY_USER_BAD_TOKEN" | "RESET_PASSWORD_BAD_TOKEN" => {
                "This link is not valid any more."
            }
            "VERIFY_USER_ALREADY_VERIFIED" => "This e-mail address is already confirmed.",
            text => text,
        },
        Value::Object(detail) => detail
            .get("reason")
            .and_then(Value::as_str)
            .unwrap_or("The form could not be read."),
        _ => "The form could not be read. Please go back and fill it in again.",
    };
    let body = format!(
        "<p class=\"problem\" role=\"alert\">{}</p>\n<p>{}</p>",
        escape(reason),
        escape(advice)
    );
    page(refused.status, "This did not work", &body)
}

/// Whether the sender is a browser showing pages: it posts a form, or asks for HTML before JSON.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .unwrap_or_default()
    };
    let posts_form = text(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
    let accepted = text(header::ACCEPT);
    let asks_for_page = match (
        accepted.find("text/html"),
        accepted.find("application/json"),
    ) {
        (Some(html), Some(json)) => html < json,
        (html, None) => html.is_some(),
        (None, Some(_)) => false,
    };
    posts_form || asks_for_page
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escape("<a href=\"x\" onclick='y'>&"),
            "&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;"
        );
    }

    #[test]
    fn browsers_are_told_from_programs() {
        let with = |name: header::HeaderName, value: &str| {
            HeaderMap::from_iter([(name, value.parse().unwrap())])
        };
        assert!(wants_page(&with(
            header::ACCEPT,
            "text/html,application/xhtml+xml,*/*;q=0.8"
        )));
        assert!(wants_page(&with(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded"
        )));
        assert!(!wants_page(&with(
            header::ACCEPT,
            "application/json, text/html;q=0.5"
        )));
        assert!(!wants_page(&with(header::ACCEPT, "*/*")));
    }
}
