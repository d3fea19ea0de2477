//! `GET /invitations/{token}/accept`: the page behind the link in the mail. It works without scripts.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use voxgate_services::invitations::InvitationPreview;

use super::super::error::ToRefused;
use super::{TAG, TokenPath};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Content, Description};
use crate::page::{escape, page, refusal_page};
use crate::refused::Refused;

/// What helps a person whose link does not.
pub(super) const ASK_AGAIN: &str = "If you need a new invitation, ask the person who invited you.";

/// Shows the form.
#[derive(Debug)]
pub struct ShowInvitation;

impl Endpoint for ShowInvitation {
    type Path = TokenPath;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        let page = |status, when| {
            Answer::empty(status, when)
                .or(Content::Html)
                .or(Content::Refusal)
        };
        Description {
            summary: "The acceptance page",
            details: "A form for the invited person; programs that accept only JSON get refusals as JSON.",
            tag: TAG,
            answers: vec![
                Answer::empty(StatusCode::OK, "The page.").or(Content::Html),
                page(
                    StatusCode::BAD_REQUEST,
                    "The invitation has expired, was used, or was withdrawn.",
                ),
                page(StatusCode::NOT_FOUND, "No such invitation."),
                Answer::empty(StatusCode::UNPROCESSABLE_ENTITY, "Validation Error")
                    .or(Content::Html)
                    .or(Content::Faults),
                page(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Our fault; the log has the details under the request id.",
                ),
                page(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Busy or not available at the moment.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let preview = call
            .state
            .services
            .invitations()
            .preview(&call.path.token)
            .await;
        Ok(form(
            StatusCode::OK,
            &preview.map_err(ToRefused::to_refused)?,
            None,
            "",
        ))
    }

    fn refuse(headers: &HeaderMap, refused: Refused) -> Response {
        let only_json = headers
            .get(axum::http::header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accepted| {
                accepted.contains("application/json") && !accepted.contains("text/html")
            });
        if only_json {
            refused.into_response()
        } else {
            refusal_page(&refused, ASK_AGAIN)
        }
    }
}

/// The form, with what is wrong with the last attempt and the name that was typed then.
pub(super) fn form(
    status: StatusCode,
    preview: &InvitationPreview,
    problem: Option<&str>,
    name: &str,
) -> Response {
    let problem = problem
        .map(|problem| {
            format!(
                "<p class=\"problem\" role=\"alert\">{}</p>\n",
                escape(problem)
            )
        })
        .unwrap_or_default();
    let body = format!(
        "<p>You have been invited to join <strong>{organization}</strong> as <strong>{email}</strong>. \
         Choose a password to create your account.</p>\n{problem}\
         <form method=\"post\">\n\
         <label for=\"full_name\">Your name <small>(optional)</small></label>\n\
         <input id=\"full_name\" name=\"full_name\" autocomplete=\"name\" maxlength=\"200\" value=\"{name}\">\n\
         <label for=\"password\">Password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"8\" required>\n\
         <button type=\"submit\">Create account</button>\n</form>\n\
         <p><small>This invitation ends on {end} (UTC).</small></p>",
        organization = escape(&preview.organization_name),
        email = escape(&preview.email),
        name = escape(name),
        end = escape(&preview.expires_at.date_text()),
    );
    page(status, "Accept your invitation", &body)
}
