//! The record of one metered request, as the journal and the database keep it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use voxgate_domain::{KeyId, Micros, OrgId, Quantities, RequestId, Service, Timestamp, UserId};
use voxgate_store::usage::{FinishedRequest, RequestEnd, RequestFacts};

/// What is known about a metered request when it is admitted.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) id: RequestId,
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) key: Option<KeyId>,
    pub(crate) service: Service,
    pub(crate) dialect: &'static str,
    pub(crate) endpoint: &'static str,
    pub(crate) model: String,
    /// As the request named it; empty where there is none.
    pub(crate) voice: String,
    /// Of the answer; empty and 0 where there is none.
    pub(crate) format: &'static str,
    pub(crate) sample_rate_hz: u32,
    /// What it asks for, and so what is reserved.
    pub(crate) asked: Quantities,
    /// Micro-credits on hold for it.
    pub(crate) held: Micros,
    /// Whether its quotas were counted in the database at admission, and not in this process.
    pub(crate) reserved_in_db: bool,
    pub(crate) at: Timestamp,
}

/// How a metered request ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// A machine code of why it failed; `None` means success.
    pub(crate) error: Option<&'static str>,
    /// What was charged: never more than was asked, but for audio. Audio and bytes are what went out, charged or not.
    pub(crate) charged: Quantities,
    /// Whether `charged` counts against quotas; not after a failure of ours.
    pub(crate) counted: bool,
    pub(crate) billed: Micros,
    /// Whether the caller went away first.
    pub(crate) disconnected: bool,
    pub(crate) duration_ms: u64,
    pub(crate) engine_ms: Option<u64>,
    pub(crate) queue_ms: Option<u64>,
    pub(crate) at: Timestamp,
}

/// The same, written down: what a line of the journal holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: Uuid,
    pub(crate) org: Uuid,
    pub(crate) user: Uuid,
    pub(crate) key: Option<Uuid>,
    pub(crate) service: Cow<'static, str>,
    pub(crate) dialect: Cow<'static, str>,
    pub(crate) endpoint: Cow<'static, str>,
    pub(crate) model: String,
    pub(crate) voice: String,
    pub(crate) format: Cow<'static, str>,
    pub(crate) sample_rate_hz: u32,
    pub(crate) asked: Amounts,
    pub(crate) held: i64,
    pub(crate) reserved_in_db: bool,
    pub(crate) created_at: i64,
    pub(crate) error: Option<Cow<'static, str>>,
    pub(crate) charged: Amounts,
    pub(crate) counted: bool,
    pub(crate) billed: i64,
    pub(crate) disconnected: bool,
    pub(crate) duration_ms: u64,
    pub(crate) engine_ms: Option<u64>,
    pub(crate) queue_ms: Option<u64>,
    pub(crate) finished_at: i64,
}

/// [`Quantities`], written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Amounts {
    characters: u64,
    words: u64,
    tokens_in: u64,
    tokens_out: u64,
    audio_ms_in: u64,
    audio_ms_out: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl From<Quantities> for Amounts {
    fn from(from: Quantities) -> Self {
        Self {
            characters: from.characters,
            words: from.words,
            tokens_in: from.tokens_in,
            tokens_out: from.tokens_out,
            audio_ms_in: from.audio_ms_in,
            audio_ms_out: from.audio_ms_out,
            bytes_in: from.bytes_in,
            bytes_out: from.bytes_out,
        }
    }
}

impl From<Amounts> for Quantities {
    fn from(from: Amounts) -> Self {
        Self {
            characters: from.characters,
            words: from.words,
            tokens_in: from.tokens_in,
            tokens_out: from.tokens_out,
            audio_ms_in: from.audio_ms_in,
            audio_ms_out: from.audio_ms_out,
            bytes_in: from.bytes_in,
            bytes_out: from.bytes_out,
        }
    }
}

impl Line {
    pub(crate) fn new(admitted: Admitted, end: End) -> Self {
        Self {
            id: admitted.id.as_uuid(),
            org: admitted.org.as_uuid(),
            user: admitted.user.as_uuid(),
            key: admitted.key.map(KeyId::as_uuid),
            service: admitted.service.as_str().into(),
            dialect: admitted.dialect.into(),
            endpoint: admitted.endpoint.into(),
            model: admitted.model,
            voice: admitted.voice,
            format: admitted.format.into(),
            sample_rate_hz: admitted.sample_rate_hz,
            asked: admitted.asked.into(),
            held: admitted.held.get(),
            reserved_in_db: admitted.reserved_in_db,
            created_at: admitted.at.as_micros(),
            error: end.error.map(Cow::Borrowed),
            charged: end.charged.into(),
            counted: end.counted,
            billed: end.billed.get(),
            disconnected: end.disconnected,
            duration_ms: end.duration_ms,
            engine_ms: end.engine_ms,
            queue_ms: end.queue_ms,
            finished_at: end.at.as_micros(),
        }
    }

    pub(crate) fn request(&self) -> RequestId {
        self.id.into()
    }

    pub(crate) fn organization(&self) -> OrgId {
        self.org.into()
    }

    /// What a quota counts in the end.
    pub(crate) fn counted(&self) -> Quantities {
        if self.counted {
            self.charged.into()
        } else {
            Quantities::default()
        }
    }

    /// As the database keeps it; `node` is the process that writes it.
    pub(crate) fn finished(&self, node: &str) -> FinishedRequest {
        FinishedRequest {
            facts: RequestFacts {
                id: self.id.into(),
                organization_id: self.org.into(),
                user_id: self.user.into(),
                key_id: self.key.map(KeyId::from),
                node_id: node.to_owned(),
                endpoint: self.endpoint.clone(),
                dialect: self.dialect.clone(),
                service: self.service.parse().unwrap_or(Service::Tts),
                model: self.model.clone(),
                voice: self.voice.clone(),
                format: self.format.clone(),
                sample_rate_hz: self.sample_rate_hz,
                asked: self.asked.into(),
                held: Micros::new(self.held),
                created_at: Timestamp::from_micros(self.created_at),
            },
            end: RequestEnd {
                charged: self.charged.into(),
                error: self.error.clone(),
                status_code: None,
                disconnected: self.disconnected,
                duration_ms: Some(self.duration_ms),
                engine_ms: self.engine_ms,
                queue_ms: self.queue_ms,
                billed: Micros::new(self.billed),
                finished_at: Timestamp::from_micros(self.finished_at),
            },
        }
    }
}

impl Admitted {
    /// As the database keeps it while it is pending.
    pub(crate) fn facts(&self, node: &str) -> RequestFacts {
        RequestFacts {
            id: self.id,
            organization_id: self.org,
            user_id: self.user,
            key_id: self.key,
            node_id: node.to_owned(),
            endpoint: self.endpoint.into(),
            dialect: self.dialect.into(),
            service: self.service,
            model: self.model.clone(),
            voice: self.voice.clone(),
            format: self.format.into(),
            sample_rate_hz: self.sample_rate_hz,
            asked: self.asked,
            held: self.held,
            created_at: self.at,
        }
    }
}
