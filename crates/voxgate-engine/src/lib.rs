//! What speaks, and on which thread: the engine trait, voices, the worker pool and a fake engine.
//!
//! This crate owns the small trait every speech engine implements ([`SpeechEngine`]), the table of
//! voices and aliases ([`VoiceRegistry`]), and the threads that run engines behind a bounded queue
//! ([`SpeechPool`]). It knows nothing of organisations, quotas, HTTP or of any real model: real
//! engines live in `voxgate-engine-local`, a deterministic stand-in for tests in [`fake`].

pub mod bench;
pub mod fake;
mod pool;
mod registry;
mod speech;

pub use pool::{Busy, PoolConfig, PoolLoad, SpeechJob, SpeechOutcome, SpeechPool, SpeechStream};
pub use registry::{RegistryError, ResolvedVoice, VoiceRegistry};
pub use speech::{
    ClauseTiming, EngineError, Gender, PcmSink, SpeechEngine, SpeechRequest, SpeechStats, VoiceInfo,
};
