//! `POST /invitations/{token}/accept`: from the page's form or from a program.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use voxgate_services::invitations::{self, InvitationError};

use super::super::NAME_MAX;
use super::super::error::ToRefused;
use super::super::types::UserRead;
use super::page::{ASK_AGAIN, form};
use super::{TAG, TokenPath};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{new_password, optional, required, text};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Content, Description};
use crate::output::Shown;
use crate::page::{escape, page, refusal_page, wants_page};
use crate::refused::{Refused, json_response};

input! {
    /// What the invited person chooses.
    pub struct InvitationAccept as "InvitationAccept", Style::ModelOrForm; {
        /// The password of the new account.
        password: String = required(new_password()),
        /// The name shown to others.
        full_name: Option<String> = optional(text().max(NAME_MAX).one_line()),
    }
}

/// Creates the invited person's account.
#[derive(Debug)]
pub struct AcceptInvitation;

impl Endpoint for AcceptInvitation {
    type Path = TokenPath;
    type Query = Nothing;
    type Body = InvitationAccept;

    fn describe() -> Description {
        Description {
            summary: "Accept an invitation",
            details: "Creates the account; its address counts as verified. Works once per invitation. Forms are answered with pages, JSON with JSON.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::CREATED, "The account.", UserRead::schema),
                Answer::empty(StatusCode::OK, "The account, as a page.").or(Content::Html),
                Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "The invitation cannot be used any more, or the password is too weak.",
                ),
                Answer::refusal(StatusCode::NOT_FOUND, "No such invitation."),
                Answer::refusal(
                    StatusCode::CONFLICT,
                    "The address has an account, or the organization is closed.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let as_page = wants_page(&call.headers);
        let service = call.state.services.invitations();
        let typed_name = call.body.full_name.unwrap_or_default();
        let command = invitations::AcceptInvitation {
            token: SecretString::from(call.path.token.clone()),
            password: SecretString::from(call.body.password),
            full_name: Some(typed_name.clone()).filter(|name| !name.trim().is_empty()),
        };
        match service.accept(command).await {
            Ok(user) if as_page => Ok(welcome(&user.email)),
            Ok(user) => Ok(json_response(StatusCode::CREATED, &UserRead::from(user))),
            Err(InvitationError::InvalidPassword(error)) if as_page => {
                // The form again, with the reason, so that the person need not find the mail again.
                let preview = service
                    .preview(&call.path.token)
                    .await
                    .map_err(ToRefused::to_refused)?;
                Ok(form(
                    StatusCode::BAD_REQUEST,
                    &preview,
                    Some(&error.reason),
                    &typed_name,
                ))
            }
            Err(error) => Err(error.to_refused()),
        }
    }

    fn refuse(headers: &HeaderMap, refused: Refused) -> Response {
        if wants_page(headers) {
            refusal_page(&refused, ASK_AGAIN)
        } else {
            refused.into_response()
        }
    }
}

fn welcome(email: &str) -> Response {
    let body = format!(
        "<p>Your account <strong>{}</strong> is ready. You can log in now with the password you chose.</p>\n\
         <p><a href=\"/\">Start here</a></p>",
        escape(email)
    );
    page(StatusCode::OK, "Welcome", &body)
}
