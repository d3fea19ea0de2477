//! The 422 list: each kind of fault in its exact words, all faults of a request, and no input that breaks the decoder.

use proptest::prelude::*;
use serde_json::{Value, json};
use voxgate_api::dialects::aethex::organizations::create::OrganizationCreate;
use voxgate_api::dialects::aethex::tts::synthesize::SpeechBody;
use voxgate_api::dialects::aethex::usage::requests::RequestsQuery;
use voxgate_api::extract::body::Received;
use voxgate_api::extract::{DecodeOptions, read_body, read_query};

use crate::harness::{ROOT, World, get, post};

fn item(kind: &str, location: Value, message: &str, input: Value, context: Option<Value>) -> Value {
    let mut item = json!({ "type": kind, "loc": location, "msg": message, "input": input });
    if let Some(context) = context {
        item["ctx"] = context;
    }
    item
}

#[tokio::test]
async fn query_faults() {
    let world = World::new().await;
    let token = world.login(ROOT).await;
    let parse = "Input should be a valid integer, unable to parse string as an integer";
    let members = "'pending', 'success' or 'failed'";
    let length = "invalid length: expected length 32 for simple format, found 3";
    for (query, expected) in [
        (
            "limit=abc",
            vec![item(
                "int_parsing",
                json!(["query", "limit"]),
                parse,
                json!("abc"),
                None,
            )],
        ),
        (
            "limit=",
            vec![item(
                "int_parsing",
                json!(["query", "limit"]),
                parse,
                json!(""),
                None,
            )],
        ),
        (
            "limit=1.5",
            vec![item(
                "int_parsing",
                json!(["query", "limit"]),
                parse,
                json!("1.5"),
                None,
            )],
        ),
        (
            "limit=101",
            vec![item(
                "less_than_equal",
                json!(["query", "limit"]),
                "Input should be less than or equal to 100",
                json!("101"),
                Some(json!({ "le": 100 })),
            )],
        ),
        (
            "limit=1&limit=0",
            vec![item(
                "greater_than_equal",
                json!(["query", "limit"]),
                "Input should be greater than or equal to 1",
                json!("0"),
                Some(json!({ "ge": 1 })),
            )],
        ),
        (
            "offset=-1",
            vec![item(
                "greater_than_equal",
                json!(["query", "offset"]),
                "Input should be greater than or equal to 0",
                json!("-1"),
                Some(json!({ "ge": 0 })),
            )],
        ),
        (
            "status=x",
            vec![item(
                "enum",
                json!(["query", "status"]),
                &format!("Input should be {members}"),
                json!("x"),
                Some(json!({ "expected": members })),
            )],
        ),
        (
            "user_id=abc",
            vec![item(
                "uuid_parsing",
                json!(["query", "user_id"]),
                &format!("Input should be a valid UUID, {length}"),
                json!("abc"),
                Some(json!({ "error": length })),
            )],
        ),
        (
            "status=x&limit=abc",
            vec![
                item(
                    "int_parsing",
                    json!(["query", "limit"]),
                    parse,
                    json!("abc"),
                    None,
                ),
                item(
                    "enum",
                    json!(["query", "status"]),
                    &format!("Input should be {members}"),
                    json!("x"),
                    Some(json!({ "expected": members })),
                ),
            ],
        ),
    ] {
        let reply = world
            .send(
                get(&format!("/usage/requests?{query}"))
                    .token(&token)
                    .empty(),
            )
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()),
            (422, json!({ "detail": expected })),
            "{query}"
        );
    }
    for query in ["limit=1.0", "limit=0&limit=7", "unknown=1", "limit=%2B5"] {
        let reply = world
            .send(
                get(&format!("/usage/requests?{query}"))
                    .token(&token)
                    .empty(),
            )
            .await;
        assert_eq!(reply.status, 200, "{query}");
    }
}

#[tokio::test]
async fn body_faults() {
    let world = World::new().await;
    let token = world.login(ROOT).await;
    let speak = |body: &str| post("/tts/tts").token(&token).raw_json(body);
    let object = "Input should be a valid dictionary or object to extract fields from";
    for (body, expected) in [
        (
            r#"{"text":5}"#,
            item(
                "string_type",
                json!(["body", "text"]),
                "Input should be a valid string",
                json!(5),
                None,
            ),
        ),
        (
            r#"{"text":""}"#,
            item(
                "string_too_short",
                json!(["body", "text"]),
                "String should have at least 1 character",
                json!(""),
                Some(json!({ "min_length": 1 })),
            ),
        ),
        (
            r#"{"text":"a","sample_rate_hz":24000.5}"#,
            item(
                "int_from_float",
                json!(["body", "sample_rate_hz"]),
                "Input should be a valid integer, got a number with a fractional part",
                json!(24000.5),
                None,
            ),
        ),
        (
            r#"{"text":"a","speed":3}"#,
            item(
                "less_than_equal",
                json!(["body", "speed"]),
                "Input should be less than or equal to 2",
                json!(3),
                Some(json!({ "le": 2.0 })),
            ),
        ),
        (
            r#""text""#,
            item(
                "model_attributes_type",
                json!(["body"]),
                object,
                json!("text"),
                None,
            ),
        ),
        (
            "[1]",
            item(
                "model_attributes_type",
                json!(["body"]),
                object,
                json!([1]),
                None,
            ),
        ),
        (
            "null",
            item(
                "missing",
                json!(["body"]),
                "Field required",
                Value::Null,
                None,
            ),
        ),
        (
            "{",
            item(
                "json_invalid",
                json!(["body", 1]),
                "JSON decode error",
                json!({}),
                Some(json!({ "error": "Expecting property name enclosed in double quotes" })),
            ),
        ),
        (
            r#"{"text":"ü" 1}"#,
            item(
                "json_invalid",
                json!(["body", 12]),
                "JSON decode error",
                json!({}),
                Some(json!({ "error": "Expecting ',' delimiter" })),
            ),
        ),
        (
            r#"{"text":NaN}"#,
            item(
                "json_invalid",
                json!(["body", 8]),
                "JSON decode error",
                json!({}),
                Some(json!({ "error": "Not a finite number" })),
            ),
        ),
    ] {
        let reply = world.send(speak(body)).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()),
            (422, json!({ "detail": [expected] })),
            "{body}"
        );
    }
    let form = post("/tts/tts").token(&token).form(&[("text", "a b")]);
    assert_eq!(
        world.send(form).await.json()["detail"][0]["input"],
        "text=a+b"
    );
    let everything = world
        .send(speak(
            r#"{"voice_id":1,"audio_format":"x","sample_rate_hz":1,"speed":"fast"}"#,
        ))
        .await
        .json();
    let found: Vec<&str> = everything["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["loc"][1].as_str().unwrap())
        .collect();
    assert_eq!(
        found,
        [
            "text",
            "voice_id",
            "audio_format",
            "sample_rate_hz",
            "speed"
        ],
        "all of them, in order of declaration"
    );
    let reply = world.send(speak(r#"{"text":5,"voice_id":"ü"}"#)).await;
    assert_eq!(
        reply.text(),
        r#"{"detail":[{"type":"string_type","loc":["body","text"],"msg":"Input should be a valid string","input":5}]}"#
    );
}

#[tokio::test]
async fn leniency() {
    let world = World::new().await;
    let token = world.login(ROOT).await;
    let create = |body: Value| post("/organizations").token(&token).json(&body);
    let lenient = json!({ "name": "Lenient", "admin_email": "l@example.com", "daily_word_limit": "24000", "monthly_word_limit": 5.0, "rate_limit_per_minute": true });
    let reply = world.send(create(lenient)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let made = reply.json();
    assert_eq!(
        (
            &made["daily_word_limit"],
            &made["monthly_word_limit"],
            &made["rate_limit_per_minute"]
        ),
        (&json!(24000), &json!(5), &json!(1))
    );
    let json_api = post("/organizations")
        .token(&token)
        .header("content-type", "application/vnd.api+json")
        .bytes(br#"{"name":"A","admin_email":"a@example.com"}"#.to_vec());
    assert_eq!(world.send(json_api).await.status, 201);
    let untyped = post("/organizations")
        .token(&token)
        .bytes(br#"{"name":"B","admin_email":"b@example.com"}"#.to_vec());
    assert_eq!(world.send(untyped).await.status, 201);
    for name in ["a\0b", "  ", "two\nlines", ""] {
        let reply = world
            .send(create(
                json!({ "name": name, "admin_email": "c@example.com" }),
            ))
            .await;
        assert_eq!(reply.status, 422, "{name:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_body() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        "text",
        "voice_id",
        "audio_format",
        "sample_rate_hz",
        "speed",
        "name",
        "domain",
        "admin_email",
        "daily_word_limit"
    ];
    prop_oneof![
        3 => prop::collection::vec((field, any_json()), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        1 => any_json(),
    ]
}

proptest! {
    #[test]
    fn the_decoder_answers_every_body(body in any_body()) {
        let options = DecodeOptions::default();
        let received = Received::Json(body.clone());
        if let Ok(read) = read_body::<SpeechBody>(&received, &options) {
            prop_assert!(!read.text.is_empty() && (0.5..=2.0).contains(&read.speed));
            prop_assert!(body.is_object());
        }
        if let Err(faults) = read_body::<OrganizationCreate>(&received, &options) {
            prop_assert!(!faults.is_empty());
        }
    }

    #[test]
    fn the_decoder_answers_every_query(query in "[ -~]{0,40}") {
        match read_query::<RequestsQuery>(Some(&query), &DecodeOptions::default()) {
            Ok(read) => prop_assert!((1..=100).contains(&read.limit) && read.offset >= 0),
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }
}
