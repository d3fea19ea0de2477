//! `/admin/v1`: organisations and people, who may change them, what is refused, and the shape of refusals.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{
    ADMIN, FOREIGN_ADMIN, PASSWORD, ROOT, USER, World, delete, get, patch, post, request,
};

fn organization(id: impl std::fmt::Display) -> String {
    format!("/admin/v1/organizations/{id}")
}

#[tokio::test]
async fn refusals_have_one_shape() {
    let world = World::new().await;
    let user = world.login(USER).await;
    let root = world.login(ROOT).await;
    let own = organization("current");
    for (request, status, code, field) in [
        (get(&own).empty(), 401, "unauthorized", None),
        (get(&own).token("junk").empty(), 401, "unauthorized", None),
        (
            get(&own).header("x-api-key", "vg_junk").empty(),
            401,
            "malformed_api_key",
            None,
        ),
        (
            patch(&own).token(&user).json(&json!({})),
            403,
            "forbidden",
            None,
        ),
        (
            get(&organization(world.away)).token(&user).empty(),
            404,
            "organization_not_found",
            None,
        ),
        (
            get("/admin/v1/nothing").token(&user).empty(),
            404,
            "not_found",
            None,
        ),
        (
            request(Method::DELETE, &own).token(&user).empty(),
            405,
            "method_not_allowed",
            None,
        ),
        (
            post("/admin/v1/plans").token(&root).json(&json!({})),
            422,
            "invalid",
            Some("name"),
        ),
        (
            post("/admin/v1/plans").token(&root).raw_json("{"),
            422,
            "invalid",
            None,
        ),
        (
            post("/admin/v1/plans").token(&root).raw_json("[]"),
            422,
            "invalid",
            None,
        ),
        (
            get(&organization("mine")).token(&user).empty(),
            422,
            "invalid",
            Some("org_id"),
        ),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let reply = world.send(request).await;
        assert_eq!(reply.status.as_u16(), status, "{what}: {}", reply.text());
        let body = reply.json();
        let error = &body["error"];
        assert_eq!(
            (error["code"].as_str(), error["field"].as_str()),
            (Some(code), field),
            "{what}: {body}"
        );
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert_eq!(
            error["request_id"].as_str(),
            reply.header("x-request-id"),
            "{what}"
        );
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["error"], "{what}");
        if status == 401 {
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{what}");
        }
    }
}

#[tokio::test]
async fn no_body_is_taken_for_more_than_it_says() {
    let world = World::new().await;
    let root = world.login(ROOT).await;
    let user = world.user_id(USER).await;
    let plan = json!({ "name": "p" });
    let plan = world
        .expect(201, post("/admin/v1/plans").token(&root).json(&plan))
        .await;
    let plan = format!("/admin/v1/plans/{}", plan["id"].as_str().unwrap());
    let key = json!({ "name": "k" });
    let admin = world.login(ADMIN).await;
    let (key, _) = world.key(&admin, &key).await;
    // Every body of the API, as good as it gets, with one field too many.
    for (method, path, body) in [
        (
            "POST",
            "/admin/v1/organizations".to_owned(),
            json!({ "name": "n", "admin_email": "a@example.com" }),
        ),
        ("PATCH", organization(world.home), json!({ "name": "n" })),
        (
            "POST",
            "/admin/v1/users".to_owned(),
            json!({ "email": "n@example.com", "organization_id": world.home.to_string() }),
        ),
        (
            "PATCH",
            format!("/admin/v1/users/{user}"),
            json!({ "full_name": "n" }),
        ),
        ("POST", "/admin/v1/keys".to_owned(), json!({ "name": "n" })),
        (
            "PATCH",
            format!("/admin/v1/keys/{key}"),
            json!({ "name": "n" }),
        ),
        (
            "POST",
            format!("/admin/v1/keys/{key}/rotate"),
            json!({ "overlap_seconds": 1 }),
        ),
        ("POST", "/admin/v1/plans".to_owned(), json!({ "name": "n" })),
        ("PATCH", plan.clone(), json!({ "name": "n" })),
        ("PUT", format!("{plan}/prices"), json!({ "prices": [] })),
        (
            "PUT",
            "/admin/v1/prices".to_owned(),
            json!({ "prices": [] }),
        ),
        (
            "POST",
            "/admin/v1/prices/preview".to_owned(),
            json!({ "service": "tts", "text": "n" }),
        ),
        (
            "POST",
            format!("{}/credits/transfers", organization(world.home)),
            json!({ "kind": "grant", "amount_micros": 1 }),
        ),
    ] {
        for surplus in ["is_superuser", "organization", "organizationId", "id_"] {
            let mut body: Value = body.clone();
            body[surplus] = json!(true);
            let method: Method = method.parse().unwrap();
            let refused = world
                .expect(422, request(method, &path).token(&root).json(&body))
                .await;
            assert_eq!(
                (
                    refused["error"]["code"].as_str(),
                    refused["error"]["field"].as_str()
                ),
                (Some("unknown_field"), Some(surplus)),
                "{path}"
            );
        }
    }
    let unchanged = world
        .expect(200, get(&organization(world.home)).token(&root).empty())
        .await;
    assert_eq!(unchanged["name"], "Home");
}

#[tokio::test]
async fn organisations_have_plans_and_own_limits() {
    let world = World::new().await;
    let (root, admin) = (world.login(ROOT).await, world.login(ADMIN).await);
    let plan =
        json!({ "name": "small", "limits": { "words_per_day": 7, "concurrent_streams": 2 } });
    let plan = world
        .expect(201, post("/admin/v1/plans").token(&root).json(&plan))
        .await;
    let made = world
        .expect(
            201,
            post("/admin/v1/organizations").token(&root).json(&json!({
                "name": "New",
                "admin_email": "boss@new.example.com",
                "plan_id": plan["id"],
                "limits": { "tokens_per_day": 9 },
            })),
        )
        .await;
    assert_eq!(made["plan_id"], plan["id"]);
    assert_eq!(
        (
            &made["limits"]["words_per_day"],
            &made["limits"]["concurrent_streams"]
        ),
        (&json!(7), &json!(2)),
        "{made}"
    );
    assert_eq!(made["own_limits"], json!({ "tokens_per_day": 9 }));

    // An own value comes before the plan's; null gives it back.
    let path = organization(made["id"].as_str().unwrap());
    let change = json!({ "limits": { "words_per_day": 5 } });
    let changed = world
        .expect(200, patch(&path).token(&root).json(&change))
        .await;
    assert_eq!(changed["limits"]["words_per_day"], 5);
    assert_eq!(
        changed["limits"]["tokens_per_day"], 9,
        "what is left out stays"
    );
    let change = json!({ "limits": { "words_per_day": null, "tokens_per_day": null } });
    let changed = world
        .expect(200, patch(&path).token(&root).json(&change))
        .await;
    assert_eq!(changed["limits"]["words_per_day"], 7);
    assert_eq!(changed["own_limits"], json!({}));
    let changed = world
        .expect(
            200,
            patch(&path).token(&root).json(&json!({ "plan_id": null })),
        )
        .await;
    assert_eq!(changed["plan_id"], Value::Null);

    // Its administrators rename it; what it may use is not theirs to say.
    let own = organization("current");
    let renamed = world
        .expect(
            200,
            patch(&own)
                .token(&admin)
                .json(&json!({ "name": "Renamed" })),
        )
        .await;
    assert_eq!(renamed["id"], world.home.to_string());
    for body in [
        json!({ "plan_id": plan["id"] }),
        json!({ "limits": { "words_per_day": 1_000_000 } }),
        json!({ "status": "active" }),
        json!({ "domain_verified": true }),
    ] {
        world
            .expect(403, patch(&own).token(&admin).json(&body))
            .await;
    }
    let refused = world
        .expect(
            422,
            patch(&own)
                .token(&admin)
                .json(&json!({ "limits": { "words": 1 } })),
        )
        .await;
    assert_eq!(refused["error"]["field"], "limits");
    let listed = world
        .expect(200, get("/admin/v1/organizations").token(&admin).empty())
        .await;
    assert_eq!(
        (&listed["total"], &listed["items"][0]["name"]),
        (&json!(1), &json!("Renamed"))
    );
}

#[tokio::test]
async fn people_are_made_changed_and_removed_by_system_administrators() {
    let world = World::new().await;
    let (root, admin, user) = (
        world.login(ROOT).await,
        world.login(ADMIN).await,
        world.login(USER).await,
    );
    let body =
        json!({ "email": "new@home.example.com", "organization_id": world.home.to_string() });
    world
        .expect(403, post("/admin/v1/users").token(&admin).json(&body))
        .await;
    let made = world
        .expect(201, post("/admin/v1/users").token(&root).json(&body))
        .await;
    assert_eq!(made["user"]["role"], "ORG_USER");
    let password = made["password"].as_str().unwrap();
    world.login_with("new@home.example.com", password).await;
    let path = format!("/admin/v1/users/{}", made["user"]["id"].as_str().unwrap());
    let taken = world
        .expect(409, post("/admin/v1/users").token(&root).json(&body))
        .await;
    assert_eq!(taken["error"]["code"], "email_taken");
    let weak = world
        .expect(
            422,
            patch(&path).token(&root).json(&json!({ "password": "x" })),
        )
        .await;
    assert_eq!(weak["error"]["field"], "password");
    assert!(!weak.to_string().contains("\"x\""), "no value is repeated");

    let changed = world
        .expect(
            200,
            patch(&path)
                .token(&root)
                .json(&json!({ "role": "ORG_ADMIN", "full_name": "Nina" })),
        )
        .await;
    assert_eq!(
        (&changed["role"], &changed["full_name"]),
        (&json!("ORG_ADMIN"), &json!("Nina"))
    );
    for (token, status) in [(&admin, 403), (&user, 403), (&root, 200)] {
        world.expect(status, get(&path).token(token).empty()).await;
    }
    let members = world
        .expect(
            200,
            get(&format!("{}/users?limit=2", organization("current")))
                .token(&admin)
                .empty(),
        )
        .await;
    assert_eq!(
        (
            members["items"].as_array().unwrap().len(),
            &members["total"]
        ),
        (2, &json!(3))
    );
    world.expect(204, delete(&path).token(&root).empty()).await;
    world.expect(404, get(&path).token(&root).empty()).await;

    let me = world.user_id(ROOT).await;
    let last = world
        .expect(
            409,
            delete(&format!("/admin/v1/users/{me}"))
                .token(&root)
                .empty(),
        )
        .await;
    assert_eq!(last["error"]["code"], "last_administrator");
    assert!(!last["error"]["message"].as_str().unwrap().is_empty());
    world.login_with(ROOT, PASSWORD).await;
}

#[tokio::test]
async fn a_foreign_organisation_does_not_exist() {
    let world = World::new().await;
    let home = world.login(ADMIN).await;
    let away = world.login(FOREIGN_ADMIN).await;
    let (key, _) = world.key(&home, &json!({ "name": "ours" })).await;
    let unknown = uuid::Uuid::now_v7();
    for path in [
        "",
        "/limits",
        "/users",
        "/keys",
        "/credits",
        "/credits/transfers",
        "/usage",
        "/usage/export",
    ] {
        let ours = format!("{}{path}", organization(world.home));
        world
            .expect_status(200, get(&ours).token(&home).empty())
            .await;
        let foreign = world.expect(404, get(&ours).token(&away).empty()).await;
        let missing = format!("{}{path}", organization(unknown));
        let missing = world.expect(404, get(&missing).token(&away).empty()).await;
        for part in ["code", "message"] {
            assert_eq!(foreign["error"][part], missing["error"][part], "{path}");
        }
    }
    for path in ["", "/limits"] {
        let path = format!("/admin/v1/keys/{key}{path}");
        world.expect(200, get(&path).token(&home).empty()).await;
        world.expect(404, get(&path).token(&away).empty()).await;
    }
    let key = format!("/admin/v1/keys/{key}");
    for request in [
        patch(&key).token(&away).json(&json!({ "name": "mine" })),
        delete(&key).token(&away).empty(),
        post(&format!("{key}/rotate")).token(&away).empty(),
        get(&format!("/admin/v1/audit?organization_id={}", world.home))
            .token(&away)
            .empty(),
        post("/admin/v1/keys")
            .token(&away)
            .json(&json!({ "name": "theirs", "user_id": world.user_id(USER).await.to_string() })),
    ] {
        world.expect(404, request).await;
    }
}
