//! Organisations: the tenants, who may see and change them, and their members.

mod error;
mod limits;
mod types;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use voxgate_domain::{
    EmailAddress, LimitSet, OrgId, OrgLimits, OrgStatus, Page, Paged, Patch, Role, Timestamp, User,
};
use voxgate_store::limit_rows::OwnLimits;
use voxgate_store::orgs::OrgRow;
use voxgate_store::{orgs, users};

use crate::audit::{self, Actor};
use crate::core::Core;
use crate::identity::checked_name;
use crate::invitations::issue;
use crate::plans::effective;
use crate::{Fault, Principal};
pub use error::OrgError;
pub(crate) use limits::{effective_limits, org_event};
pub use types::{CreateOrg, ListOrgs, Organization, UpdateOrg};

/// The longest settings object, as JSON text.
const MAX_SETTINGS_BYTES: usize = 64 * 1024;
/// The longest domain name.
const MAX_DOMAIN_BYTES: usize = 253;

/// The organisation use cases.
#[derive(Clone)]
pub struct Orgs {
    core: Arc<Core>,
}

impl Orgs {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// All organisations for system administrators, the own one for others.
    ///
    /// # Errors
    /// [`OrgError::Fault`].
    pub fn list<'a>(
        &'a self,
        principal: &'a Principal,
        query: ListOrgs,
    ) -> BoxFuture<'a, Result<Paged<Organization>, OrgError>> {
        Box::pin(async move {
            let db = &self.core.db;
            let (rows, total) = if principal.is_system_admin() {
                orgs::list_any_org(db, query.status, query.page).await?
            } else {
                let own = match principal.organization_id() {
                    Some(id) => orgs::get(db, id).await?,
                    None => None,
                };
                let own: Vec<OrgRow> = own
                    .into_iter()
                    .filter(|own| query.status.is_none_or(|status| status == own.status))
                    .collect();
                let total = own.len() as u64;
                let skip = usize::try_from(query.page.offset).unwrap_or(usize::MAX);
                (own.into_iter().skip(skip).collect(), total)
            };
            let plans = limits::plan_limits(db, &rows).await?;
            let items = rows
                .into_iter()
                .map(|row| {
                    let plan = row.plan_id.and_then(|id| plans.get(&id)).copied();
                    organization(row, &plan.unwrap_or_default())
                })
                .collect::<Result<_, Fault>>()?;
            Ok(Paged { items, total })
        })
    }

    /// Creates an organisation and invites its first administrator by mail, in one transaction; system administrators
    /// only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `InvalidEmail` and `AdminEmailTaken` (of `admin_email`).
    pub fn create<'a>(
        &'a self,
        principal: &'a Principal,
        command: CreateOrg,
    ) -> BoxFuture<'a, Result<Organization, OrgError>> {
        Box::pin(async move {
            if !principal.is_system_admin() {
                return Err(OrgError::Forbidden);
            }
            let core = &self.core;
            let admin = EmailAddress::parse(&command.admin_email, core.config.email)?;
            let (actor, now) = (Actor::from(principal), core.now());
            let mut row = new_row(
                name(&command.name)?,
                command.domain.as_deref().map(domain).transpose()?,
                admin.as_str(),
                core.config.default_limits,
                now,
            );
            row.plan_id = command.plan_id;
            limits::apply(&mut row, &limits::of_new(&command))?;
            let invited_by = principal.user_id();
            let issued = issue(core, &row, &admin, Role::OrgAdmin, invited_by);
            let (row, plan) = core
                .db
                .write(move |tx| {
                    let (row, issued, admin_key) = (row.clone(), issued.clone(), admin.key());
                    async move {
                        if users::get_by_email_any_org_in(tx, &admin_key)
                            .await?
                            .is_some()
                        {
                            return Err(OrgError::AdminEmailTaken);
                        }
                        let plan = limits::plan_limits_in(tx, row.plan_id).await?;
                        orgs::insert(tx, &row).await?;
                        let event = org_event("organization.create", None, &row);
                        audit::record(tx, actor, event, now).await?;
                        issued.store(tx, actor, now).await?;
                        Ok((row, plan))
                    }
                    .boxed()
                })
                .await?;
            core.mail_waiting.notify_one();
            tracing::info!(org.id = %row.id, "organisation created");
            Ok(organization(row, &plan)?)
        })
    }

    /// One organisation; its members and system administrators.
    ///
    /// # Errors
    /// `NotFound`, also for a foreign one.
    pub fn get<'a>(
        &'a self,
        principal: &'a Principal,
        id: OrgId,
    ) -> BoxFuture<'a, Result<Organization, OrgError>> {
        Box::pin(async move {
            if !principal.may_see(id) {
                return Err(OrgError::NotFound);
            }
            let db = &self.core.db;
            let row = orgs::get(db, id).await?.ok_or(OrgError::NotFound)?;
            let plans = limits::plan_limits(db, std::slice::from_ref(&row)).await?;
            let plan = row.plan_id.and_then(|id| plans.get(&id)).copied();
            Ok(organization(row, &plan.unwrap_or_default())?)
        })
    }

    /// Changes an organisation. Its administrators may change name, domain and settings; system administrators everything.
    /// A field that the caller may not change refuses the whole, even where its value would stay the same.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`.
    pub fn update<'a>(
        &'a self,
        principal: &'a Principal,
        id: OrgId,
        change: UpdateOrg,
    ) -> BoxFuture<'a, Result<Organization, OrgError>> {
        Box::pin(async move {
            if !principal.may_see(id) {
                return Err(OrgError::NotFound);
            }
            let reserved = change.domain_verified.is_some()
                || change.status.is_some()
                || change.daily_word_limit.is_some()
                || change.monthly_word_limit.is_some()
                || change.rate_limit_per_minute.is_some()
                || change.plan_id.is_mentioned()
                || !change.limits.is_empty();
            if !principal.may_administer(id) || (reserved && !principal.is_system_admin()) {
                return Err(OrgError::Forbidden);
            }
            let change = checked(change)?;
            let (actor, now) = (Actor::from(principal), self.core.now());
            let result = self
                .core
                .db
                .write(move |tx| {
                    let change = change.clone();
                    async move {
                        let before = orgs::get_in(tx, id).await?.ok_or(OrgError::NotFound)?;
                        let mut after = applied(before.clone(), change)?;
                        let plan = limits::plan_limits_in(tx, after.plan_id).await?;
                        if after != before {
                            after.updated_at = now;
                            orgs::update(tx, &after).await?;
                            let event = org_event("organization.update", Some(&before), &after);
                            audit::record(tx, actor, event, now).await?;
                        }
                        Ok::<_, OrgError>((after, plan))
                    }
                    .boxed()
                })
                .await;
            self.core.credentials.forget_after(&result);
            let (row, plan) = result?;
            Ok(organization(row, &plan)?)
        })
    }

    /// The members of an organisation, oldest first; its administrators and system administrators.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub fn members<'a>(
        &'a self,
        principal: &'a Principal,
        id: OrgId,
        page: Page,
    ) -> BoxFuture<'a, Result<Paged<User>, OrgError>> {
        Box::pin(async move {
            if !principal.may_see(id) || orgs::get(&self.core.db, id).await?.is_none() {
                return Err(OrgError::NotFound);
            }
            if !principal.may_administer(id) {
                return Err(OrgError::Forbidden);
            }
            let (items, total) = users::list(&self.core.db, id, page).await?;
            Ok(Paged { items, total })
        })
    }
}

/// A new, active organisation.
pub(crate) fn new_row(
    name: String,
    domain: Option<String>,
    admin_email: &str,
    limits: OrgLimits,
    now: Timestamp,
) -> OrgRow {
    OrgRow {
        id: OrgId::generate(),
        name,
        domain,
        domain_verified: false,
        status: OrgStatus::Active,
        admin_email: admin_email.to_owned(),
        limits,
        own_limits: OwnLimits::default(),
        plan_id: None,
        settings: "{}".into(),
        created_at: now,
        updated_at: now,
    }
}

#[derive(Clone)]
struct Checked {
    name: Option<String>,
    domain: Patch<String>,
    settings: Option<String>,
    other: UpdateOrg,
}

fn checked(change: UpdateOrg) -> Result<Checked, OrgError> {
    let domain = match &change.domain {
        Patch::Set(text) => Patch::Set(domain(text)?),
        Patch::Clear => Patch::Clear,
        Patch::Keep => Patch::Keep,
    };
    let settings = match &change.settings {
        Patch::Keep => None,
        Patch::Clear => Some("{}".to_owned()),
        Patch::Set(settings) => Some(settings_text(settings)?),
    };
    Ok(Checked {
        name: change.name.as_deref().map(name).transpose()?,
        domain,
        settings,
        other: change,
    })
}

fn applied(mut row: OrgRow, change: Checked) -> Result<OrgRow, OrgError> {
    let other = change.other;
    limits::apply(&mut row, &limits::of_change(&other))?;
    row.plan_id = other.plan_id.apply(row.plan_id);
    if let Some(name) = change.name {
        row.name = name;
    }
    if change.domain.is_mentioned() {
        let domain = change.domain.apply(None);
        if domain != row.domain {
            row.domain = domain;
            row.domain_verified = false;
        }
    }
    row.domain_verified = other.domain_verified.unwrap_or(row.domain_verified);
    row.status = other.status.unwrap_or(row.status);
    if let Some(settings) = change.settings {
        row.settings = settings;
    }
    Ok(row)
}

fn name(text: &str) -> Result<String, OrgError> {
    checked_name(text)
        .and_then(|name| name.ok_or_else(|| "must not be empty".into()))
        .map_err(|reason| OrgError::Invalid {
            field: "name",
            reason,
        })
}

fn domain(text: &str) -> Result<String, OrgError> {
    let domain = text.trim().to_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    if domain.len() > MAX_DOMAIN_BYTES || !domain.split('.').all(label) {
        return Err(OrgError::Invalid {
            field: "domain",
            reason: "must be a domain name such as example.com".into(),
        });
    }
    Ok(domain)
}

fn settings_text(settings: &Map<String, Value>) -> Result<String, OrgError> {
    let text = serde_json::to_string(settings)
        .map_err(|error| Fault::Internal(format!("writing settings: {error}")))?;
    if text.len() > MAX_SETTINGS_BYTES {
        return Err(OrgError::Invalid {
            field: "settings",
            reason: format!("must be at most {MAX_SETTINGS_BYTES} bytes of JSON"),
        });
    }
    Ok(text)
}

fn organization(row: OrgRow, plan: &LimitSet) -> Result<Organization, Fault> {
    let settings = serde_json::from_str(&row.settings).map_err(|error| {
        Fault::Internal(format!("settings of organisation {}: {error}", row.id))
    })?;
    let own_limits = effective::own(&row.limits, &row.own_limits);
    let all_limits = own_limits.or(plan);
    Ok(Organization {
        id: row.id,
        name: row.name,
        domain: row.domain,
        domain_verified: row.domain_verified,
        status: row.status,
        admin_email: row.admin_email,
        plan_id: row.plan_id,
        limits: effective::classic_limits(&all_limits),
        own_limits,
        all_limits,
        settings,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn domains_are_lowered_and_checked() {
        assert_eq!(domain(" Example.COM ").unwrap(), "example.com");
        assert_eq!(domain("intranet").unwrap(), "intranet");
        for bad in ["", "a..b", "-a.com", "a b.com", "http://a.com", "a.com/"] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }
}
