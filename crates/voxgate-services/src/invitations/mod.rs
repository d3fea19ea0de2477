//! Invitations into organisations: a link by mail, good for one account.

mod error;
mod types;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use voxgate_domain::{
    EmailAddress, Invitation, InvitationId, InvitationStatus, OrgStatus, Paged, Role, Timestamp,
    User, UserId,
};
use voxgate_store::invitations::{self, InvitationFilter};
use voxgate_store::orgs::{self, OrgRow};
use voxgate_store::{StoreError, Tx, users};

use crate::Principal;
use crate::audit::{self, Actor, AuditEvent, Changes};
use crate::core::Core;
use crate::identity::{NewPasswordError, account_event, checked_name};
use crate::mail::letters::Letter;
use crate::secrets::random_token;
pub use error::InvitationError;
pub use types::{AcceptInvitation, CreateInvitation, InvitationPreview, ListInvitations};

/// The invitation use cases.
#[derive(Clone)]
pub struct Invitations {
    core: Arc<Core>,
}

impl Invitations {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Invites somebody by mail. The link goes nowhere but into the mail. An open invitation of the same address into the
    /// same organisation is revoked: the newest one counts.
    ///
    /// # Errors
    /// `Forbidden`, `OrganizationNotFound`, `OrganizationInactive`, `InvalidEmail`, `EmailTaken`.
    pub fn create<'a>(
        &'a self,
        principal: &'a Principal,
        command: CreateInvitation,
    ) -> BoxFuture<'a, Result<Invitation, InvitationError>> {
        Box::pin(async move {
            let core = &self.core;
            let organization = command
                .organization_id
                .or(principal.organization_id())
                .filter(|&id| principal.may_see(id))
                .ok_or(InvitationError::OrganizationNotFound)?;
            if !principal.may_administer(organization) || !principal.rank().may_grant(command.role)
            {
                return Err(InvitationError::Forbidden);
            }
            let email = EmailAddress::parse(&command.email, core.config.email)?;
            let org = orgs::get(&core.db, organization)
                .await?
                .ok_or(InvitationError::OrganizationNotFound)?;
            if org.status == OrgStatus::Inactive {
                return Err(InvitationError::OrganizationInactive);
            }
            let issued = issue(core, &org, &email, command.role, principal.user_id());
            let (actor, now) = (Actor::from(principal), core.now());
            let invitation = core
                .db
                .write(move |tx| {
                    let (issued, email_key) = (issued.clone(), email.key());
                    async move {
                        if users::get_by_email_any_org_in(tx, &email_key)
                            .await?
                            .is_some()
                        {
                            return Err(InvitationError::EmailTaken);
                        }
                        invitations::revoke_open(tx, organization, &email_key, now).await?;
                        issued.store(tx, actor, now).await?;
                        Ok(issued.invitation)
                    }
                    .boxed()
                })
                .await?;
            core.mail_waiting.notify_one();
            tracing::info!(org.id = %organization, invitation.id = %invitation.id, "invitation created");
            Ok(invitation)
        })
    }

    /// Invitations, newest first: all for system administrators, the own organisation's for its administrators, those
    /// sent to the own address for others.
    ///
    /// # Errors
    /// `OrganizationNotFound` for a foreign `organization_id`.
    pub fn list<'a>(
        &'a self,
        principal: &'a Principal,
        query: ListInvitations,
    ) -> BoxFuture<'a, Result<Paged<Invitation>, InvitationError>> {
        Box::pin(async move {
            let core = &self.core;
            let mut filter = InvitationFilter {
                organization: query.organization_id,
                email_key: None,
                status: query.status,
            };
            if let Some(id) = query.organization_id
                && !principal.may_see(id)
            {
                return Err(InvitationError::OrganizationNotFound);
            }
            match (principal.rank(), principal.organization_id()) {
                (Role::SystemAdmin, _) => {}
                (Role::OrgAdmin, Some(own)) => filter.organization = Some(own),
                (Role::OrgAdmin | Role::OrgUser, _) => {
                    filter.email_key = Some(self.own_email_key(principal).await?);
                }
            }
            let (items, total) =
                invitations::list_any_org(&core.db, &filter, core.now(), query.page).await?;
            Ok(Paged { items, total })
        })
    }

    async fn own_email_key(&self, principal: &Principal) -> Result<String, InvitationError> {
        let id = principal.user_id().ok_or(InvitationError::Forbidden)?;
        let account = users::get_any_org(&self.core.db, id)
            .await?
            .ok_or(InvitationError::Forbidden)?;
        Ok(EmailAddress::key_of(&account.user.email))
    }

    /// The moment against which [`Invitation::status`] is to be taken.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.now()
    }

    /// What the holder of a link may see before accepting.
    ///
    /// # Errors
    /// `NotFound`, `Expired`, `AlreadyAccepted`, `Revoked`, `OrganizationInactive`.
    pub fn preview<'a>(
        &'a self,
        token: &'a str,
    ) -> BoxFuture<'a, Result<InvitationPreview, InvitationError>> {
        Box::pin(async move {
            let core = &self.core;
            let invitation = invitations::get_by_token(&core.db, &core.hashes.invitation(token))
                .await?
                .ok_or(InvitationError::NotFound)?;
            require_open(&invitation, core.now())?;
            let org = orgs::get(&core.db, invitation.organization_id)
                .await?
                .ok_or(InvitationError::NotFound)?;
            if org.status == OrgStatus::Inactive {
                return Err(InvitationError::OrganizationInactive);
            }
            Ok(InvitationPreview {
                email: invitation.email,
                role: invitation.role,
                organization_name: org.name,
                expires_at: invitation.expires_at,
            })
        })
    }

    /// Creates the account; its address counts as verified. Succeeds once per invitation, however many try at once.
    ///
    /// # Errors
    /// `NotFound`, `Expired`, `AlreadyAccepted`, `Revoked`, `InvalidPassword`, `EmailTaken`, `OrganizationInactive`.
    pub fn accept<'a>(
        &'a self,
        command: AcceptInvitation,
    ) -> BoxFuture<'a, Result<User, InvitationError>> {
        Box::pin(async move {
            let core = &self.core;
            let token_hash = core.hashes.invitation(command.token.expose_secret());
            // Looked at before the hash is computed, so that a worthless token costs nothing; decided in the transaction.
            let invitation = invitations::get_by_token(&core.db, &token_hash)
                .await?
                .ok_or(InvitationError::NotFound)?;
            require_open(&invitation, core.now())?;
            let full_name = command
                .full_name
                .as_deref()
                .map(checked_name)
                .transpose()
                .map_err(|reason| InvitationError::Invalid {
                    field: "full_name",
                    reason,
                })?
                .flatten();
            let hash = core
                .hash_new_password(&command.password, &invitation.email)
                .await?;
            let now = core.now();
            let user = core
                .db
                .write(move |tx| {
                    let (token_hash, hash, full_name) =
                        (token_hash.clone(), hash.clone(), full_name.clone());
                    async move {
                        let invitation = invitations::get_by_token_in(tx, &token_hash)
                            .await?
                            .ok_or(InvitationError::NotFound)?;
                        require_open(&invitation, now)?;
                        let org = orgs::get_in(tx, invitation.organization_id)
                            .await?
                            .ok_or(InvitationError::NotFound)?;
                        if org.status == OrgStatus::Inactive {
                            return Err(InvitationError::OrganizationInactive);
                        }
                        if !invitations::accept(tx, invitation.id, now).await? {
                            return Err(InvitationError::AlreadyAccepted);
                        }
                        let user = User {
                            id: UserId::generate(),
                            email: invitation.email.clone(),
                            full_name,
                            role: invitation.role,
                            organization_id: Some(invitation.organization_id),
                            is_active: true,
                            is_verified: true,
                            created_at: now,
                            updated_at: now,
                        };
                        let email_key = EmailAddress::key_of(&invitation.email);
                        if !users::insert(tx, &user, &email_key, &hash).await? {
                            return Err(InvitationError::EmailTaken);
                        }
                        let actor = Actor::user(user.id);
                        let accepted = event("invitation.accept", &invitation, Changes::new());
                        audit::record(tx, actor, accepted, now).await?;
                        let made = account_event("user.create", None, Some(&user), false);
                        audit::record(tx, actor, made, now).await?;
                        Ok(user)
                    }
                    .boxed()
                })
                .await?;
            tracing::info!(user.id = %user.id, "invitation accepted");
            Ok(user)
        })
    }

    /// Withdraws an invitation that was not accepted yet. Withdrawing twice is no error.
    ///
    /// # Errors
    /// `NotFound`, also for a foreign one; `Forbidden`, `AlreadyAccepted`.
    pub fn revoke<'a>(
        &'a self,
        principal: &'a Principal,
        id: InvitationId,
    ) -> BoxFuture<'a, Result<(), InvitationError>> {
        Box::pin(async move {
            let (caller, now) = (principal.clone(), self.core.now());
            self.core
                .db
                .write(move |tx| {
                    let caller = caller.clone();
                    async move {
                        let invitation = invitations::get_any_org_in(tx, id)
                            .await?
                            .filter(|invitation| caller.may_see(invitation.organization_id))
                            .ok_or(InvitationError::NotFound)?;
                        if !caller.may_administer(invitation.organization_id) {
                            return Err(InvitationError::Forbidden);
                        }
                        if invitation.accepted_at.is_some() {
                            return Err(InvitationError::AlreadyAccepted);
                        }
                        let was_open = invitation.revoked_at.is_none();
                        invitations::revoke(tx, id, now).await?;
                        if was_open {
                            let changes = Changes::new().field(
                                "revoked_at",
                                serde_json::Value::Null,
                                audit::moment(Some(now)),
                            );
                            let event = event("invitation.revoke", &invitation, changes);
                            audit::record(tx, &caller, event, now).await?;
                        }
                        Ok(())
                    }
                    .boxed()
                })
                .await
        })
    }
}

fn require_open(invitation: &Invitation, now: Timestamp) -> Result<(), InvitationError> {
    match invitation.status(now) {
        InvitationStatus::Pending => Ok(()),
        InvitationStatus::Accepted => Err(InvitationError::AlreadyAccepted),
        InvitationStatus::Expired => Err(InvitationError::Expired),
        InvitationStatus::Revoked => Err(InvitationError::Revoked),
    }
}

/// A new invitation with its letter, ready to be stored.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) invitation: Invitation,
    email_key: String,
    token_hash: Vec<u8>,
    letter: Letter,
}

/// Makes an invitation; nothing is stored yet.
pub(crate) fn issue(
    core: &Core,
    org: &OrgRow,
    email: &EmailAddress,
    role: Role,
    invited_by: Option<UserId>,
) -> Issued {
    let now = core.now();
    let token = random_token();
    let expires_at = now.saturating_add(core.config.invitations.lifetime);
    let letter = Letter::invitation(
        &core.config.public_base_url,
        email.as_str(),
        &org.name,
        &token,
        expires_at,
    );
    Issued {
        invitation: Invitation {
            id: InvitationId::generate(),
            organization_id: org.id,
            email: email.as_str().to_owned(),
            role,
            invited_by,
            created_at: now,
            expires_at,
            accepted_at: None,
            revoked_at: None,
        },
        email_key: email.key(),
        token_hash: core.hashes.invitation(&token),
        letter,
    }
}

impl Issued {
    /// Stores the invitation and queues its letter.
    pub(crate) async fn store(
        &self,
        tx: &mut Tx<'_>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let invitation = &self.invitation;
        invitations::insert(tx, invitation, &self.email_key, &self.token_hash).await?;
        let nothing = serde_json::Value::Null;
        let changes = Changes::new()
            .field("email", nothing.clone(), invitation.email.clone())
            .field("role", nothing, invitation.role.as_str());
        let event = event("invitation.create", invitation, changes);
        audit::record(tx, actor, event, now).await?;
        self.letter.queue(tx, now).await
    }
}

fn event(action: &'static str, invitation: &Invitation, changes: Changes) -> AuditEvent {
    AuditEvent {
        organization: Some(invitation.organization_id),
        action,
        target_kind: "invitation",
        target_id: invitation.id.to_string(),
        changes: changes.into(),
    }
}

impl From<NewPasswordError> for InvitationError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Invalid(error) => Self::InvalidPassword(error),
            NewPasswordError::Busy => Self::Busy,
            NewPasswordError::Fault(fault) => Self::Fault(fault),
        }
    }
}
