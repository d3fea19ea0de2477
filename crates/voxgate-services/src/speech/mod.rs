//! Synthesis: the one place that knows the order in which a text becomes audio and is accounted for.
//!
//! Resolve the voice, check the text, see whether it was done before, pass the gate, queue for an engine, collect, settle.
//! What fails gives everything back. Short audio is answered whole, settled before the caller sees it; long audio is
//! streamed from a bound on, and settled when its last byte is taken, at an error, or when the stream is dropped.

mod delivery;
mod error;
mod kept;
mod types;

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use voxgate_audio::OutputSpec;
use voxgate_domain::{EndpointClass, Quantities, Refuse as _, Service};
use voxgate_engine::{
    ResolvedVoice, SpeechJob, SpeechOutcome, SpeechRequest, SpeechStream, VoiceInfo,
};

use crate::core::Core;
use crate::gate::{Ask, Gate, GateError, Pass, Times};
use crate::idempotency::{self, IdempotencyError, Ticket, Turn};
use crate::metering::Kept;
use crate::{Fault, Principal};
pub use error::SpeechError;
use kept::KeptMeta;
pub use types::{Quote, SpeechCommand, SpeechEngines, Spoken, SpokenBody, SpokenMeta};

/// How much audio is held against audio quotas and prices per character at speed 1: about twice what speech takes.
const HELD_MS_PER_CHARACTER: f64 = 120.0;
/// And for the silence around it.
const HELD_MS: f64 = 1_000.0;

/// Where the engines are once models are loaded.
#[derive(Default)]
pub(crate) struct EngineSlot(RwLock<Option<SpeechEngines>>);

impl EngineSlot {
    pub(crate) fn put(&self, engines: SpeechEngines) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(engines);
    }

    fn get(&self) -> Option<SpeechEngines> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The synthesis use cases.
#[derive(Clone)]
pub struct Speech {
    core: Arc<Core>,
    gate: Gate,
}

impl Speech {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            gate: Gate::new(Arc::clone(&core)),
            core,
        }
    }

    /// Hands over what speaks, once models are loaded; replaces what was there. Requests under way end with the engines
    /// they began with.
    pub fn attach(&self, engines: SpeechEngines) {
        self.core.engines.put(engines);
    }

    /// Whether anything speaks yet; for readiness.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.core
            .engines
            .get()
            .is_some_and(|engines| !engines.voices.voices().is_empty())
    }

    /// The voices, sorted as the engines list them; empty while no models are loaded.
    #[must_use]
    pub fn voices(&self) -> Vec<VoiceInfo> {
        self.core
            .engines
            .get()
            .map_or_else(Vec::new, |engines| engines.voices.voices().to_vec())
    }

    /// The aliases and the voice ids they stand for.
    #[must_use]
    pub fn aliases(&self) -> Vec<(String, String)> {
        self.core.engines.get().map_or_else(Vec::new, |engines| {
            let aliases = engines.voices.aliases();
            aliases
                .iter()
                .map(|(alias, voice)| (alias.clone(), voice.clone()))
                .collect()
        })
    }

    /// Speaks a text for the caller's organisation.
    ///
    /// A request counts against the windows once its voice and text are found good; one that a quota or a full queue
    /// refuses is given back.
    ///
    /// # Errors
    /// [`SpeechError`]; whatever was held for the request is given back then.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the engine, records the request as failed and gives back what was held.
    pub fn synthesize<'a>(
        &'a self,
        principal: &'a Principal,
        command: SpeechCommand,
    ) -> BoxFuture<'a, Result<Spoken, SpeechError>> {
        Box::pin(async move {
            let core = &self.core;
            let org = principal
                .organization()
                .filter(|_| principal.user_id().is_some())
                .ok_or(GateError::NoOrganization)?;
            let prepared = self.prepare(&command)?;
            let mut ticket = None;
            if let Some(key) = &command.idempotency_key {
                // Who may not ask may not ask again either.
                self.gate.check(principal, &prepared.ask)?;
                let fingerprint = kept::fingerprint(&command);
                let operation = command.endpoint;
                match idempotency::begin(core, principal, org.id, key, operation, fingerprint)
                    .await?
                {
                    Turn::First(first) => ticket = Some(first),
                    Turn::Replay { meta, body } => {
                        return self.replay(principal, &meta, body).await;
                    }
                }
            }
            let words = prepared.ask.quantities.words;
            let characters = prepared.ask.quantities.characters;
            let pass = self.gate.admit(principal, prepared.ask).await?;
            let meta = SpokenMeta {
                request_id: pass.id(),
                voice_id: prepared.voice.info.id.clone(),
                format: command.format,
                sample_rate_hz: command.sample_rate_hz,
                words,
                characters,
                limits: pass.view(),
                replayed: false,
            };
            let job = SpeechJob {
                request: SpeechRequest {
                    text: command.text,
                    voice: prepared.voice.info.id.clone(),
                    speed: command.speed,
                },
                voice: prepared.voice,
                output: prepared.spec,
            };
            let body = match prepared.engines.pool.submit(job) {
                Ok(stream) => {
                    let work = Work {
                        core: Arc::clone(core),
                        pass,
                        ticket,
                        stream,
                        spec: prepared.spec,
                        speed: command.speed,
                    };
                    work.collect(&meta).await?
                }
                Err(busy) => {
                    let error = SpeechError::Busy {
                        retry_after: busy.retry_after,
                    };
                    pass.turn_away(error.code()).await?;
                    return Err(error);
                }
            };
            Ok(Spoken { meta, body })
        })
    }

    /// What a synthesis would cost, without doing it.
    ///
    /// # Errors
    /// As [`Speech::synthesize`] would refuse the text, the voice or the format.
    pub fn quote<'a>(
        &'a self,
        principal: &'a Principal,
        command: &'a SpeechCommand,
    ) -> BoxFuture<'a, Result<Quote, SpeechError>> {
        Box::pin(async move {
            let ask = self.prepare(command)?.ask;
            let micros = self.gate.preview(principal, &ask).await?;
            Ok(Quote {
                micros,
                quantities: ask.quantities,
                model: ask.model,
            })
        })
    }

    /// Checks everything that can be checked without asking who it is for.
    fn prepare(&self, command: &SpeechCommand) -> Result<Prepared, SpeechError> {
        let config = &self.core.config.speech;
        let engines = self.core.engines.get().ok_or_else(|| {
            let hint = &config.install_hint;
            SpeechError::NoVoices(format!("No voices are installed yet: {hint}"))
        })?;
        let voice = engines
            .voices
            .resolve(&command.voice)
            .ok_or_else(|| SpeechError::VoiceNotFound(command.voice.clone()))?;
        let spec = OutputSpec::new(command.format, command.sample_rate_hz)
            .map_err(|error| SpeechError::InvalidOutput(error.to_string()))?;
        if !(0.5..=2.0).contains(&command.speed) {
            return Err(SpeechError::InvalidSpeed(command.speed));
        }
        let mut quantities = Quantities::of_text(&command.text);
        let (characters, max) = (quantities.characters, config.max_characters);
        if characters > max {
            return Err(SpeechError::TextTooLong { characters, max });
        }
        if quantities.words == 0 {
            return Err(SpeechError::NothingToSpeak);
        }
        quantities.bytes_in = command.text.len() as u64;
        quantities.audio_ms_out = held_audio_ms(characters, command.speed);
        let ask = Ask {
            service: Service::Tts,
            class: EndpointClass::Generation,
            dialect: command.dialect,
            endpoint: command.endpoint,
            model: voice.info.engine.clone(),
            voice: command.voice.clone(),
            voice_names: vec![voice.info.id.clone()],
            format: command.format.as_str(),
            sample_rate_hz: command.sample_rate_hz,
            quantities,
        };
        Ok(Prepared {
            engines,
            voice,
            spec,
            ask,
        })
    }

    /// The kept answer to an earlier request.
    async fn replay(
        &self,
        principal: &Principal,
        meta: &str,
        body: Bytes,
    ) -> Result<Spoken, SpeechError> {
        let limits = self
            .gate
            .view(principal)
            .await
            .ok_or(GateError::NoOrganization)?;
        let meta = KeptMeta::read(meta, limits).filter(|_| !body.is_empty());
        let meta = meta.ok_or(IdempotencyError::NotKept)?;
        Ok(Spoken {
            meta,
            body: SpokenBody::Complete {
                bytes: body,
                outcome: None,
            },
        })
    }
}

/// A request found good.
struct Prepared {
    engines: SpeechEngines,
    voice: ResolvedVoice,
    spec: OutputSpec,
    ask: Ask,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a few thousand characters, and the result is positive"
)]
fn held_audio_ms(characters: u64, speed: f32) -> u64 {
    (characters as f64 * HELD_MS_PER_CHARACTER / f64::from(speed) + HELD_MS).ceil() as u64
}

/// An admitted request with its engine at work.
struct Work {
    core: Arc<Core>,
    pass: Pass,
    ticket: Option<Ticket>,
    stream: SpeechStream,
    spec: OutputSpec,
    speed: f32,
}

impl Work {
    /// Takes pieces until the end or the bound.
    async fn collect(mut self, meta: &SpokenMeta) -> Result<SpokenBody, SpeechError> {
        let bound = self.core.config.speech.max_buffered_bytes;
        let mut collected: Vec<u8> = Vec::new();
        loop {
            match next_piece(&self.core, &mut self.stream).await {
                Ok(Some(piece)) => collected.extend_from_slice(&piece),
                Ok(None) => {
                    let outcome = outcome_of(&self.stream)?;
                    voxgate_audio::finalise(self.spec.format, &mut collected);
                    let bytes = Bytes::from(collected);
                    let kept = keep(self.ticket.take(), meta, bytes.clone());
                    let charged = charged(self.pass.asked(), &outcome, bytes.len() as u64);
                    self.pass.succeed(charged, times(&outcome), kept).await?;
                    observe(&outcome);
                    return Ok(SpokenBody::Complete {
                        bytes,
                        outcome: Some(outcome),
                    });
                }
                Err(error) => {
                    self.pass.fail(error.code()).await?;
                    return Err(error);
                }
            }
            if collected.len() > bound {
                let first = Bytes::from(collected);
                let rest = Rest {
                    meta: KeptMeta::of(meta),
                    taken: first.len() as u64,
                    work: self,
                };
                // Layers above may ask once more after the end.
                let rest = futures_util::stream::unfold(Some(rest), Rest::advance)
                    .fuse()
                    .boxed();
                return Ok(SpokenBody::Stream { first, rest });
            }
        }
    }
}

/// What is kept of an answer, where the request had an idempotency key.
fn keep(ticket: Option<Ticket>, meta: &SpokenMeta, body: Bytes) -> Option<Kept> {
    Some(Kept {
        entry: ticket?.into_entry()?,
        meta: KeptMeta::of(meta),
        body,
    })
}

/// The text as a whole, and the audio that came of it.
fn charged(asked: &Quantities, outcome: &SpeechOutcome, bytes_out: u64) -> Quantities {
    Quantities {
        audio_ms_out: outcome.audio_ms,
        bytes_out,
        ..*asked
    }
}

fn times(outcome: &SpeechOutcome) -> Times {
    Times {
        engine: outcome.engine + outcome.encode,
        queue: outcome.queue,
    }
}

/// The part of a long file that is still being made.
struct Rest {
    work: Work,
    meta: String,
    /// Bytes that have been handed out; those of the piece being asked for are not among them.
    taken: u64,
}

impl Rest {
    /// One step of the stream. Being asked for the next piece means that the earlier ones were taken. Dropped between two
    /// steps or inside one, the pass settles itself with what was taken by then.
    async fn advance(rest: Option<Self>) -> Option<(Result<Bytes, SpeechError>, Option<Self>)> {
        let mut rest = rest?;
        let work = &mut rest.work;
        work.pass.delivered =
            delivery::estimate(rest.taken, work.spec, work.speed, work.pass.asked());
        match next_piece(&work.core, &mut work.stream).await {
            Ok(Some(piece)) => {
                rest.taken += piece.len() as u64;
                Some((Ok(piece), Some(rest)))
            }
            Ok(None) => {
                // Everything was delivered; that the books wait for the next start is no reason to break the file.
                if let Err(fault) = rest.finish().await {
                    tracing::error!(error = %fault, "a delivered stream is not settled");
                }
                None
            }
            Err(error) => {
                if let Err(fault) = rest.work.pass.fail(error.code()).await {
                    tracing::error!(error = %fault, "a failed stream is not settled");
                }
                Some((Err(error), None))
            }
        }
    }

    async fn finish(self) -> Result<(), Fault> {
        let Work {
            pass,
            ticket,
            stream,
            ..
        } = self.work;
        let outcome = outcome_of(&stream)?;
        observe(&outcome);
        // Too long to be kept: a repetition hears that it was done.
        let kept = ticket.and_then(Ticket::into_entry).map(|entry| Kept {
            entry,
            meta: self.meta,
            body: Bytes::new(),
        });
        let charged = charged(pass.asked(), &outcome, self.taken);
        pass.succeed(charged, times(&outcome), kept).await
    }
}

async fn next_piece(core: &Core, stream: &mut SpeechStream) -> Result<Option<Bytes>, SpeechError> {
    match tokio::time::timeout(core.config.speech.stall_timeout, stream.next()).await {
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(error))) => Err(error.into()),
        Ok(None) => Ok(None),
        Err(_) => Err(SpeechError::Stalled),
    }
}

fn outcome_of(stream: &SpeechStream) -> Result<SpeechOutcome, Fault> {
    stream
        .outcome()
        .copied()
        .ok_or_else(|| Fault::Internal("the engine ended without an outcome".into()))
}

fn observe(outcome: &SpeechOutcome) {
    metrics::histogram!("voxgate_speech_queue_seconds").record(outcome.queue.as_secs_f64());
    metrics::histogram!("voxgate_speech_first_audio_seconds")
        .record(outcome.first_audio.as_secs_f64());
    metrics::histogram!("voxgate_speech_engine_seconds").record(outcome.engine.as_secs_f64());
    metrics::histogram!("voxgate_speech_encode_seconds").record(outcome.encode.as_secs_f64());
}
