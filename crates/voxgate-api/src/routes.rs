//! Every route in one table: method, path, name, who may call it, which endpoint answers.
//!
//! The router, the published document and the access test are all made from this table; a route that is not
//! here does not exist.

mod administration;

use std::pin::Pin;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;

use voxgate_domain::EndpointClass;

use crate::dialects::aethex::{auth, invitations, organizations, tts, usage, users};
use crate::endpoint::{self, Endpoint, Matched};
use crate::extract::{DecodeOptions, FieldDoc, Input, Style};
use crate::openapi::{Description, RequestHeader};
use crate::state::{ApiState, MetricsAccess};
use crate::surface::Surface;
use crate::system;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Any active account.
    User,
    /// Any active account; with an API key only if that may use the service admin. For what passes rights on.
    Holder,
    /// Administrators: of an organisation, or of the system.
    Administrator,
    /// System administrators.
    SystemAdministrator,
}

/// What a route does with a caller whose role suffices but whose organisation is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenancy {
    /// It shows everybody their own, or belongs to no organisation.
    Own,
    /// It names an organisation; a foreign one does not exist for the caller.
    Named,
}

/// Whether a route is in the published document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// It is.
    Documented,
    /// It is a page for people or a second way to reach a documented route.
    Hidden,
}

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// One part a route reads, as the published document needs it.
#[derive(Clone, Copy)]
pub struct Part {
    /// Name of the schema.
    pub name: &'static str,
    /// How the part arrives.
    pub style: Style,
    /// Its fields.
    pub fields: fn(&DecodeOptions) -> Vec<FieldDoc>,
}

impl Part {
    fn of<I: Input>() -> Self {
        Self {
            name: I::NAME,
            style: I::STYLE,
            fields: I::fields,
        }
    }
}

/// One route.
#[derive(Clone)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path with its placeholders.
    pub path: &'static str,
    /// What the operation id is made from.
    pub name: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What happens to callers from elsewhere.
    pub tenancy: Tenancy,
    /// What kind of request it is, as far as limits go. Of [`EndpointClass::Generation`] are those whose use case asks the
    /// gate itself.
    pub class: EndpointClass,
    /// Whether a credential may stand in the query, for clients that can set no headers.
    pub query_credential: bool,
    /// The wire format it speaks.
    pub surface: Surface,
    /// Whether it is published.
    pub listing: Listing,
    /// What the document says about it.
    pub describe: fn() -> Description,
    /// Its path, query and body.
    pub parts: [Part; 3],
    /// The headers it reads besides the credential.
    pub headers: &'static [RequestHeader],
    is_mounted: fn(&ApiState) -> bool,
    run: fn(ApiState, Matched, Request) -> Answer,
}

impl Route {
    fn of<E: Endpoint>(
        method: Method,
        path: &'static str,
        name: &'static str,
        access: Access,
    ) -> Self {
        let class = match method {
            Method::GET => EndpointClass::Read,
            Method::DELETE => EndpointClass::Delete,
            _ => EndpointClass::Other,
        };
        Self {
            method,
            path,
            name,
            access,
            tenancy: Tenancy::Own,
            class,
            query_credential: false,
            surface: E::SURFACE,
            listing: Listing::Documented,
            describe: E::describe,
            parts: [
                Part::of::<E::Path>(),
                Part::of::<E::Query>(),
                Part::of::<E::Body>(),
            ],
            headers: E::HEADERS,
            is_mounted: |_| true,
            run: |state, matched, request| Box::pin(endpoint::run::<E>(state, matched, request)),
        }
    }

    fn named(mut self) -> Self {
        self.tenancy = Tenancy::Named;
        self
    }

    /// Its use case asks the gate, with everything it is going to consume.
    fn metered(mut self) -> Self {
        self.class = EndpointClass::Generation;
        self
    }

    /// A credential may stand in the query: for WebSocket routes, whose clients in browsers can set no headers.
    #[must_use]
    pub fn with_query_credential(mut self) -> Self {
        self.query_credential = true;
        self
    }

    fn hidden(mut self) -> Self {
        self.listing = Listing::Hidden;
        self
    }

    fn only_where(mut self, is_mounted: fn(&ApiState) -> bool) -> Self {
        self.is_mounted = is_mounted;
        self
    }

    /// Whether the route exists in this installation; where not, its path answers as an unknown one does.
    pub fn exists(&self, state: &ApiState) -> bool {
        (self.is_mounted)(state)
    }

    /// `<name>_<path>_<method>`, with every character that is not a letter or digit made `_`, as FastAPI does.
    pub fn operation_id(&self) -> String {
        let word = |text: &str| -> String {
            text.chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || c == '_' {
                        c
                    } else {
                        '_'
                    }
                })
                .collect()
        };
        format!(
            "{}{}_{}",
            word(self.name),
            word(self.path),
            self.method.as_str().to_ascii_lowercase()
        )
    }

    /// Answers one request.
    pub fn answer(&self, state: ApiState, request: Request) -> Answer {
        (self.run)(
            state,
            Matched {
                template: self.path,
                access: self.access,
                class: self.class,
                query_credential: self.query_credential,
            },
            request,
        )
    }
}

/// The table. Of the routes of one path the first decides what `Allow` says, as in the reference.
pub fn table() -> Vec<Route> {
    let mut routes = vendors();
    routes.extend(administration::administration());
    routes
}

/// The vendors' dialects and what belongs to the server itself.
fn vendors() -> Vec<Route> {
    use Access::{Administrator, Public, SystemAdministrator, User};
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    let (get, post, patch, delete) = (
        || get.clone(),
        || post.clone(),
        || patch.clone(),
        || delete.clone(),
    );
    vec![
        Route::of::<auth::login::Login>(post(), "/auth/jwt/login", "auth:jwt.login", Public),
        Route::of::<auth::logout::Logout>(post(), "/auth/jwt/logout", "auth:jwt.logout", User),
        Route::of::<auth::register::Register>(
            post(),
            "/auth/register",
            "register:register",
            Public,
        )
        .only_where(|state| state.services.identity().registration_enabled()),
        Route::of::<auth::forgot_password::ForgotPassword>(
            post(),
            "/auth/forgot-password",
            "reset:forgot_password",
            Public,
        ),
        Route::of::<auth::reset_password::ResetPassword>(
            post(),
            "/auth/reset-password",
            "reset:reset_password",
            Public,
        ),
        Route::of::<auth::request_verify::RequestVerify>(
            post(),
            "/auth/request-verify-token",
            "verify:request-token",
            Public,
        ),
        Route::of::<auth::verify::Verify>(post(), "/auth/verify", "verify:verify", Public),
        // The pages behind the links in the mails.
        Route::of::<auth::verify_page::ShowVerification>(
            get(),
            "/auth/verify",
            "verify:page",
            Public,
        ),
        Route::of::<auth::reset_page::ShowReset>(
            get(),
            "/auth/reset-password",
            "reset:page",
            Public,
        ),
        Route::of::<users::me::ReadMe>(get(), "/users/me", "users:current_user", User),
        Route::of::<users::update_me::UpdateMe>(
            patch(),
            "/users/me",
            "users:patch_current_user",
            User,
        ),
        // What the reference answers because its router falls through to `/users/{id}`.
        Route::of::<users::delete_user::DeleteUser>(
            delete(),
            "/users/me",
            "users:delete_user",
            SystemAdministrator,
        )
        .hidden(),
        Route::of::<users::read_user::ReadUser>(
            get(),
            "/users/{id}",
            "users:user",
            SystemAdministrator,
        ),
        Route::of::<users::update_user::UpdateUser>(
            patch(),
            "/users/{id}",
            "users:patch_user",
            SystemAdministrator,
        ),
        Route::of::<users::delete_user::DeleteUser>(
            delete(),
            "/users/{id}",
            "users:delete_user",
            SystemAdministrator,
        ),
        Route::of::<organizations::list::ListOrganizations>(
            get(),
            "/organizations",
            "list_organizations",
            User,
        ),
        Route::of::<organizations::create::CreateOrganization>(
            post(),
            "/organizations",
            "create_organization",
            SystemAdministrator,
        ),
        Route::of::<organizations::read::ReadOrganization>(
            get(),
            "/organizations/{org_id}",
            "get_organization",
            User,
        )
        .named(),
        Route::of::<organizations::update::UpdateOrganization>(
            patch(),
            "/organizations/{org_id}",
            "update_organization",
            Administrator,
        )
        .named(),
        Route::of::<organizations::members::ListMembers>(
            get(),
            "/organizations/{org_id}/users",
            "list_organization_users",
            Administrator,
        )
        .named(),
        Route::of::<organizations::usage::ReadOrganizationUsage>(
            get(),
            "/organizations/{org_id}/usage",
            "get_organization_usage",
            Administrator,
        )
        .named(),
        Route::of::<invitations::create::CreateInvitation>(
            post(),
            "/invitations",
            "create_invitation",
            Administrator,
        ),
        Route::of::<invitations::list::ListInvitations>(
            get(),
            "/invitations",
            "list_invitations",
            User,
        ),
        Route::of::<invitations::page::ShowInvitation>(
            get(),
            "/invitations/{token}/accept",
            "show_invitation",
            Public,
        ),
        Route::of::<invitations::accept::AcceptInvitation>(
            post(),
            "/invitations/{token}/accept",
            "accept_invitation",
            Public,
        ),
        Route::of::<usage::summary::ReadUsage>(get(), "/usage", "get_usage", User),
        Route::of::<usage::requests::ListRequests>(
            get(),
            "/usage/requests",
            "list_usage_requests",
            User,
        ),
        Route::of::<tts::synthesize::Synthesize>(post(), "/tts/tts", "synthesize", User).metered(),
        Route::of::<tts::voices::ListVoices>(get(), "/tts/voices", "list_voices", User),
        Route::of::<system::health::Health>(get(), "/health", "health", Public),
        Route::of::<system::ready::Ready>(get(), "/ready", "ready", Public),
        Route::of::<system::metrics::Metrics>(get(), "/metrics", "metrics", Public)
            .hidden()
            .only_where(|state| !matches!(state.config.metrics, MetricsAccess::Off)),
        Route::of::<system::landing::Landing>(get(), "/", "landing", Public).hidden(),
        Route::of::<system::docs::Docs>(get(), "/docs", "docs", Public)
            .hidden()
            .only_where(|state| state.config.docs),
        Route::of::<system::docs::DocsAsset>(get(), "/docs/{file}", "docs_asset", Public)
            .hidden()
            .only_where(|state| state.config.docs),
        Route::of::<system::docs::Document>(get(), "/openapi.json", "openapi", Public)
            .hidden()
            .only_where(|state| state.config.docs),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_ids_are_those_of_the_reference() {
        let ids: Vec<String> = table().iter().map(Route::operation_id).collect();
        for id in [
            "auth_jwt_login_auth_jwt_login_post",
            "auth_jwt_logout_auth_jwt_logout_post",
            "verify_request_token_auth_request_verify_token_post",
            "reset_reset_password_auth_reset_password_post",
            "users_current_user_users_me_get",
            "users_patch_user_users__id__patch",
        ] {
            assert!(
                ids.iter().any(|found| found == id),
                "{id} is not among {ids:#?}"
            );
        }
    }

    #[test]
    fn no_route_is_listed_twice() {
        let mut seen = std::collections::HashSet::new();
        assert!(
            table()
                .iter()
                .all(|route| seen.insert((route.method.clone(), route.path)))
        );
    }
}
