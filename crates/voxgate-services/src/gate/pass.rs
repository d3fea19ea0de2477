//! What an admitted request holds, and its settlement.

use std::sync::Arc;
use std::time::Duration;

use voxgate_domain::{LimitKind, Micros, PriceList, Quantities, RequestId};
use voxgate_limits::{Grant, Mode};

use super::quotas::Allowances;
use super::types::LimitsView;
use crate::Fault;
use crate::core::Core;
use crate::metering::Kept;
use crate::metering::record::{Admitted, End, Line};

/// How long the work took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// At work.
    pub(crate) engine: Duration,
    /// Waiting for a place.
    pub(crate) queue: Duration,
}

/// An admitted request. Settle it with [`Pass::succeed`] or [`Pass::fail`]; dropping it records that the caller went away
/// and charges what [`Pass::delivered`] says by then.
pub(crate) struct Pass {
    core: Arc<Core>,
    open: Option<Open>,
    allowances: Allowances,
    prices: Arc<PriceList>,
    view: LimitsView,
    opened: Duration,
    id: RequestId,
    asked: Quantities,
    /// What has reached the caller so far: all of it counts if the caller leaves now. Text quantities are held at what was
    /// asked for.
    pub(crate) delivered: Quantities,
}

struct Open {
    admitted: Admitted,
    grant: Grant,
}

impl Pass {
    pub(super) fn new(
        core: Arc<Core>,
        admitted: Admitted,
        allowances: Allowances,
        prices: Arc<PriceList>,
        grant: Grant,
        view: LimitsView,
    ) -> Self {
        Self {
            opened: core.clock.monotonic(),
            id: admitted.id,
            asked: admitted.asked,
            core,
            open: Some(Open { admitted, grant }),
            allowances,
            prices,
            view,
            delivered: Quantities::default(),
        }
    }

    /// The request's id in the usage history.
    pub(crate) fn id(&self) -> RequestId {
        self.id
    }

    /// What was held.
    pub(crate) fn asked(&self) -> &Quantities {
        &self.asked
    }

    /// Where the caller's limits stood after this request was counted.
    pub(crate) fn view(&self) -> LimitsView {
        self.view
    }

    /// Charges `charged` and records what it took. Once it answers, the record outlives this process. With `kept`, an answer
    /// with a body is in the database together with the record by then.
    pub(crate) async fn succeed(
        mut self,
        charged: Quantities,
        times: Times,
        kept: Option<Kept>,
    ) -> Result<(), Fault> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let end = self.end(&open.admitted, None, charged, true, Some(times));
        let must_commit = kept.as_ref().is_some_and(|kept| !kept.body.is_empty());
        let (number, journaled) = self.settle_books(open.admitted, end, kept);
        self.settle_limits(open.grant, &charged).await;
        if must_commit || !self.core.meter.is_journaled() || journaled.is_err() {
            self.core.meter.written(number).await?;
        }
        Ok(())
    }

    /// Records a failure that is not the caller's doing: everything is given back, and what was delivered is free.
    pub(crate) async fn fail(mut self, code: &'static str) -> Result<(), Fault> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let sent = Quantities {
            audio_ms_out: self.delivered.audio_ms_out,
            bytes_out: self.delivered.bytes_out,
            ..Quantities::default()
        };
        let end = self.end(&open.admitted, Some(code), sent, false, None);
        let (number, journaled) = self.settle_books(open.admitted, end, None);
        self.settle_limits(open.grant, &Quantities::default()).await;
        if !self.core.meter.is_journaled() || journaled.is_err() {
            self.core.meter.written(number).await?;
        }
        Ok(())
    }

    /// Like [`Pass::fail`], for a request that was never begun because there was no room: the window of requests per minute
    /// does not count it either.
    pub(crate) async fn turn_away(mut self, code: &'static str) -> Result<(), Fault> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let nothing = Quantities::default();
        let end = self.end(&open.admitted, Some(code), nothing, false, None);
        let (number, journaled) = self.settle_books(open.admitted, end, None);
        self.core.limiter.give_back(open.grant).await;
        if !self.core.meter.is_journaled() || journaled.is_err() {
            self.core.meter.written(number).await?;
        }
        Ok(())
    }

    fn end(
        &self,
        admitted: &Admitted,
        error: Option<&'static str>,
        charged: Quantities,
        counted: bool,
        times: Option<Times>,
    ) -> End {
        let billed = if counted && admitted.held > Micros::ZERO {
            let cost = self
                .prices
                .cost(admitted.service, &admitted.model, &charged);
            cost.min(admitted.held)
        } else {
            Micros::ZERO
        };
        End {
            error,
            charged,
            counted,
            billed,
            disconnected: false,
            duration_ms: millis(self.core.clock.monotonic().saturating_sub(self.opened)),
            engine_ms: times.map(|times| millis(times.engine)),
            queue_ms: times.map(|times| millis(times.queue)),
            at: self.core.now(),
        }
    }

    /// Corrects the quotas and hands the record over; does not wait.
    fn settle_books(
        &self,
        admitted: Admitted,
        end: End,
        kept: Option<Kept>,
    ) -> (u64, std::io::Result<()>) {
        count(&admitted, &end);
        let counted = if end.counted {
            end.charged
        } else {
            Quantities::default()
        };
        if !admitted.reserved_in_db {
            self.core
                .quotas
                .settle(&self.allowances, &admitted.asked, &counted, admitted.at);
        }
        let id = admitted.id;
        let (number, journaled) = self.core.meter.end(Line::new(admitted, end), kept);
        if let Err(error) = &journaled {
            tracing::error!(request.id = %id, %error, "the usage journal cannot be written");
        }
        (number, journaled)
    }

    async fn settle_limits(&self, mut grant: Grant, counted: &Quantities) {
        let limiter = &self.core.limiter;
        let tokens = counted.weight(LimitKind::TokensPerMinute);
        if tokens != self.asked.weight(LimitKind::TokensPerMinute) {
            limiter
                .settle(&mut grant, LimitKind::TokensPerMinute, tokens)
                .await;
        }
        limiter.release(grant).await;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let delivered = Quantities {
            characters: self.delivered.characters.min(self.asked.characters),
            words: self.delivered.words.min(self.asked.words),
            tokens_in: self.delivered.tokens_in.min(self.asked.tokens_in),
            ..self.delivered
        };
        let mut end = self.end(&open.admitted, Some("cancelled"), delivered, true, None);
        end.disconnected = true;
        let (_, journaled) = self.settle_books(open.admitted, end, None);
        // A failure is logged there; the record is queued all the same.
        drop(journaled);
        if self.core.limiter.mode() == Mode::Memory {
            let settling = self.settle_limits(open.grant, &delivered);
            // In memory it completes at once.
            let done = futures_util::FutureExt::now_or_never(settling);
            debug_assert!(done.is_some(), "the memory limiter never waits");
        } else {
            let (limiter, tokens) = (
                Arc::clone(&self.core.limiter),
                delivered.weight(LimitKind::TokensPerMinute),
            );
            let mut grant = open.grant;
            // Nobody waits for it but the shutdown.
            drop(self.core.tasks.spawn(async move {
                limiter
                    .settle(&mut grant, LimitKind::TokensPerMinute, tokens)
                    .await;
                limiter.release(grant).await;
            }));
        }
    }
}

fn count(admitted: &Admitted, end: &End) {
    let status = if end.error.is_none() {
        "success"
    } else {
        "failed"
    };
    let service = admitted.service.as_str();
    metrics::counter!("voxgate_requests_total", "service" => service, "status" => status)
        .increment(1);
    if admitted.service == voxgate_domain::Service::Tts {
        metrics::counter!("voxgate_speech_requests_total", "status" => status).increment(1);
        metrics::counter!("voxgate_speech_words_total").increment(end.charged.words);
        metrics::counter!("voxgate_speech_audio_milliseconds_total")
            .increment(end.charged.audio_ms_out);
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
