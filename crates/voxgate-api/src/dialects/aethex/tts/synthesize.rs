//! `POST /tts/tts`: a text in, an audio file out.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use voxgate_audio::{AudioFormat, SUPPORTED_SAMPLE_RATES};
use voxgate_domain::Timestamp;
use voxgate_services::speech::{SpeechCommand, SpokenBody, SpokenMeta};

use super::super::error;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, one_of, one_of_numbers, real, required, spoken_text, text};
use crate::extract::{Nothing, Style, input};
use crate::limits_headers::{self, Family};
use crate::openapi::{Answer, Content, Description, RequestHeader};
use crate::refused::Refused;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const USAGE_ID: HeaderName = HeaderName::from_static("x-usage-request-id");
const WORDS_USED: HeaderName = HeaderName::from_static("x-words-used");
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// `ogg` and `opus` are two names for Opus in Ogg.
const FORMATS: &[&str] = &[
    "mp3", "wav", "ogg", "opus", "flac", "aac", "pcm", "ulaw", "alaw",
];

input! {
    /// A text to be spoken.
    pub struct SpeechBody as "TTSRequest", Style::Model; {
        /// The text.
        text: String = required(spoken_text()),
        /// A voice or an alias of one, as `GET /tts/voices` lists them.
        voice_id: String = defaulted(text().max(200), "en_female_warm_1"),
        /// The audio format; `ogg` and `opus` both mean Opus in Ogg.
        audio_format: &'static str = defaulted(one_of(FORMATS), "mp3"),
        /// Samples per second.
        sample_rate_hz: u32 = defaulted(one_of_numbers(&SUPPORTED_SAMPLE_RATES), 24_000),
        /// Pace: 1 is the voice's own, 2 is twice as fast.
        speed: f64 = defaulted(real(0.5, 2.0), 1.0),
    }
}

/// Speaks a text.
#[derive(Debug)]
pub struct Synthesize;

impl Endpoint for Synthesize {
    type Path = Nothing;
    type Query = Nothing;
    type Body = SpeechBody;

    const HEADERS: &'static [RequestHeader] = &[RequestHeader {
        name: "Idempotency-Key",
        max_length: 255,
        pattern: r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
        meaning: "Makes repeating the request safe for 24 hours: the stored answer comes back and nothing is charged again.",
    }];

    fn describe() -> Description {
        let audio = Answer::empty(StatusCode::OK, "The whole audio file.")
            .or(Content::Audio("audio/mpeg"))
            .or(Content::Audio("audio/wav"))
            .or(Content::Audio("audio/ogg"))
            .or(Content::Audio("audio/flac"))
            .or(Content::Audio("audio/aac"))
            .or(Content::Audio("audio/L16"))
            .or(Content::Audio("audio/basic"))
            .or(Content::Audio("audio/PCMU"))
            .or(Content::Audio("audio/PCMA"))
            .header("X-Words-Used", "integer", "Words charged.")
            .header(
                "X-Usage-Request-Id",
                "string",
                "The request's id in the usage history.",
            )
            .header(
                "X-RateLimit-Limit",
                "integer",
                "Requests allowed in any 60 seconds.",
            )
            .header(
                "X-RateLimit-Remaining",
                "integer",
                "Requests that would be admitted right now.",
            )
            .header(
                "X-RateLimit-Reset",
                "integer",
                "Unix time at which the limit is whole again.",
            )
            .header(
                "Idempotent-Replayed",
                "string",
                "`true` where this is the stored answer to an earlier request with the same Idempotency-Key.",
            );
        Description {
            summary: "Speak a text",
            details: "Answers with the audio file itself. Failed syntheses are not charged.",
            tag: TAG,
            answers: vec![
                audio,
                Answer::refusal(
                    StatusCode::PAYMENT_REQUIRED,
                    "The credits of the organization, or the budget of the API key, do not cover it.",
                ),
                Answer::refusal(StatusCode::NOT_FOUND, "Voice not found."),
                Answer::refusal(
                    StatusCode::CONFLICT,
                    "A request with this Idempotency-Key is at work, or its answer was too long to be kept.",
                )
                .header("Retry-After", "integer", "Seconds to wait."),
                Answer::refusal(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "Validation Error, or the Idempotency-Key is malformed or was used for a different request.",
                )
                .or(Content::Faults),
                Answer::refusal(
                    StatusCode::TOO_MANY_REQUESTS,
                    "A limit of the organization or of the API key is reached.",
                )
                .header("Retry-After", "integer", "Seconds to wait."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let started = call.context.started;
        // What is no text cannot be a key either; the service says so.
        let idempotency_key = call
            .headers
            .get(IDEMPOTENCY_KEY)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let body = call.body;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a pace between 0.5 and 2.0 needs no more digits"
        )]
        let speed = body.speed as f32;
        let command = SpeechCommand {
            text: body.text.clone(),
            voice: body.voice_id,
            format: body.audio_format.parse().unwrap_or(AudioFormat::Mp3),
            sample_rate_hz: body.sample_rate_hz,
            speed,
            endpoint: "/tts/tts",
            dialect: "aethex",
            idempotency_key,
        };
        let spoken = call
            .state
            .services
            .speech()
            .synthesize(&principal, command)
            .await;
        let spoken = spoken.map_err(|error| error::speech(error, &body.text))?;
        let mut response = Response::new(Body::empty());
        describe_audio(
            response.headers_mut(),
            &spoken.meta,
            call.state.services.now(),
        );
        match spoken.body {
            SpokenBody::Complete { bytes, outcome } => {
                // A replay has kept no engine busy.
                if let Some(outcome) = outcome {
                    let timing = format!(
                        "queue;dur={}, engine;dur={}, encode;dur={}, total;dur={}",
                        millis(outcome.queue),
                        millis(outcome.engine),
                        millis(outcome.encode),
                        millis(started.elapsed())
                    );
                    insert(response.headers_mut(), SERVER_TIMING, &timing);
                }
                response
                    .headers_mut()
                    .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
                *response.body_mut() = Body::from(bytes);
            }
            SpokenBody::Stream { first, rest } => {
                insert(response.headers_mut(), SERVER_TIMING, &first_audio(started));
                // An error item breaks the connection off, which is how a client learns that the file is cut short.
                *response.body_mut() = Body::from_stream(stream::iter([Ok(first)]).chain(rest));
            }
        }
        Ok(response)
    }
}

fn describe_audio(headers: &mut HeaderMap, meta: &SpokenMeta, now: Timestamp) {
    insert(
        headers,
        header::CONTENT_TYPE,
        &meta.format.content_type(meta.sample_rate_hz),
    );
    let name = format!("inline; filename=\"speech.{}\"", meta.format.extension());
    insert(headers, header::CONTENT_DISPOSITION, &name);
    insert(headers, USAGE_ID, &meta.request_id.to_string());
    headers.insert(WORDS_USED, HeaderValue::from(meta.words));
    limits_headers::add(headers, Family::Plain, now, |kind| meta.limits.get(kind));
    if meta.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Queue, engine and encoder are still at work when a long file begins: only the wait so far is known.
fn first_audio(started: Instant) -> String {
    format!("first-audio;dur={}", millis(started.elapsed()))
}

/// Milliseconds with one decimal, as `Server-Timing` wants them.
fn millis(span: Duration) -> String {
    format!("{:.1}", span.as_secs_f64() * 1000.0)
}
