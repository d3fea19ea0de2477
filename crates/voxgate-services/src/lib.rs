//! Use cases: identity, organisations, invitations, keys, plans, the gate, metering, credits, usage, audit, mail, speech,
//! first start.
//!
//! Owns the rules of the product above the rows and below the wire: who may do what ([`Principal`]), in which order a
//! request for speech is admitted, made and settled ([`speech`]), and what is sent by mail. Every change is one
//! transaction of `voxgate-store`.
//!
//! Does not know HTTP, a dialect or a configuration file. The composition root builds one [`Services`] from
//! [`ServicesParts`]; surfaces hold a clone and call one method per request.

pub mod audit;
pub mod bootstrap;
mod config;
mod core;
pub mod credits;
mod fault;
pub mod gate;
pub mod idempotency;
pub mod identity;
pub mod invitations;
pub mod keys;
pub mod mail;
mod maintenance;
mod metering;
pub mod orgs;
pub mod plans;
mod principal;
mod secrets;
mod services;
pub mod speech;
mod tasks;
pub mod usage;

pub use config::{
    Argon2Config, ConfigError, IdentityConfig, InvitationConfig, MailConfig, MailTransport,
    MeteringConfig, Process, ServicesConfig, SmtpConfig, SmtpSecurity, SpeechConfig,
    ThrottleConfig,
};
pub use fault::Fault;
pub use principal::{CredentialKind, KeyContext, OrgContext, Principal};
pub use secrets::Secrets;
pub use services::{Services, ServicesParts, StartError};
pub use voxgate_limits::RedisConfig;
