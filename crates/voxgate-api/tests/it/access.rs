//! Walks every route with every kind of caller and compares the answer with what the table declares.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::json;
use voxgate_api::routes::{Access, Route, Tenancy, table};

use crate::harness::{ADMIN, FOREIGN_ADMIN, FOREIGN_USER, ROOT, Reply, USER, World, request};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Nobody,
    Junk,
    User,
    Admin,
    System,
    ForeignUser,
    ForeignAdmin,
    /// An API key of the organisation's administrator that may do everything but administer.
    PlainKey,
    /// One that may administer too.
    AdminKey,
}

impl Caller {
    const ALL: [Self; 9] = [
        Self::Nobody,
        Self::Junk,
        Self::User,
        Self::Admin,
        Self::System,
        Self::ForeignUser,
        Self::ForeignAdmin,
        Self::PlainKey,
        Self::AdminKey,
    ];

    fn email(self) -> Option<&'static str> {
        match self {
            Self::Nobody | Self::Junk => None,
            Self::User => Some(USER),
            Self::Admin | Self::PlainKey | Self::AdminKey => Some(ADMIN),
            Self::System => Some(ROOT),
            Self::ForeignUser => Some(FOREIGN_USER),
            Self::ForeignAdmin => Some(FOREIGN_ADMIN),
        }
    }

    fn is_key(self) -> bool {
        matches!(self, Self::PlainKey | Self::AdminKey)
    }

    fn is_foreign(self) -> bool {
        matches!(self, Self::ForeignUser | Self::ForeignAdmin)
    }

    fn has_role_for(self, access: Access) -> bool {
        match access {
            Access::Public | Access::User => true,
            Access::Holder => self != Self::PlainKey,
            Access::Administrator => {
                matches!(
                    self,
                    Self::Admin | Self::System | Self::ForeignAdmin | Self::AdminKey
                )
            }
            Access::SystemAdministrator => self == Self::System,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unauthenticated,
    Forbidden,
    Hidden,
    Admitted,
}

fn declared(route: &Route, caller: Caller) -> Verdict {
    if route.access == Access::Public {
        Verdict::Admitted
    } else if caller.email().is_none() {
        Verdict::Unauthenticated
    } else if !caller.has_role_for(route.access) {
        Verdict::Forbidden
    } else if caller.is_foreign() && route.tenancy == Tenancy::Named {
        Verdict::Hidden
    } else {
        Verdict::Admitted
    }
}

/// What an answer says. The requests are harmless on purpose, so an admitted one may well be refused for its content.
fn given(route: &Route, reply: &Reply) -> Verdict {
    match reply.status {
        StatusCode::UNAUTHORIZED => Verdict::Unauthenticated,
        StatusCode::FORBIDDEN => Verdict::Forbidden,
        StatusCode::NOT_FOUND if route.tenancy == Tenancy::Named => Verdict::Hidden,
        _ => Verdict::Admitted,
    }
}

#[tokio::test]
async fn every_route_admits_exactly_whom_the_table_says() {
    let world = World::new().await;
    let nobody = uuid::Uuid::now_v7().to_string();
    let home = world.home.to_string();
    let mut tokens: BTreeMap<Caller, String> = BTreeMap::new();
    let admin = world.login(ADMIN).await;
    for (caller, services) in [
        (
            Caller::PlainKey,
            json!(["tts", "stt", "llm", "media", "agents"]),
        ),
        (Caller::AdminKey, json!(["tts", "admin"])),
    ] {
        let body = json!({ "name": format!("{caller:?}"), "services": services });
        tokens.insert(caller, world.key(&admin, &body).await.1);
    }
    for route in table() {
        let path = route
            .path
            .replace("{org_id}", &home)
            .replace("{id}", &nobody)
            .replace("{user_id}", &nobody)
            .replace("{key_id}", &nobody)
            .replace("{plan_id}", &nobody)
            .replace("{token}", "unknown")
            .replace("{file}", "start.js");
        for caller in Caller::ALL {
            // An API key has no session to end.
            if route.path == "/auth/jwt/logout" && caller.is_key() {
                continue;
            }
            let mut request = request(route.method.clone(), &path);
            if let Some(email) = caller.email() {
                let token = match tokens.get(&caller) {
                    Some(token) => token.clone(),
                    None => world.login(email).await,
                };
                request = request.token(&token);
                // Logging out ends the session, so that caller logs in again next time.
                if route.path == "/auth/jwt/logout" {
                    tokens.remove(&caller);
                } else {
                    tokens.insert(caller, token);
                }
            } else if caller == Caller::Junk {
                request = request.token("junk");
            }
            let reply = world.send(request.raw_json("{}")).await;
            assert_eq!(
                given(&route, &reply),
                declared(&route, caller),
                "{} {} as {caller:?} answered {} {}",
                route.method,
                route.path,
                reply.status,
                reply.text()
            );
            assert_ne!(
                reply.status,
                StatusCode::INTERNAL_SERVER_ERROR,
                "{} {}",
                route.method,
                route.path
            );
        }
    }
}

#[tokio::test]
async fn administrators_reach_no_further_than_their_organisation() {
    use crate::harness::{get, patch, post};

    let world = World::new().await;
    let (admin, user, root) = (
        world.login(ADMIN).await,
        world.login(USER).await,
        world.login(ROOT).await,
    );
    let (home, away) = (world.home, world.away);

    let lists = world.send(get("/organizations").token(&user).empty()).await;
    assert_eq!(
        (
            lists.json().as_array().unwrap().len(),
            lists.header("x-total-count")
        ),
        (1, Some("1"))
    );
    let lists = world
        .send(get("/organizations?limit=2").token(&root).empty())
        .await;
    assert_eq!(
        (
            lists.json().as_array().unwrap().len(),
            lists.header("x-total-count")
        ),
        (2, Some("3"))
    );

    let foreign = world.user_id(FOREIGN_USER).await;
    for (path, token, status) in [
        (format!("/usage?user_id={foreign}"), &admin, 404),
        (format!("/usage?user_id={foreign}"), &user, 403),
        (format!("/usage?user_id={foreign}"), &root, 200),
        (format!("/usage/requests?user_id={foreign}"), &admin, 404),
        (format!("/invitations?organization_id={away}"), &admin, 404),
        (format!("/organizations/{away}"), &user, 404),
        (format!("/organizations/{home}"), &user, 200),
    ] {
        let reply = world.send(get(&path).token(token).empty()).await;
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text());
    }

    let rename = patch(&format!("/organizations/{home}"))
        .token(&admin)
        .json(&json!({ "name": "Renamed", "settings": { "a": 1 } }));
    let renamed = world.send(rename).await;
    assert_eq!(
        (renamed.status.as_u16(), &renamed.json()["name"]),
        (200, &json!("Renamed")),
        "{}",
        renamed.text()
    );
    for body in [
        json!({ "daily_word_limit": 1 }),
        json!({ "status": "suspended" }),
        json!({ "domain_verified": true }),
    ] {
        let reply = world
            .send(
                patch(&format!("/organizations/{home}"))
                    .token(&admin)
                    .json(&body),
            )
            .await;
        assert_eq!(reply.status, 403, "{body}");
    }

    let invite = |body| post("/invitations").token(&admin).json(&body);
    for (body, status) in [
        (
            json!({ "email": "x@example.com", "role": "SYSTEM_ADMIN" }),
            403,
        ),
        (
            json!({ "email": "x@example.com", "organization_id": away.to_string() }),
            404,
        ),
        (
            json!({ "email": "x@example.com", "organization_id": home.to_string() }),
            201,
        ),
        (json!({ "email": USER }), 409),
    ] {
        let reply = world.send(invite(body.clone())).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text());
    }
}
