//! `GET /docs` and `GET /openapi.json`: Swagger UI from the binary, with no address outside this server.

use std::io::Read as _;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{free_text, required};
use crate::extract::{DecodeOptions, Nothing, Style, input};
use crate::openapi::{self, Description};
use crate::refused::Refused;
use crate::routes::Route;

/// The published document, rendered once.
#[derive(Debug)]
pub struct PublishedDocument {
    json: Bytes,
}

impl PublishedDocument {
    /// Renders the document of these routes.
    pub fn new(routes: &[Route], options: &DecodeOptions) -> Self {
        Self {
            json: Bytes::from(openapi::document(routes, options).to_string()),
        }
    }
}

/// Serves the document.
#[derive(Debug)]
pub struct Document;

impl Endpoint for Document {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "OpenAPI document",
            details: "",
            tag: TAG,
            answers: Vec::new(),
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let document = call.document.as_ref().ok_or_else(Refused::not_found)?;
        Ok((
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )],
            document.json.clone(),
        )
            .into_response())
    }
}

/// Scripts and styles come from this server only; Swagger UI sets styles on elements, hence the exception.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

const PAGE: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Voxgate API</title>
<link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">
<link rel=\"icon\" type=\"image/png\" href=\"/docs/favicon-32x32.png\">
</head>
<body>
<div id=\"swagger-ui\"></div>
<noscript>This page needs JavaScript; the document itself is at <a href=\"/openapi.json\">/openapi.json</a>.</noscript>
<script src=\"/docs/swagger-ui-bundle.js\"></script>
<script src=\"/docs/start.js\"></script>
</body>
</html>
";

const START: &str = "window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
";

/// Serves the documentation page.
#[derive(Debug)]
pub struct Docs;

impl Endpoint for Docs {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Documentation",
            details: "",
            tag: TAG,
            answers: Vec::new(),
        }
    }

    async fn handle(_: Call<Self>) -> Result<Response, Refused> {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        Ok((
            [
                (header::CONTENT_TYPE, html),
                (header::CONTENT_SECURITY_POLICY, POLICY),
            ],
            PAGE,
        )
            .into_response())
    }
}

input! {
    /// Which file.
    pub struct AssetPath as "AssetPath", Style::Text; {
        /// Its name.
        file: String = required(free_text()),
    }
}

/// What the page loads, and nothing else of the archive: names and media types.
const ASSETS: [(&str, &str); 3] = [
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];

/// Unpacks a file of the Swagger UI archive that is part of the program; its files lie at the end of longer paths.
fn unpack(name: &str) -> zip::result::ZipResult<Bytes> {
    let archive = utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive))?;
    let end = format!("/dist/{name}");
    let path = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|path| path.ends_with(&end))
        .ok_or(zip::result::ZipError::FileNotFound)?
        .into_owned();
    let mut bytes = Vec::new();
    archive.by_name(&path)?.read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Serves the page's files.
#[derive(Debug)]
pub struct DocsAsset;

impl Endpoint for DocsAsset {
    type Path = AssetPath;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Documentation file",
            details: "",
            tag: TAG,
            answers: Vec::new(),
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let cached = (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=86400"),
        );
        if call.path.file == "start.js" {
            let script = HeaderValue::from_static("text/javascript; charset=utf-8");
            return Ok(([(header::CONTENT_TYPE, script), cached], START).into_response());
        }
        let (name, media) = ASSETS
            .into_iter()
            .find(|(name, _)| *name == call.path.file)
            .ok_or_else(Refused::not_found)?;
        // Some ten milliseconds of unpacking; browsers keep what they get.
        let unpacked = tokio::task::spawn_blocking(move || unpack(name)).await;
        let bytes = unpacked
            .map_err(|error| error.to_string())
            .and_then(|unpacked| unpacked.map_err(|error| error.to_string()))
            .map_err(|error| {
                tracing::error!(error.message = %error, "A documentation file cannot be read");
                Refused::internal()
            })?;
        let media = HeaderValue::from_static(media);
        Ok((
            StatusCode::OK,
            [(header::CONTENT_TYPE, media), cached],
            bytes,
        )
            .into_response())
    }
}
