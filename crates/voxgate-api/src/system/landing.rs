//! `GET /`: what this is and where to go on.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::Description;
use crate::page::{escape, page};
use crate::refused::Refused;

/// The front page.
#[derive(Debug)]
pub struct Landing;

impl Endpoint for Landing {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Front page",
            details: "A page for people.",
            tag: TAG,
            answers: Vec::new(),
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let scheme = if call.context.tls { "https" } else { "http" };
        let base = format!("{scheme}://{}", host(&call.headers));
        let docs = if call.state.config.docs {
            "<li><a href=\"/docs\">Documentation</a>, where every endpoint can be tried</li>\n\
             <li><a href=\"/openapi.json\">OpenAPI document</a> for code generators</li>\n"
        } else {
            ""
        };
        let body = format!(
            "<p>This server turns text into speech with voices that run on this machine. \
             It speaks the AethexAI TTS API.</p>\n\
             <ul>\n{docs}<li><a href=\"/health\">Health</a> and <a href=\"/ready\">readiness</a></li>\n</ul>\n\
             <p>A first request; put your API key in the place of the dots:</p>\n\
             <pre><code>curl {base}/tts/tts \\\n  -H 'Authorization: Bearer …' \\\n  -H 'Content-Type: application/json' \\\n  \
             -d '{{\"text\": \"Hello from Voxgate.\"}}' -o hello.mp3</code></pre>\n\
             <p><small>Voxgate {version}</small></p>",
            base = escape(&base),
            version = env!("CARGO_PKG_VERSION"),
        );
        Ok(page(StatusCode::OK, "Voxgate", &body))
    }
}

fn host(headers: &HeaderMap) -> &str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost")
}
