//! The published document: a snapshot, the details generated clients depend on, and its inner consistency.

use serde_json::{Value, json};

use crate::harness::{World, get};

async fn document() -> Value {
    World::new()
        .await
        .send(get("/openapi.json").empty())
        .await
        .json()
}

#[tokio::test]
async fn the_document_is_the_reviewed_one() {
    insta::assert_json_snapshot!("openapi", document().await);
}

#[tokio::test]
async fn what_generated_clients_depend_on() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let scheme = &document["components"]["securitySchemes"]["OAuth2PasswordBearer"];
    assert_eq!(
        *scheme,
        json!({ "type": "oauth2", "flows": { "password": { "scopes": {}, "tokenUrl": "auth/jwt/login" } } })
    );
    let login = &document["paths"]["/auth/jwt/login"]["post"];
    assert_eq!(login["operationId"], "auth_jwt_login_auth_jwt_login_post");
    for status in ["200", "400", "422"] {
        assert!(login["responses"].get(status).is_some(), "{status}");
    }
    let item = &document["components"]["schemas"]["ValidationError"];
    assert_eq!(item["required"], json!(["loc", "msg", "type"]));
    assert!(
        document["components"]["schemas"]
            .get("HTTPValidationError")
            .is_some()
    );
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(target) if name == "$ref" => found.push(target.to_owned()),
                        _ => walk(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
