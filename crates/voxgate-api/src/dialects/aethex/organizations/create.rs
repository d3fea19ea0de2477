//! `POST /organizations`

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::EmailAddress;
use voxgate_services::orgs::CreateOrg;

use super::super::NAME_MAX;
use super::super::error::ToRefused;
use super::super::types::OrganizationRead;
use super::{TAG, requests_per_minute, to_requests, to_words, words};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{email, host_name, optional, required, text};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// A new organisation.
    pub struct OrganizationCreate as "OrganizationCreate", Style::Model; {
        /// Its name.
        name: String = required(text().min(1).max(NAME_MAX).one_line().visible()),
        /// Its mail domain.
        domain: Option<String> = optional(host_name()),
        /// Who will administer it; an invitation is mailed there.
        admin_email: EmailAddress = required(email()),
        /// Words per UTC day; left out for the installation's default.
        daily_word_limit: Option<i64> = optional(words()),
        /// Words per UTC calendar month; left out for the installation's default.
        monthly_word_limit: Option<i64> = optional(words()),
        /// Speech requests in any 60 seconds; left out for the installation's default.
        rate_limit_per_minute: Option<i64> = optional(requests_per_minute()),
    }
}

/// Creates an organisation.
#[derive(Debug)]
pub struct CreateOrganization;

impl Endpoint for CreateOrganization {
    type Path = Nothing;
    type Query = Nothing;
    type Body = OrganizationCreate;

    fn describe() -> Description {
        Description {
            summary: "Create an organization",
            details: "For system administrators. Its first administrator is invited by mail.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::CREATED,
                    "The organization.",
                    OrganizationRead::schema,
                ),
                Answer::refusal(
                    StatusCode::CONFLICT,
                    "The administrator's address has an account elsewhere.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let command = CreateOrg {
            name: call.body.name,
            domain: call.body.domain,
            admin_email: call.body.admin_email.to_string(),
            daily_word_limit: to_words(call.body.daily_word_limit),
            monthly_word_limit: to_words(call.body.monthly_word_limit),
            rate_limit_per_minute: to_requests(call.body.rate_limit_per_minute),
            ..CreateOrg::default()
        };
        let created = call.state.services.orgs().create(&principal, command).await;
        let organization = created.map_err(ToRefused::to_refused)?;
        Ok(json_response(
            StatusCode::CREATED,
            &OrganizationRead::from(organization),
        ))
    }
}
