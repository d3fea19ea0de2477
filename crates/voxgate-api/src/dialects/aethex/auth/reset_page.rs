//! `GET /auth/reset-password`: the page behind the link in the reset mail.

use axum::http::StatusCode;
use axum::response::Response;

use super::TAG;
use super::verify_page::LinkQuery;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Content, Description};
use crate::page::{escape, page};
use crate::refused::Refused;

/// Shows the form.
#[derive(Debug)]
pub struct ShowReset;

impl Endpoint for ShowReset {
    type Path = Nothing;
    type Query = LinkQuery;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "The password page",
            details: "For people who follow the link in the mail; opening it changes nothing.",
            tag: TAG,
            answers: vec![Answer::empty(StatusCode::OK, "The page.").or(Content::Html)],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        Ok(form(StatusCode::OK, &call.query.token, None))
    }
}

/// The form, with what is wrong with the last attempt.
pub(super) fn form(status: StatusCode, token: &str, problem: Option<&str>) -> Response {
    let problem = problem
        .map(|problem| {
            format!(
                "<p class=\"problem\" role=\"alert\">{}</p>\n",
                escape(problem)
            )
        })
        .unwrap_or_default();
    let body = format!(
        "{problem}<form method=\"post\" action=\"/auth/reset-password\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <label for=\"password\">New password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"8\" required>\n\
         <button type=\"submit\">Set password</button>\n</form>",
        token = escape(token),
    );
    page(status, "Choose a new password", &body)
}
