//! `GET /auth/verify`: the page behind the link in the verification mail.
//!
//! Opening it changes nothing, because mail scanners open links too; its button posts the token to `POST /auth/verify`.

use axum::http::StatusCode;
use axum::response::Response;

use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, free_text};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Content, Description};
use crate::page::{escape, page};
use crate::refused::Refused;

input! {
    /// The token from the link.
    pub struct LinkQuery as "LinkQuery", Style::Text; {
        /// The token.
        token: String = defaulted(free_text(), ""),
    }
}

/// Shows the button.
#[derive(Debug)]
pub struct ShowVerification;

impl Endpoint for ShowVerification {
    type Path = Nothing;
    type Query = LinkQuery;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "The verification page",
            details: "For people who follow the link in the mail; opening it changes nothing.",
            tag: TAG,
            answers: vec![Answer::empty(StatusCode::OK, "The page.").or(Content::Html)],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let body = format!(
            "<p>Press the button to confirm that this e-mail address is yours.</p>\n\
             <form method=\"post\" action=\"/auth/verify\">\n\
             <input type=\"hidden\" name=\"token\" value=\"{}\">\n\
             <button type=\"submit\">Confirm my address</button>\n</form>",
            escape(&call.query.token)
        );
        Ok(page(StatusCode::OK, "Confirm your e-mail address", &body))
    }
}
