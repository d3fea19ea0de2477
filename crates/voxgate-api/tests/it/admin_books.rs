//! `/admin/v1`: plans, prices, credits, usage and the audit log.

use serde_json::{Value, json};

use crate::harness::{ADMIN, ROOT, USER, World, delete, get, patch, post, put};

/// What speaking one character costs in these tests, in millionths of a credit.
const PER_CHARACTER: i64 = 1000;

fn prices() -> Value {
    json!({ "prices": [{ "service": "tts", "unit": "character", "micros": PER_CHARACTER }] })
}

fn transfers(world: &World) -> String {
    format!("/admin/v1/organizations/{}/credits/transfers", world.home)
}

async fn grant(world: &World, root: &str, micros: i64) -> Value {
    let body = json!({ "kind": "grant", "amount_micros": micros, "memo": "welcome" });
    world
        .expect(201, post(&transfers(world)).token(root).json(&body))
        .await
}

async fn balance(world: &World, token: &str) -> (i64, i64) {
    let path = format!("/admin/v1/organizations/{}/credits", world.home);
    let found = world.expect(200, get(&path).token(token).empty()).await;
    (
        found["available_micros"].as_i64().unwrap(),
        found["held_micros"].as_i64().unwrap(),
    )
}

#[tokio::test]
async fn plans_come_and_go() {
    let world = World::new().await;
    let (root, admin, user) = (
        world.login(ROOT).await,
        world.login(ADMIN).await,
        world.login(USER).await,
    );
    let body =
        json!({ "name": "free", "limits": { "words_per_day": 100, "tokens_per_day": null } });
    world
        .expect(403, post("/admin/v1/plans").token(&admin).json(&body))
        .await;
    let plan = world
        .expect(201, post("/admin/v1/plans").token(&root).json(&body))
        .await;
    assert_eq!(plan["limits"], json!({ "words_per_day": 100 }));
    let taken = world
        .expect(409, post("/admin/v1/plans").token(&root).json(&body))
        .await;
    assert_eq!(taken["error"]["code"], "plan_name_taken");
    let path = format!("/admin/v1/plans/{}", plan["id"].as_str().unwrap());
    let change = json!({ "name": "gratis", "limits": { "concurrent_streams": 1 } });
    world
        .expect(403, patch(&path).token(&admin).json(&change))
        .await;
    let changed = world
        .expect(200, patch(&path).token(&root).json(&change))
        .await;
    assert_eq!(
        (&changed["name"], &changed["limits"]),
        (&json!("gratis"), &json!({ "concurrent_streams": 1 }))
    );
    for token in [&root, &admin, &user] {
        let read = world.expect(200, get(&path).token(token).empty()).await;
        assert_eq!(read, changed);
        let listed = world
            .expect(200, get("/admin/v1/plans").token(token).empty())
            .await;
        assert_eq!(listed, json!({ "items": [changed], "total": 1 }));
    }
    let organization = format!("/admin/v1/organizations/{}", world.home);
    let give = |plan: &Value| {
        patch(&organization)
            .token(&root)
            .json(&json!({ "plan_id": plan }))
    };
    world.expect(200, give(&plan["id"])).await;
    let used = world.expect(409, delete(&path).token(&root).empty()).await;
    assert_eq!(used["error"]["code"], "plan_in_use");
    world.expect(200, give(&Value::Null)).await;
    world.expect(204, delete(&path).token(&root).empty()).await;
    world.expect(404, get(&path).token(&root).empty()).await;
    world.expect(404, delete(&path).token(&root).empty()).await;
}

#[tokio::test]
async fn what_something_costs_is_told_before() {
    let world = World::new().await;
    let (root, admin, user) = (
        world.login(ROOT).await,
        world.login(ADMIN).await,
        world.login(USER).await,
    );
    let preview = |body: Value| post("/admin/v1/prices/preview").token(&user).json(&body);
    let hello = json!({ "service": "tts", "text": "Hello" });
    let free = world.expect(200, preview(hello.clone())).await;
    assert_eq!(
        (&free["micros"], &free["credits"]),
        (&json!(0), &json!("0"))
    );

    world
        .expect(403, put("/admin/v1/prices").token(&admin).json(&prices()))
        .await;
    let set = world
        .expect(200, put("/admin/v1/prices").token(&root).json(&prices()))
        .await;
    assert_eq!(
        set["prices"],
        json!([{ "service": "tts", "model": null, "unit": "character", "micros": 1000, "credits": "0.001" }])
    );
    let shown = world
        .expect(200, get("/admin/v1/prices").token(&user).empty())
        .await;
    assert_eq!(shown, set);
    let quoted = world.expect(200, preview(hello.clone())).await;
    assert_eq!(
        (
            &quoted["micros"],
            &quoted["credits"],
            &quoted["quantities"]["characters"]
        ),
        (&json!(5000), &json!("0.005"), &json!(5))
    );
    let more = json!({ "service": "tts", "text": "Hello", "quantities": { "characters": 5, "audio_ms_out": 7 } });
    assert_eq!(world.expect(200, preview(more)).await["micros"], 10_000);
    let voice = json!({ "service": "tts", "text": "Hello", "voice": "fake_anna" });
    let voice = world.expect(200, preview(voice)).await;
    assert_eq!(
        (&voice["micros"], &voice["model"]),
        (&json!(5000), &json!("fake"))
    );

    for (body, field) in [
        (json!({ "service": "tts" }), "text"),
        (json!({ "service": "admin", "text": "x" }), "service"),
        (json!({ "service": "tts", "voice": "fake_anna" }), "voice"),
        (
            json!({ "service": "llm", "voice": "fake_anna", "text": "x" }),
            "voice",
        ),
        (
            json!({ "service": "tts", "quantities": { "apples": 1 } }),
            "quantities",
        ),
    ] {
        let refused = world.expect(422, preview(body.clone())).await;
        assert_eq!(refused["error"]["field"], field, "{body}");
    }
    let nobody = json!({ "service": "tts", "text": "x", "voice": "nobody" });
    world.expect(404, preview(nobody)).await;
    for line in [
        json!({ "service": "tts", "unit": "character", "micros": -1 }),
        json!({ "service": "tts", "unit": "apple", "micros": 1 }),
        json!({ "service": "tts", "unit": "character", "micros": 1, "currency": "EUR" }),
    ] {
        let body = json!({ "prices": [line] });
        let refused = world
            .expect(422, put("/admin/v1/prices").token(&root).json(&body))
            .await;
        assert_eq!(refused["error"]["field"], "prices", "{line}");
    }

    // A plan with prices of its own pays those.
    let plan = world
        .expect(
            201,
            post("/admin/v1/plans")
                .token(&root)
                .json(&json!({ "name": "pro" })),
        )
        .await;
    let path = format!("/admin/v1/plans/{}/prices", plan["id"].as_str().unwrap());
    let request =
        json!({ "prices": [{ "service": "tts", "model": null, "unit": "request", "micros": 7 }] });
    world
        .expect(200, put(&path).token(&root).json(&request))
        .await;
    assert_eq!(
        world.expect(200, get(&path).token(&user).empty()).await["prices"][0]["unit"],
        "request"
    );
    let give = json!({ "plan_id": plan["id"] });
    let organization = format!("/admin/v1/organizations/{}", world.home);
    world
        .expect(200, patch(&organization).token(&root).json(&give))
        .await;
    assert_eq!(world.expect(200, preview(hello)).await["micros"], 7);
    let unknown = format!("/admin/v1/plans/{}/prices", uuid::Uuid::now_v7());
    world.expect(404, get(&unknown).token(&user).empty()).await;
}

#[tokio::test]
async fn credits_are_booked_held_and_billed() {
    let world = World::new().await;
    let (root, admin, user) = (
        world.login(ROOT).await,
        world.login(ADMIN).await,
        world.login(USER).await,
    );
    world
        .expect(200, put("/admin/v1/prices").token(&root).json(&prices()))
        .await;
    let say = |text: &str| {
        post("/tts/tts")
            .token(&user)
            .json(&json!({ "text": text, "audio_format": "wav" }))
    };
    let refused = world.expect(402, say("Hello")).await;
    assert!(
        refused["detail"].as_str().unwrap().contains("0.005"),
        "{refused}"
    );
    assert_eq!(world.engine.counts().started, 0);

    // With an id of the client's a change is made once.
    let id = uuid::Uuid::now_v7();
    let body = json!({ "id": id.to_string(), "kind": "purchase", "amount_micros": 8000 });
    for token in [&admin, &user] {
        world
            .expect(403, post(&transfers(&world)).token(token).json(&body))
            .await;
    }
    let booked = world
        .expect(201, post(&transfers(&world)).token(&root).json(&body))
        .await;
    let again = world
        .expect(201, post(&transfers(&world)).token(&root).json(&body))
        .await;
    assert_eq!(booked, again);
    assert_eq!(
        (
            &booked["id"],
            &booked["kind"],
            &booked["amount"],
            &booked["available_after"]
        ),
        (
            &json!(id.to_string()),
            &json!("purchase"),
            &json!("0.008"),
            &json!("0.008")
        )
    );
    let mut other = body.clone();
    other["amount_micros"] = json!(9000);
    let taken = world
        .expect(409, post(&transfers(&world)).token(&root).json(&other))
        .await;
    assert_eq!(taken["error"]["code"], "transfer_id_taken");
    assert_eq!(balance(&world, &user).await, (8000, 0));

    let spoken = world.expect_status(200, say("Hello")).await;
    let request = spoken.header("x-usage-request-id").unwrap().to_owned();
    assert_eq!(balance(&world, &user).await, (3000, 0));
    world.expect(402, say("Hello")).await;

    let change = |body: Value| post(&transfers(&world)).token(&root).json(&body);
    let refund =
        |micros: i64| json!({ "kind": "refund", "amount_micros": micros, "request_id": request });
    let refused = world.expect(422, change(refund(5001))).await;
    assert_eq!(refused["error"]["code"], "not_refundable");
    world.expect(201, change(refund(2000))).await;
    world
        .expect(
            201,
            change(json!({ "kind": "adjustment", "amount_micros": -1000 })),
        )
        .await;
    assert_eq!(balance(&world, &admin).await, (4000, 0));
    for (body, code) in [
        (
            json!({ "kind": "adjustment", "amount_micros": -4001 }),
            "insufficient_credits",
        ),
        (json!({ "kind": "grant", "amount_micros": 0 }), "invalid"),
        (json!({ "kind": "grant", "amount_micros": -1 }), "invalid"),
        (json!({ "kind": "refund", "amount_micros": 1 }), "invalid"),
        (
            json!({ "kind": "grant", "amount_micros": 1, "request_id": request }),
            "invalid",
        ),
        (json!({ "kind": "hold", "amount_micros": 1 }), "invalid"),
    ] {
        let refused = world.expect(422, change(body.clone())).await;
        assert_eq!(refused["error"]["code"], code, "{body}");
    }

    world
        .expect(403, get(&transfers(&world)).token(&user).empty())
        .await;
    let statement = world
        .expect(200, get(&transfers(&world)).token(&admin).empty())
        .await;
    let kinds: Vec<&str> = statement["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|transfer| transfer["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"adjustment"));
    assert_eq!(kinds.last(), Some(&"purchase"));
    assert!(
        kinds.contains(&"post") && kinds.contains(&"refund"),
        "{kinds:?}"
    );
    assert_eq!(statement["items"][0]["available_after_micros"], 4000);
    assert_eq!(statement["total"].as_u64(), Some(kinds.len() as u64));

    // A key's budget is a bound of its own.
    let body = json!({ "name": "k", "credit_budget_micros": 2000 });
    let (_, key) = world.key(&user, &body).await;
    let by_key = |text: &str| {
        post("/tts/tts")
            .token(&key)
            .json(&json!({ "text": text, "audio_format": "wav" }))
    };
    world.expect_status(200, by_key("Hi")).await;
    let over = world.expect(402, by_key("Hi")).await;
    assert!(
        over["detail"].as_str().unwrap().contains("budget"),
        "{over}"
    );
}

#[tokio::test]
async fn usage_is_summed_and_exported() {
    let world = World::new().await;
    let (admin, user) = (world.login(ADMIN).await, world.login(USER).await);
    let (key, secret) = world.key(&user, &json!({ "name": "=evil" })).await;
    for (token, text) in [
        (&admin, "one"),
        (&user, "one two"),
        (&secret, "one two three"),
    ] {
        let say = json!({ "text": text, "audio_format": "wav", "voice_id": "fake_anna" });
        world
            .expect_status(200, post("/tts/tts").token(token).json(&say))
            .await;
    }
    let usage = format!("/admin/v1/organizations/{}/usage", world.home);
    let report = async |token: &str, query: &str| {
        let path = format!("{usage}?{query}");
        world.expect(200, get(&path).token(token).empty()).await
    };
    for (group, rows) in [
        ("day", 1),
        ("hour", 1),
        ("user", 2),
        ("key", 2),
        ("voice", 1),
        ("model", 1),
        ("service", 1),
        ("dialect", 1),
    ] {
        let found = report(&admin, &format!("group={group}")).await;
        assert_eq!(found["rows"].as_array().unwrap().len(), rows, "{found}");
        let sums = &found["total"];
        assert_eq!(
            (
                &sums["requests"],
                &sums["success"],
                &sums["quantities"]["words"]
            ),
            (&json!(3), &json!(3), &json!(6)),
            "{group}"
        );
    }
    let by_key = report(&admin, &format!("group=key&key_id={key}")).await;
    assert_eq!(by_key["rows"][0]["label"], "=evil");
    assert_eq!(by_key["total"]["quantities"]["words"], 3);
    // Plain users see their own, whatever they ask for.
    assert_eq!(report(&user, "group=user").await["total"]["requests"], 2);
    let other = world.user_id(ADMIN).await;
    world
        .expect(
            403,
            get(&format!("{usage}?user_id={other}"))
                .token(&user)
                .empty(),
        )
        .await;
    let none = report(&admin, "from=2026-01-01&until=2026-01-02").await;
    assert_eq!(
        (&none["rows"], &none["total"]["requests"]),
        (&json!([]), &json!(0))
    );
    for (query, field) in [
        ("group=week", "group"),
        ("from=yesterday", "from"),
        ("from=2026-01-02&until=2026-01-01", "from"),
    ] {
        let path = format!("{usage}?{query}");
        let refused = world.expect(422, get(&path).token(&user).empty()).await;
        assert_eq!(refused["error"]["field"], field, "{query}");
    }

    let csv = world
        .expect_status(200, get(&format!("{usage}/export")).token(&admin).empty())
        .await;
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    assert_eq!(
        csv.header("content-disposition"),
        Some("attachment; filename=\"usage.csv\"")
    );
    let text = csv.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("id,created_at,finished_at,"));
    let jsonl = world
        .expect_status(
            200,
            get(&format!("{usage}/export?format=jsonl&key_id={key}"))
                .token(&user)
                .empty(),
        )
        .await;
    assert_eq!(jsonl.header("content-type"), Some("application/jsonl"));
    let records: Vec<Value> = jsonl
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (
            &records[0]["words"],
            &records[0]["key_id"],
            &records[0]["status"]
        ),
        (&json!(3), &json!(key), &json!("success"))
    );
    assert!(records[0]["bytes_out"].as_u64().unwrap() > 1000);
    assert!(records[0]["audio_ms_out"].as_u64().unwrap() > 0);
    world
        .expect(
            422,
            get(&format!("{usage}/export?format=xls"))
                .token(&user)
                .empty(),
        )
        .await;
}

#[tokio::test]
async fn every_change_leaves_an_entry() {
    let world = World::new().await;
    let (root, admin, user) = (
        world.login(ROOT).await,
        world.login(ADMIN).await,
        world.login(USER).await,
    );
    let organization = format!("/admin/v1/organizations/{}", world.home);
    world
        .expect(
            200,
            patch(&organization)
                .token(&admin)
                .json(&json!({ "name": "New" })),
        )
        .await;
    let (key, secret) = world
        .key(
            &admin,
            &json!({ "name": "k", "services": ["tts", "admin"] }),
        )
        .await;
    world
        .expect(
            200,
            patch(&organization)
                .token(&secret)
                .json(&json!({ "name": "Newer" })),
        )
        .await;
    grant(&world, &root, 5).await;
    world
        .expect(200, put("/admin/v1/prices").token(&root).json(&prices()))
        .await;
    let plan = world
        .expect(
            201,
            post("/admin/v1/plans")
                .token(&root)
                .json(&json!({ "name": "p" })),
        )
        .await;

    world
        .expect(403, get("/admin/v1/audit").token(&user).empty())
        .await;
    let audit = async |token: &str, query: &str| {
        let path = format!("/admin/v1/audit?{query}");
        world.expect(200, get(&path).token(token).empty()).await
    };
    let own = audit(&admin, "limit=4").await;
    let entries = own["items"].as_array().unwrap();
    let actions: Vec<&str> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "credits.grant",
            "organization.update",
            "key.create",
            "organization.update"
        ]
    );
    let by_key = &entries[1];
    assert_eq!(
        (
            &by_key["actor"],
            &by_key["actor_key_id"],
            &by_key["address"]
        ),
        (&json!("key"), &json!(key), &json!("192.0.2.1"))
    );
    assert_eq!(
        by_key["changes"],
        json!({ "name": { "old": "New", "new": "Newer" } })
    );
    assert_eq!(entries[3]["actor"], "user");
    assert!(
        !own.to_string().contains(plan["id"].as_str().unwrap()),
        "the installation's own entries are not an organisation's to see"
    );
    for (query, expected) in [
        (
            format!("organization_id={}&action=key.create", world.home),
            1,
        ),
        (format!("actor_key_id={key}"), 1),
        ("action=plan.create".to_owned(), 1),
        ("action=prices.update".to_owned(), 1),
        (
            format!(
                "target_kind=plan&target_id={}",
                plan["id"].as_str().unwrap()
            ),
            1,
        ),
        ("action=nothing".to_owned(), 0),
        (format!("organization_id={}", uuid::Uuid::now_v7()), -1),
    ] {
        if expected < 0 {
            let path = format!("/admin/v1/audit?{query}");
            world.expect(404, get(&path).token(&root).empty()).await;
        } else {
            assert_eq!(audit(&root, &query).await["total"], expected, "{query}");
        }
    }
}
