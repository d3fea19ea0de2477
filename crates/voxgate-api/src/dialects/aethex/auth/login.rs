//! `POST /auth/jwt/login`

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use voxgate_services::identity::LoginCommand;

use super::super::error::ToRefused;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, free_text, optional, password, required};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::{Shown, output};
use crate::refused::{Refused, json_response};

input! {
    /// The password form of OAuth 2.
    pub struct LoginForm as "Body_auth_jwt_login_auth_jwt_login_post", Style::Form; {
        /// `password`, where it is sent at all.
        grant_type: Option<String> = optional(free_text().exactly("password")),
        /// The e-mail address, in any letter case.
        username: String = required(free_text()),
        /// The password.
        password: String = required(password()),
        /// Ignored.
        scope: String = defaulted(free_text(), ""),
        /// Ignored.
        client_id: Option<String> = optional(free_text()),
        /// Ignored.
        client_secret: Option<String> = optional(password()),
    }
}

output! {
    /// An open session.
    pub struct BearerResponse {
        /// The token to send as `Authorization: Bearer …`.
        access_token: String,
        /// Always `bearer`.
        token_type: &'static str,
    }
}

/// Opens a session.
#[derive(Debug)]
pub struct Login;

impl Endpoint for Login {
    type Path = Nothing;
    type Query = Nothing;
    type Body = LoginForm;

    fn describe() -> Description {
        Description {
            summary: "Log in",
            details: "Exchanges e-mail and password for a bearer token. Logging in again is how a token is renewed.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The session's token.",
                    BearerResponse::schema,
                ),
                Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "LOGIN_BAD_CREDENTIALS or LOGIN_USER_NOT_VERIFIED.",
                ),
                Answer::refusal(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too many failed logins from this address.",
                )
                .header("Retry-After", "integer", "Seconds to wait."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let command = LoginCommand {
            // No stored address holds U+0000, and one of the databases cannot even be asked for it.
            username: call.body.username.replace('\0', "\u{fffd}"),
            password: SecretString::from(call.body.password),
            client: call.context.client,
        };
        let session = call
            .state
            .services
            .identity()
            .login(command)
            .await
            .map_err(ToRefused::to_refused)?;
        let answer = BearerResponse {
            access_token: session.token.expose_secret().to_owned(),
            token_type: "bearer",
        };
        let mut response = json_response(StatusCode::OK, &answer);
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}
