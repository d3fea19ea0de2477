//! Generators of neural vocoders on kernels of their own.
//!
//! Almost all time of speech synthesis goes into the last part of the model, the generator that turns latent frames into
//! samples: convolutions over few channels and very many rows. General graph runtimes reach a third to a half of what the
//! processor can do there, and need the whole clause at once. This crate computes the same function near the
//! processor's limit and window by window.
//!
//! - `kernel` (private): the inner loops for AVX-512, AVX2 and plain Rust, chosen at run time ([`Isa`]);
//! - `conv` (private): convolutions of all kinds, packed for the kernels;
//! - `stream` (private): computing a network piece by piece, with nothing computed twice;
//! - [`hifigan`]: the generator of VITS (Piper) voices;
//! - [`flow`]: what stands in front of it in such voices.
//!
//! It owns no model files, no graph format and no threads: weights come as plain numbers, and a call computes on the
//! thread it is made on.

mod conv;
mod error;
pub mod flow;
pub mod hifigan;
mod isa;
pub mod istftnet;
mod kernel;
mod stream;

pub use conv::ConvWeights;
pub use error::ShapeError;
pub use hifigan::HifiGan;
pub use isa::Isa;
pub use istftnet::IstftNet;
