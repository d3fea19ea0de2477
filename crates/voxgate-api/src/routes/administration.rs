//! The routes of the administration API.

use axum::http::Method;

use super::{Access, Route};
use crate::native::admin;

/// Every route under `/admin/v1`. Access says whom the route keeps out whatever they ask for; the services decide the rest.
pub(super) fn administration() -> Vec<Route> {
    let mut routes = organizations();
    routes.extend(people_and_keys());
    routes.extend(plans_and_prices());
    routes.extend(books());
    routes
}

fn organizations() -> Vec<Route> {
    use Access::{Administrator, SystemAdministrator, User};
    use admin::{keys, limits, organizations, users};
    vec![
        Route::of::<organizations::list::ListOrganizations>(
            Method::GET,
            "/admin/v1/organizations",
            "admin_list_organizations",
            User,
        ),
        Route::of::<organizations::create::CreateOrganization>(
            Method::POST,
            "/admin/v1/organizations",
            "admin_create_organization",
            SystemAdministrator,
        ),
        Route::of::<organizations::read::ReadOrganization>(
            Method::GET,
            "/admin/v1/organizations/{org_id}",
            "admin_read_organization",
            User,
        )
        .named(),
        Route::of::<organizations::update::UpdateOrganization>(
            Method::PATCH,
            "/admin/v1/organizations/{org_id}",
            "admin_update_organization",
            Administrator,
        )
        .named(),
        Route::of::<limits::of_organization::ReadOrganizationLimits>(
            Method::GET,
            "/admin/v1/organizations/{org_id}/limits",
            "admin_read_organization_limits",
            User,
        )
        .named(),
        Route::of::<users::list::ListUsers>(
            Method::GET,
            "/admin/v1/organizations/{org_id}/users",
            "admin_list_users",
            Administrator,
        )
        .named(),
        Route::of::<keys::list::ListKeys>(
            Method::GET,
            "/admin/v1/organizations/{org_id}/keys",
            "admin_list_keys",
            User,
        )
        .named(),
    ]
}

fn people_and_keys() -> Vec<Route> {
    use Access::{Holder, SystemAdministrator, User};
    use admin::{keys, limits, users};
    vec![
        Route::of::<users::create::CreateUser>(
            Method::POST,
            "/admin/v1/users",
            "admin_create_user",
            SystemAdministrator,
        ),
        Route::of::<users::read::ReadUser>(
            Method::GET,
            "/admin/v1/users/{user_id}",
            "admin_read_user",
            SystemAdministrator,
        ),
        Route::of::<users::update::UpdateUser>(
            Method::PATCH,
            "/admin/v1/users/{user_id}",
            "admin_update_user",
            SystemAdministrator,
        ),
        Route::of::<users::delete::DeleteUser>(
            Method::DELETE,
            "/admin/v1/users/{user_id}",
            "admin_delete_user",
            SystemAdministrator,
        ),
        Route::of::<keys::create::CreateKey>(
            Method::POST,
            "/admin/v1/keys",
            "admin_create_key",
            Holder,
        ),
        Route::of::<keys::read::ReadKey>(
            Method::GET,
            "/admin/v1/keys/{key_id}",
            "admin_read_key",
            User,
        ),
        Route::of::<keys::update::UpdateKey>(
            Method::PATCH,
            "/admin/v1/keys/{key_id}",
            "admin_update_key",
            Holder,
        ),
        Route::of::<keys::revoke::RevokeKey>(
            Method::DELETE,
            "/admin/v1/keys/{key_id}",
            "admin_revoke_key",
            Holder,
        ),
        Route::of::<keys::rotate::RotateKey>(
            Method::POST,
            "/admin/v1/keys/{key_id}/rotate",
            "admin_rotate_key",
            Holder,
        ),
        Route::of::<limits::of_key::ReadKeyLimits>(
            Method::GET,
            "/admin/v1/keys/{key_id}/limits",
            "admin_read_key_limits",
            User,
        ),
        Route::of::<limits::own::ReadOwnLimits>(
            Method::GET,
            "/admin/v1/limits",
            "admin_read_own_limits",
            User,
        ),
    ]
}

fn plans_and_prices() -> Vec<Route> {
    use Access::{SystemAdministrator, User};
    use admin::{plans, prices};
    vec![
        Route::of::<plans::list::ListPlans>(
            Method::GET,
            "/admin/v1/plans",
            "admin_list_plans",
            User,
        ),
        Route::of::<plans::create::CreatePlan>(
            Method::POST,
            "/admin/v1/plans",
            "admin_create_plan",
            SystemAdministrator,
        ),
        Route::of::<plans::read::ReadPlan>(
            Method::GET,
            "/admin/v1/plans/{plan_id}",
            "admin_read_plan",
            User,
        ),
        Route::of::<plans::update::UpdatePlan>(
            Method::PATCH,
            "/admin/v1/plans/{plan_id}",
            "admin_update_plan",
            SystemAdministrator,
        ),
        Route::of::<plans::delete::DeletePlan>(
            Method::DELETE,
            "/admin/v1/plans/{plan_id}",
            "admin_delete_plan",
            SystemAdministrator,
        ),
        Route::of::<prices::read_of_plan::ReadPlanPrices>(
            Method::GET,
            "/admin/v1/plans/{plan_id}/prices",
            "admin_read_plan_prices",
            User,
        ),
        Route::of::<prices::replace_of_plan::ReplacePlanPrices>(
            Method::PUT,
            "/admin/v1/plans/{plan_id}/prices",
            "admin_replace_plan_prices",
            SystemAdministrator,
        ),
        Route::of::<prices::read::ReadPrices>(
            Method::GET,
            "/admin/v1/prices",
            "admin_read_prices",
            User,
        ),
        Route::of::<prices::replace::ReplacePrices>(
            Method::PUT,
            "/admin/v1/prices",
            "admin_replace_prices",
            SystemAdministrator,
        ),
        Route::of::<prices::preview::PreviewPrice>(
            Method::POST,
            "/admin/v1/prices/preview",
            "admin_preview_price",
            User,
        ),
    ]
}

fn books() -> Vec<Route> {
    use Access::{Administrator, SystemAdministrator, User};
    use admin::{audit, credits, usage};
    vec![
        Route::of::<credits::balance::ReadBalance>(
            Method::GET,
            "/admin/v1/organizations/{org_id}/credits",
            "admin_read_balance",
            User,
        )
        .named(),
        Route::of::<credits::statement::ReadStatement>(
            Method::GET,
            "/admin/v1/organizations/{org_id}/credits/transfers",
            "admin_read_statement",
            Administrator,
        )
        .named(),
        Route::of::<credits::change::ChangeBalance>(
            Method::POST,
            "/admin/v1/organizations/{org_id}/credits/transfers",
            "admin_change_balance",
            SystemAdministrator,
        )
        .named(),
        Route::of::<usage::report::ReportUsage>(
            Method::GET,
            "/admin/v1/organizations/{org_id}/usage",
            "admin_report_usage",
            User,
        )
        .named(),
        Route::of::<usage::export::ExportUsage>(
            Method::GET,
            "/admin/v1/organizations/{org_id}/usage/export",
            "admin_export_usage",
            User,
        )
        .named(),
        Route::of::<audit::list::ListAudit>(
            Method::GET,
            "/admin/v1/audit",
            "admin_list_audit",
            Administrator,
        ),
    ]
}
