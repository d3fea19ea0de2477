//! The published document, made from the route table and the declarations of each endpoint.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::extract::{DecodeOptions, FieldDoc, Style};
use crate::output::{Components, described};
use crate::routes::{Access, Listing, Part, Route};
use crate::surface::Surface;

/// What an endpoint says about itself; statuses that follow from its access and its inputs are added here.
#[derive(Debug, Clone)]
pub struct Description {
    /// A few words.
    pub summary: &'static str,
    /// A sentence or two.
    pub details: &'static str,
    /// The group it is listed under.
    pub tag: &'static str,
    /// The answers that are its own.
    pub answers: Vec<Answer>,
}

/// A header that an endpoint reads.
#[derive(Debug, Clone, Copy)]
pub struct RequestHeader {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// The longest value in characters.
    pub max_length: usize,
    /// What a value looks like, as a regular expression.
    pub pattern: &'static str,
}

/// One answer of an endpoint.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// When it is given.
    pub when: &'static str,
    /// What is in it.
    pub content: Vec<Content>,
    /// Headers worth knowing: name, schema type, meaning.
    pub headers: Vec<(&'static str, &'static str, &'static str)>,
}

/// One representation of an answer's body.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// JSON of this schema.
    Json(fn(&mut Components) -> Value),
    /// A page for people.
    Html,
    /// Audio of this media type.
    Audio(&'static str),
    /// Text of this media type.
    Text(&'static str),
    /// The surface's refusal shape.
    Refusal,
    /// The 422 list of the dialect that has one.
    Faults,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode, when: &'static str) -> Self {
        Self {
            status,
            when,
            content: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// An answer with one JSON body.
    pub fn json(
        status: StatusCode,
        when: &'static str,
        schema: fn(&mut Components) -> Value,
    ) -> Self {
        Self {
            status,
            when,
            content: vec![Content::Json(schema)],
            headers: Vec::new(),
        }
    }

    /// A refusal.
    pub fn refusal(status: StatusCode, when: &'static str) -> Self {
        Self {
            status,
            when,
            content: vec![Content::Refusal],
            headers: Vec::new(),
        }
    }

    /// Adds a representation.
    pub fn or(mut self, content: Content) -> Self {
        self.content.push(content);
        self
    }

    /// Adds a header: its name, its JSON type and what it tells.
    pub fn header(mut self, name: &'static str, kind: &'static str, meaning: &'static str) -> Self {
        self.headers.push((name, kind, meaning));
        self
    }
}

/// Name of the bearer scheme that generated clients look for.
const BEARER: &str = "OAuth2PasswordBearer";
/// Name of the API key scheme; ours.
const API_KEY: &str = "APIKeyHeader";

/// Builds the document.
pub fn document(routes: &[Route], options: &DecodeOptions) -> Value {
    let mut components = Components::default();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes
        .iter()
        .filter(|route| route.listing == Listing::Documented)
    {
        let operation = operation(route, options, &mut components);
        let path = paths
            .entry(route.path.to_owned())
            .or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    define_refusals(&mut components);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Voxgate",
            "summary": "Speech for your own machines, in the AethexAI TTS dialect.",
            "description": "Log in with the Authorize button (e-mail and password) or present an API key, then try POST /tts/tts. Administration is under /admin/v1.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": components.into_schemas(),
            "securitySchemes": {
                BEARER: {
                    "type": "oauth2",
                    "flows": { "password": { "scopes": {}, "tokenUrl": "auth/jwt/login" } },
                },
                API_KEY: { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
    })
}

fn operation(route: &Route, options: &DecodeOptions, components: &mut Components) -> Value {
    let description = (route.describe)();
    let [path, query, body] = route.parts;
    let mut operation = Map::new();
    operation.insert("tags".into(), json!([description.tag]));
    operation.insert("summary".into(), description.summary.into());
    operation.insert("description".into(), description.details.into());
    operation.insert("operationId".into(), route.operation_id().into());
    if route.access != Access::Public {
        operation.insert("security".into(), json!([{ BEARER: [] }, { API_KEY: [] }]));
    }
    let parameters: Vec<Value> = parameters("path", path, options)
        .chain(parameters("query", query, options))
        .chain(route.headers.iter().map(header_parameter))
        .collect();
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if body.style != Style::None {
        operation.insert(
            "requestBody".into(),
            request_body(body, options, components),
        );
    }
    operation.insert(
        "responses".into(),
        responses(route, description.answers, components),
    );
    Value::Object(operation)
}

fn parameters(
    place: &'static str,
    part: Part,
    options: &DecodeOptions,
) -> impl Iterator<Item = Value> {
    (part.fields)(options).into_iter().map(move |field| {
        json!({
            "name": field.name,
            "in": place,
            "required": field.required || place == "path",
            "description": field.description,
            "schema": field.schema,
        })
    })
}

fn header_parameter(header: &RequestHeader) -> Value {
    json!({
        "name": header.name,
        "in": "header",
        "required": false,
        "description": header.meaning,
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": header.max_length,
            "pattern": header.pattern,
        },
    })
}

fn request_body(part: Part, options: &DecodeOptions, components: &mut Components) -> Value {
    let fields = (part.fields)(options);
    let is_strict = part.style == Style::Strict;
    let reference = components.define(part.name, |_| {
        let mut schema = object_schema(part.name, &fields);
        if is_strict {
            schema["additionalProperties"] = false.into();
        }
        schema
    });
    // Where nothing must be said, nothing need be sent.
    let required = !is_strict || fields.iter().any(|field| field.required);
    let media: &[&str] = match part.style {
        Style::Form => &["application/x-www-form-urlencoded", "multipart/form-data"],
        Style::ModelOrForm | Style::EmbeddedOrForm => {
            &["application/json", "application/x-www-form-urlencoded"]
        }
        Style::None | Style::Text | Style::Model | Style::Strict | Style::Embedded => {
            &["application/json"]
        }
    };
    let content: Map<String, Value> = media
        .iter()
        .map(|media| ((*media).to_owned(), json!({ "schema": reference })))
        .collect();
    json!({ "required": required, "content": content })
}

fn object_schema(name: &str, fields: &[FieldDoc]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            (
                field.name.to_owned(),
                described(field.schema.clone(), field.description),
            )
        })
        .collect();
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let mut schema = json!({ "type": "object", "title": name, "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// An endpoint's own answers and those that follow from who may call it and what it reads.
fn responses(route: &Route, mut answers: Vec<Answer>, components: &mut Components) -> Value {
    let mut add = |status, when| {
        if !answers.iter().any(|answer| answer.status == status) {
            answers.push(Answer::refusal(status, when));
        }
    };
    if route.access != Access::Public {
        add(StatusCode::UNAUTHORIZED, "Missing or invalid credential.");
        add(
            StatusCode::FORBIDDEN,
            "The caller may not do this, or must verify their address first.",
        );
        if route.class.limit().is_some() {
            add(
                StatusCode::TOO_MANY_REQUESTS,
                "A limit of the organization or of the API key is reached.",
            );
        }
    }
    let [path, query, body] = route.parts;
    let mut reads = false;
    for part in [path, query, body] {
        reads |= part.style != Style::None;
    }
    if body.style != Style::None {
        add(StatusCode::BAD_REQUEST, "The body cannot be read.");
        add(
            StatusCode::REQUEST_TIMEOUT,
            "The body did not arrive in time.",
        );
        add(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.");
    }
    add(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Our fault; the log has the details under the request id.",
    );
    add(
        StatusCode::SERVICE_UNAVAILABLE,
        "Busy or not available at the moment.",
    );
    if reads
        && !answers
            .iter()
            .any(|answer| answer.status == StatusCode::UNPROCESSABLE_ENTITY)
    {
        answers.push(Answer {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            when: "Validation Error",
            content: vec![match route.surface {
                Surface::Aethex => Content::Faults,
                Surface::Native => Content::Refusal,
            }],
            headers: Vec::new(),
        });
    }
    // What takes forms answers them with pages, refusals included.
    if matches!(body.style, Style::ModelOrForm | Style::EmbeddedOrForm) {
        for answer in answers
            .iter_mut()
            .filter(|answer| answer.status.as_u16() >= 400)
        {
            if !answer
                .content
                .iter()
                .any(|content| matches!(content, Content::Html))
            {
                answer.content.push(Content::Html);
            }
        }
    }
    answers.sort_by_key(|answer| answer.status);
    let responses: Map<String, Value> = answers
        .iter()
        .map(|answer| {
            (
                answer.status.as_str().to_owned(),
                response(answer, route.surface, components),
            )
        })
        .collect();
    Value::Object(responses)
}

fn response(answer: &Answer, surface: Surface, components: &mut Components) -> Value {
    let mut response = json!({ "description": answer.when });
    let mut content = Map::new();
    for representation in &answer.content {
        let (media, schema) = match representation {
            Content::Json(schema) => ("application/json", schema(components)),
            Content::Html => ("text/html", json!({ "type": "string" })),
            Content::Audio(media) => (
                *media,
                json!({ "type": "string", "contentMediaType": media }),
            ),
            Content::Text(media) => (*media, json!({ "type": "string" })),
            Content::Refusal => (
                "application/json",
                match surface {
                    Surface::Aethex => json!({ "$ref": "#/components/schemas/ErrorModel" }),
                    Surface::Native => json!({ "$ref": "#/components/schemas/AdminError" }),
                },
            ),
            Content::Faults => (
                "application/json",
                json!({ "$ref": "#/components/schemas/HTTPValidationError" }),
            ),
        };
        // Two shapes of one media type are alternatives.
        let schema = match content.get(media) {
            Some(before) => json!({ "anyOf": [before["schema"], schema] }),
            None => schema,
        };
        content.insert(media.to_owned(), json!({ "schema": schema }));
    }
    if !content.is_empty() {
        response["content"] = Value::Object(content);
    }
    let headers: Map<String, Value> = answer
        .headers
        .iter()
        .map(|(name, kind, meaning)| {
            (
                (*name).to_owned(),
                json!({ "description": meaning, "schema": { "type": kind } }),
            )
        })
        .collect();
    if !headers.is_empty() {
        response["headers"] = Value::Object(headers);
    }
    response
}

fn define_refusals(components: &mut Components) {
    components.define("ErrorModel", |_| {
        json!({
            "type": "object",
            "title": "ErrorModel",
            "properties": {
                "detail": {
                    "title": "Detail",
                    "anyOf": [
                        { "type": "string" },
                        { "type": "object", "additionalProperties": { "type": "string" } },
                    ],
                },
            },
            "required": ["detail"],
        })
    });
    components.define("AdminError", |_| {
        json!({
            "type": "object",
            "title": "AdminError",
            "properties": {
                "error": {
                    "type": "object",
                    "properties": {
                        "code": { "type": "string", "description": "For programs; it never changes." },
                        "message": { "type": "string", "description": "For people." },
                        "field": { "type": "string", "description": "The field at fault, where one is." },
                        "retry_after": {
                            "type": "integer",
                            "description": "Seconds to wait, where waiting helps; also in `Retry-After`.",
                        },
                        "request_id": { "type": "string", "description": "As in `X-Request-Id`." },
                    },
                    "required": ["code", "message", "request_id"],
                },
            },
            "required": ["error"],
        })
    });
    components.define("HTTPValidationError", |components| {
        let item = components.define("ValidationError", |_| {
            json!({
                "type": "object",
                "title": "ValidationError",
                "properties": {
                    "loc": {
                        "title": "Location",
                        "type": "array",
                        "items": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
                    },
                    "msg": { "title": "Message", "type": "string" },
                    "type": { "title": "Error Type", "type": "string" },
                    "input": { "title": "Input", "description": "The value as it was received." },
                    "ctx": { "title": "Context", "type": "object" },
                },
                "required": ["loc", "msg", "type"],
            })
        });
        json!({
            "type": "object",
            "title": "HTTPValidationError",
            "properties": { "detail": { "title": "Detail", "type": "array", "items": item } },
        })
    });
}
