//! Synthesis: the one place that knows the order in which a text becomes audio and is accounted for.
//!
//! Resolve the voice, check the text, count the request, reserve the words, queue for an engine, collect, settle. What
//! fails after words were reserved gives them back. Short audio is answered whole, settled before the caller sees it; long
//! audio is streamed from a bound on, and settled when its last byte is taken, at an error, or when the stream is dropped.

mod accounting;
mod delivery;
mod error;
mod types;

use futures_util::future::BoxFuture;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use futures_util::StreamExt as _;
use voxgate_audio::OutputSpec;
use voxgate_domain::{OrgStatus, RequestId, count_characters, count_words};
use voxgate_engine::{SpeechJob, SpeechOutcome, SpeechRequest, SpeechStream, VoiceInfo};
use voxgate_store::usage::NewRequest;

use crate::core::Core;
use crate::limits::take_request;
use crate::{Fault, Principal};
use accounting::Account;
pub use error::SpeechError;
pub use types::{SpeechCommand, SpeechEngines, Spoken, SpokenBody, SpokenMeta};
use voxgate_domain::Refuse as _;

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
}

impl Speech {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
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
    /// A request counts against the requests per minute once its voice and text are found good; one that a word limit or
    /// a full queue refuses is given back.
    ///
    /// # Errors
    /// [`SpeechError`]; words reserved for the request are given back then.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the engine, records the request as failed and gives its words back.
    pub fn synthesize<'a>(
        &'a self,
        principal: &'a Principal,
        command: SpeechCommand,
    ) -> BoxFuture<'a, Result<Spoken, SpeechError>> {
        Box::pin(async move {
            let core = &self.core;
            let (Some(user_id), Some(org)) = (principal.user_id(), principal.organization()) else {
                return Err(SpeechError::NoOrganization);
            };
            if org.status != OrgStatus::Active {
                return Err(SpeechError::OrganizationNotActive);
            }
            let engines = core.engines.get().ok_or_else(|| {
                let hint = &core.config.speech.install_hint;
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
            let characters = count_characters(&command.text);
            let max = core.config.speech.max_characters;
            if characters > max {
                return Err(SpeechError::TextTooLong { characters, max });
            }
            let words = count_words(&command.text);
            if words == 0 {
                return Err(SpeechError::NothingToSpeak);
            }

            let (ticket, rate) = take_request(core, org.id, org.limits.requests_per_minute)
                .map_err(SpeechError::Limited)?;
            let id = RequestId::generate();
            let opened = Account::open(
                core,
                NewRequest {
                    id,
                    organization_id: org.id,
                    user_id,
                    key_id: principal.key_id(),
                    node_id: core.node_id.clone(),
                    endpoint: command.endpoint,
                    voice: command.voice,
                    format: command.format.as_str(),
                    sample_rate_hz: command.sample_rate_hz,
                    characters,
                    words,
                },
            )
            .await;
            let account = match opened {
                Ok(account) => account,
                Err(error) => {
                    core.rates.give_back(ticket);
                    return Err(error);
                }
            };
            let meta = SpokenMeta {
                request_id: id,
                voice: voice.info.clone(),
                format: command.format,
                sample_rate_hz: command.sample_rate_hz,
                words,
                characters,
                rate,
            };
            let job = SpeechJob {
                request: SpeechRequest {
                    text: command.text,
                    voice: voice.info.id.clone(),
                    speed: command.speed,
                },
                voice,
                output: spec,
            };
            let body = match engines.pool.submit(job) {
                Ok(stream) => self.collect(account, stream, spec, command.speed).await?,
                Err(busy) => {
                    core.rates.give_back(ticket);
                    let error = SpeechError::Busy {
                        retry_after: busy.retry_after,
                    };
                    account.fail(error.code()).await?;
                    return Err(error);
                }
            };
            Ok(Spoken { meta, body })
        })
    }

    /// Takes pieces until the end or the bound.
    async fn collect(
        &self,
        account: Account,
        mut stream: SpeechStream,
        spec: OutputSpec,
        speed: f32,
    ) -> Result<SpokenBody, SpeechError> {
        let bound = self.core.config.speech.max_buffered_bytes;
        let mut collected: Vec<u8> = Vec::new();
        loop {
            match next_piece(&self.core, &mut stream).await {
                Ok(Some(piece)) => collected.extend_from_slice(&piece),
                Ok(None) => {
                    let outcome = outcome_of(&stream)?;
                    voxgate_audio::finalise(spec.format, &mut collected);
                    account.succeed(&outcome).await?;
                    observe(&outcome);
                    return Ok(SpokenBody::Complete {
                        bytes: collected.into(),
                        outcome,
                    });
                }
                Err(error) => {
                    account.fail(error.code()).await?;
                    return Err(error);
                }
            }
            if collected.len() > bound {
                let first = Bytes::from(collected);
                let rest = Rest {
                    core: Arc::clone(&self.core),
                    account,
                    stream,
                    spec,
                    speed,
                    taken: first.len() as u64,
                };
                let rest = futures_util::stream::unfold(Some(rest), Rest::advance).boxed();
                return Ok(SpokenBody::Stream { first, rest });
            }
        }
    }
}

/// The part of a long file that is still being made.
struct Rest {
    core: Arc<Core>,
    account: Account,
    stream: SpeechStream,
    spec: OutputSpec,
    speed: f32,
    /// Bytes that have been handed out; those of the piece being asked for are not among them.
    taken: u64,
}

impl Rest {
    /// One step of the stream. Being asked for the next piece means that the earlier ones were taken. Dropped between two
    /// steps or inside one, the account settles itself with what was taken by then.
    async fn advance(rest: Option<Self>) -> Option<(Result<Bytes, SpeechError>, Option<Self>)> {
        let mut rest = rest?;
        let account = &rest.account;
        rest.account.delivered = delivery::estimate(
            rest.taken,
            rest.spec,
            rest.speed,
            account.words,
            account.characters,
        );
        match next_piece(&rest.core, &mut rest.stream).await {
            Ok(Some(piece)) => {
                rest.taken += piece.len() as u64;
                Some((Ok(piece), Some(rest)))
            }
            Ok(None) => {
                let settled = match outcome_of(&rest.stream) {
                    Ok(outcome) => {
                        observe(&outcome);
                        rest.account.succeed(&outcome).await
                    }
                    Err(fault) => Err(fault),
                };
                // Everything was delivered; that the books wait for the next start is no reason to break the file.
                if let Err(fault) = settled {
                    tracing::error!(error = %fault, "a delivered stream is not settled");
                }
                None
            }
            Err(error) => {
                if let Err(fault) = rest.account.fail(error.code()).await {
                    tracing::error!(error = %fault, "a failed stream is not settled");
                }
                Some((Err(error), None))
            }
        }
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
