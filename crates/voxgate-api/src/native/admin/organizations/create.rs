//! `POST /admin/v1/organizations`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::{EmailAddress, LimitKind, PlanId};
use voxgate_services::orgs::CreateOrg;

use super::super::types::AdminOrganization;
use super::super::{NAME_MAX, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{email, host_name, optional, required, text, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::native::kinds::own_limits;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A new organisation.
    pub struct OrganizationCreate as "AdminOrganizationCreate", Style::Strict; {
        /// Its name.
        name: String = required(text().min(1).max(NAME_MAX).one_line().visible()),
        /// Its mail domain.
        domain: Option<String> = optional(host_name()),
        /// Who will administer it; an invitation is mailed there.
        admin_email: EmailAddress = required(email()),
        /// Its plan.
        plan_id: Option<Uuid> = optional(uuid()),
        /// Its own limits by name; null takes the plan's. What is left out is the plan's, or without a plan the
        /// installation's default.
        limits: Option<Vec<(LimitKind, Option<u64>)>> = optional(own_limits()),
    }
}

/// Creates an organisation.
#[derive(Debug)]
pub struct CreateOrganization;

impl Endpoint for CreateOrganization {
    type Path = Nothing;
    type Query = Nothing;
    type Body = OrganizationCreate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Create an organization",
            details: "For system administrators. Its first administrator is invited by mail.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::CREATED,
                    "The organization.",
                    AdminOrganization::schema,
                ),
                Answer::refusal(
                    StatusCode::CONFLICT,
                    "The administrator's address has an account already.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let body = &call.body;
        let command = CreateOrg {
            name: body.name.clone(),
            domain: body.domain.clone(),
            admin_email: body.admin_email.to_string(),
            plan_id: body.plan_id.map(PlanId::from),
            limits: body.limits.clone().unwrap_or_default(),
            ..CreateOrg::default()
        };
        let principal = call.principal()?;
        let created = call.state.services.orgs().create(principal, command).await;
        let organization = AdminOrganization::from(created.map_err(refuse)?);
        Ok(shown(StatusCode::CREATED, &organization))
    }
}
