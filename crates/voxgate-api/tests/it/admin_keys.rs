//! `/admin/v1/keys`: nobody hands out more than they have, secrets are shown once, what is revoked is shut.

use serde_json::{Value, json};

use crate::harness::{ADMIN, ROOT, USER, World, delete, get, patch, post, request};

const KEYS: &str = "/admin/v1/keys";

fn key_path(id: &str) -> String {
    format!("{KEYS}/{id}")
}

fn say(token: &str, body: &Value) -> axum::http::Request<axum::body::Body> {
    post("/tts/tts").header("x-api-key", token).json(body)
}

#[tokio::test]
async fn a_secret_is_shown_once_and_to_nobody_else() {
    let world = World::new().await;
    let (admin, root) = (world.login(ADMIN).await, world.login(ROOT).await);
    let made = world
        .send(post(KEYS).token(&admin).json(&json!({ "name": "laptop" })))
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("vg_") && secret.len() > 40, "{secret}");
    let key = &made["key"];
    assert_eq!(
        key["services"],
        json!(["tts", "stt", "llm", "media", "agents"])
    );
    assert_eq!(
        (&key["voices"], &key["networks"]),
        (&json!("all"), &json!([]))
    );
    assert_eq!(key["state"], "active");
    let id = key["id"].as_str().unwrap();
    let prefix = key["prefix"].as_str().unwrap();
    assert!(secret.starts_with(prefix) && prefix.len() < 16, "{prefix}");

    let rotated = world
        .expect(
            200,
            post(&format!("{}/rotate", key_path(id)))
                .token(&admin)
                .empty(),
        )
        .await;
    let second = rotated["secret"].as_str().unwrap();
    assert_ne!(second, secret);

    // Everything else that mentions the key.
    for path in [
        key_path(id),
        "/admin/v1/organizations/current/keys".to_owned(),
        "/admin/v1/audit".to_owned(),
        "/admin/v1/audit?target_kind=key".to_owned(),
    ] {
        for token in [&admin, &root] {
            let path = path.replace("current", &world.home.to_string());
            let reply = world
                .expect_status(200, get(&path).token(token).empty())
                .await;
            for secret in [secret, second] {
                assert!(!reply.text().contains(secret), "{path}: {}", reply.text());
                // Not even the half of it.
                assert!(
                    !reply.text().contains(&secret[secret.len() / 2..]),
                    "{path}"
                );
            }
        }
    }
    let audit = world
        .expect(
            200,
            get(&format!("/admin/v1/audit?target_id={id}"))
                .token(&admin)
                .empty(),
        )
        .await;
    let actions: Vec<&str> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["key.rotate", "key.create"]);
    assert_eq!(audit["items"][0]["address"], "192.0.2.1");
}

#[tokio::test]
async fn nobody_mints_more_than_they_have() {
    let world = World::new().await;
    let (admin, user) = (world.login(ADMIN).await, world.login(USER).await);
    // A plain user's key administers nothing, whoever asks for it.
    for token in [&user, &admin] {
        let owner = world.user_id(USER).await.to_string();
        let body = json!({ "name": "k", "user_id": owner, "services": ["tts", "admin"] });
        let refused = world.expect(403, post(KEYS).token(token).json(&body)).await;
        assert_eq!(refused["error"]["code"], "exceeds_rights");
    }
    // A plain user makes none for others.
    let body = json!({ "name": "k", "user_id": world.user_id(ADMIN).await.to_string() });
    world.expect(403, post(KEYS).token(&user).json(&body)).await;

    // A key with administration makes lesser ones; never greater ones, and never another that administers.
    let maker = json!({
        "name": "maker",
        "services": ["tts", "admin"],
        "voices": ["fake_anna"],
        "networks": ["192.0.2.0/24"],
        "limits": { "requests_per_minute": 5 },
        "expires_at": "2099-01-01",
    });
    let (maker_id, maker) = world.key(&admin, &maker).await;
    for (what, body) in [
        (
            "services",
            json!({ "name": "k", "services": ["tts", "llm"] }),
        ),
        (
            "services",
            json!({ "name": "k", "services": ["tts", "admin"] }),
        ),
        ("voices", json!({ "name": "k", "voices": "all" })),
        (
            "voices",
            json!({ "name": "k", "voices": ["fake_anna", "fake_bert"] }),
        ),
        ("networks", json!({ "name": "k", "networks": [] })),
        (
            "networks",
            json!({ "name": "k", "networks": ["192.0.0.0/16"] }),
        ),
        (
            "limits",
            json!({ "name": "k", "limits": { "requests_per_minute": 6 } }),
        ),
        (
            "expires_at",
            json!({ "name": "k", "expires_at": "2099-01-02" }),
        ),
    ] {
        let refused = world
            .expect(403, post(KEYS).token(&maker).json(&body))
            .await;
        assert_eq!(refused["error"]["code"], "exceeds_rights", "{body}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains(what), "{body}: {message}");
    }
    let (child, child_secret) = world.key(&maker, &json!({ "name": "child" })).await;
    let shown = world
        .expect(200, get(&key_path(&child)).token(&admin).empty())
        .await;
    assert_eq!(shown["created_by_key_id"], json!(maker_id));
    assert_eq!(
        (&shown["services"], &shown["voices"], &shown["networks"]),
        (
            &json!(["tts"]),
            &json!(["fake_anna"]),
            &json!(["192.0.2.0/24"])
        )
    );
    assert_eq!(shown["limits"]["requests_per_minute"], 5);

    // Nor does a change get further.
    for body in [
        json!({ "services": ["tts", "stt"] }),
        json!({ "services": ["tts", "admin"] }),
        json!({ "voices": "all" }),
        json!({ "networks": [] }),
        json!({ "limits": {} }),
        json!({ "expires_at": null }),
    ] {
        for key in [&child, &maker_id] {
            let refused = world
                .expect(403, patch(&key_path(key)).token(&maker).json(&body))
                .await;
            // Its own services it may restate.
            assert_eq!(
                refused["error"]["code"], "exceeds_rights",
                "{body} of {key}"
            );
            if body["services"] == json!(["tts", "admin"]) {
                break;
            }
        }
    }
    let same = world
        .expect(200, get(&key_path(&child)).token(&admin).empty())
        .await;
    assert_eq!(same, shown);

    // A child ends with its maker.
    let hello = json!({ "text": "Hello.", "voice_id": "fake_anna", "audio_format": "wav" });
    world.expect_status(200, say(&child_secret, &hello)).await;
    world
        .expect(204, delete(&key_path(&maker_id)).token(&admin).empty())
        .await;
    for secret in [&maker, &child_secret] {
        let refused = world
            .send(get("/admin/v1/limits").token(secret).empty())
            .await;
        assert_eq!(refused.status, 401, "{}", refused.text());
        assert_eq!(refused.json()["error"]["code"], "api_key_revoked");
    }
}

#[tokio::test]
async fn role_and_organisation_of_a_key_are_its_accounts() {
    let world = World::new().await;
    let admin = world.login(ADMIN).await;
    let (id, _) = world.key(&admin, &json!({ "name": "k" })).await;
    for (name, value) in [
        ("role", json!("SYSTEM_ADMIN")),
        ("organization_id", json!(world.away.to_string())),
        ("is_superuser", json!(true)),
        ("created_by_key_id", json!(null)),
        ("credits_committed_micros", json!(0)),
        ("revoked_at", json!(null)),
        ("prefix", json!("vg_x")),
        ("rights", json!({ "services": ["admin"] })),
    ] {
        let mut create = json!({ "name": "k" });
        create[name] = value.clone();
        let mut change = json!({});
        change[name] = value;
        for request in [
            post(KEYS).token(&admin).json(&create),
            patch(&key_path(&id)).token(&admin).json(&change),
        ] {
            let refused = world.expect(422, request).await;
            assert_eq!(refused["error"]["code"], "unknown_field", "{name}");
            assert_eq!(refused["error"]["field"], name);
        }
    }
}

#[tokio::test]
async fn keys_without_administration_administer_nothing() {
    let world = World::new().await;
    let (root, admin) = (world.login(ROOT).await, world.login(ADMIN).await);
    for (account, token) in [(ROOT, &root), (ADMIN, &admin)] {
        let (id, plain) = world.key(token, &json!({ "name": "plain" })).await;
        for (method, path) in [
            ("POST", KEYS.to_owned()),
            ("PATCH", key_path(&id)),
            ("DELETE", key_path(&id)),
            ("POST", format!("{}/rotate", key_path(&id))),
            ("POST", "/admin/v1/organizations".to_owned()),
            ("PATCH", "/admin/v1/organizations/current".to_owned()),
            ("GET", "/admin/v1/organizations/current/users".to_owned()),
            (
                "GET",
                "/admin/v1/organizations/current/credits/transfers".to_owned(),
            ),
            ("POST", "/admin/v1/plans".to_owned()),
            ("PUT", "/admin/v1/prices".to_owned()),
            ("GET", "/admin/v1/audit".to_owned()),
            ("POST", "/admin/v1/users".to_owned()),
            // The vendor's administration too.
            (
                "GET",
                "/users/00000000-0000-7000-8000-000000000000".to_owned(),
            ),
            ("POST", "/organizations".to_owned()),
            ("POST", "/invitations".to_owned()),
        ] {
            let request = request(method.parse().unwrap(), &path)
                .token(&plain)
                .json(&json!({ "name": "n" }));
            world.expect(403, request).await;
        }
        // It sees what a plain user of the account sees.
        let listed = world
            .expect(200, get("/admin/v1/organizations").token(&plain).empty())
            .await;
        assert_eq!(listed["total"], 1, "{account}");
        world
            .expect(200, get(&key_path(&id)).token(&plain).empty())
            .await;
    }
}

#[tokio::test]
async fn scopes_hold_at_use() {
    let world = World::new().await;
    let admin = world.login(ADMIN).await;
    let hello = |voice: &str| json!({ "text": "Hello.", "voice_id": voice, "audio_format": "wav" });
    let (_, wrong_service) = world
        .key(&admin, &json!({ "name": "k", "services": ["stt"] }))
        .await;
    let refused = world
        .expect(403, say(&wrong_service, &hello("fake_anna")))
        .await;
    assert!(
        refused["detail"].as_str().unwrap().contains("tts"),
        "{refused}"
    );
    let (id, one_voice) = world
        .key(&admin, &json!({ "name": "k", "voices": ["fake_anna"] }))
        .await;
    // An alias of a voice is that voice.
    for voice in ["fake_anna", "en_female_warm_1"] {
        world
            .expect_status(200, say(&one_voice, &hello(voice)))
            .await;
    }
    let voices = world.services.speech().voices();
    let other = voices.iter().find(|voice| voice.id != "fake_anna").unwrap();
    world.expect(403, say(&one_voice, &hello(&other.id))).await;
    let (_, elsewhere) = world
        .key(
            &admin,
            &json!({ "name": "k", "networks": ["198.51.100.0/24", "2001:db8::1"] }),
        )
        .await;
    assert_eq!(
        world
            .expect(403, say(&elsewhere, &hello("fake_anna")))
            .await,
        json!({ "detail": "Forbidden" })
    );
    let refused = world
        .expect(403, get("/admin/v1/limits").token(&elsewhere).empty())
        .await;
    assert_eq!(refused["error"]["code"], "address_not_allowed");

    // A change holds at once on the node that makes it.
    world
        .expect(
            200,
            patch(&key_path(&id))
                .token(&admin)
                .json(&json!({ "voices": "all", "services": ["llm"] })),
        )
        .await;
    world
        .expect(403, say(&one_voice, &hello("fake_anna")))
        .await;
}

#[tokio::test]
async fn an_old_secret_works_for_the_overlap_and_no_longer() {
    let world = World::new().await;
    let admin = world.login(ADMIN).await;
    let (id, first) = world.key(&admin, &json!({ "name": "k" })).await;
    let rotate = |seconds: i64| {
        post(&format!("{}/rotate", key_path(&id)))
            .token(&admin)
            .json(&json!({ "overlap_seconds": seconds }))
    };
    let second = world.expect(200, rotate(3600)).await;
    let second = second["secret"].as_str().unwrap().to_owned();
    let limits = |secret: &str| get("/admin/v1/limits").token(secret).empty();
    for secret in [&first, &second] {
        world.expect(200, limits(secret)).await;
    }
    let third = world.expect(200, rotate(0)).await;
    let third = third["secret"].as_str().unwrap().to_owned();
    world.expect(200, limits(&third)).await;
    for secret in [&first, &second] {
        world.expect(401, limits(secret)).await;
    }
    for seconds in [-1, 30 * 86_400 + 1] {
        world.expect(422, rotate(seconds)).await;
    }
    world
        .expect(204, delete(&key_path(&id)).token(&admin).empty())
        .await;
    let revoked = world.expect(401, limits(&third)).await;
    assert_eq!(revoked["error"]["code"], "api_key_revoked");
    let shown = world
        .expect(200, get(&key_path(&id)).token(&admin).empty())
        .await;
    assert_eq!(shown["state"], "revoked");
    for request in [
        rotate(0),
        patch(&key_path(&id))
            .token(&admin)
            .json(&json!({ "name": "n" })),
    ] {
        let refused = world.expect(409, request).await;
        assert_eq!(refused["error"]["code"], "api_key_revoked");
    }
}

#[tokio::test]
async fn a_mistyped_key_is_told_from_an_unknown_one() {
    let world = World::new().await;
    let admin = world.login(ADMIN).await;
    let (_, secret) = world.key(&admin, &json!({ "name": "k" })).await;
    let told = async |secret: &str| {
        world
            .expect(401, get("/admin/v1/limits").token(secret).empty())
            .await["error"]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut typo = secret.clone().into_bytes();
    typo[10] = if typo[10] == b'a' { b'b' } else { b'a' };
    let typo = String::from_utf8(typo).unwrap();
    assert_eq!(told(&typo).await, "malformed_api_key");
    assert_eq!(told(&secret[..secret.len() - 1]).await, "malformed_api_key");
    // The query is no place for a key on a plain route.
    for query in ["api_key", "token"] {
        let path = format!("/admin/v1/limits?{query}={secret}");
        world.expect(401, get(&path).empty()).await;
    }
}
