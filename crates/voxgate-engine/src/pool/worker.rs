//! What runs on an engine thread: take a job, run the engine, encode, hand pieces to the listener.

use std::any::Any;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use voxgate_audio::{EncodedSummary, Encoder};

use super::queue::{Queue, Queued};
use super::stream::{Message, SpeechOutcome};
use crate::speech::{EngineError, PcmSink, SpeechStats};

/// Largest piece handed to the listener at once, in bytes.
pub(super) const PIECE_BYTES: usize = 32 * 1024;
/// How long a listener may leave a full channel unread before its job is given up: a client that
/// stops reading must not keep an engine thread from everybody else.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Larger than what an allocator serves from pages it holds.
const LARGE_BLOCK_BYTES: usize = 64 << 20;

/// Runs jobs until the queue closes.
pub(super) fn run(queue: &Queue) {
    // Only to wait for a place in the listener's channel, for the pool's stop, or for the stall limit: whichever is first.
    let waiter = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime without I/O needs no system resource");
    while let Some(job) = queue.take(return_memory) {
        let started = Instant::now();
        run_job(job, &waiter, queue.stopping());
        queue.done(started.elapsed());
    }
}

/// Lets the allocator hand freed memory back to the system. A model frees hundreds of megabytes after each clause; mimalloc
/// keeps such pages resident until somebody next asks it for a block too large for them, and an idle server nobody asks
/// would stay at its peak. So ask: the block is never touched and costs microseconds; other allocators do not mind.
fn return_memory() {
    drop(black_box(Vec::<u8>::with_capacity(LARGE_BLOCK_BYTES)));
}

fn run_job(job: Queued, waiter: &Runtime, stopping: &CancellationToken) {
    let sender = job.sender.clone();
    let voice = job.voice.info.id.clone();
    // A panic leaves nothing half-changed that anybody will see again: job, sink and encoder are dropped with it.
    let result = catch_unwind(AssertUnwindSafe(|| speak(job, waiter, stopping)));
    let last = match result {
        Ok(Ok(outcome)) => Message::Finished(outcome),
        Ok(Err(error)) => Message::Failed(error),
        Err(panic) => Message::Failed(EngineError::Internal(format!(
            "panic while speaking with voice {voice}: {}",
            panic_text(panic.as_ref())
        ))),
    };
    // Nobody is left to tell when this fails.
    let _ = offer(&sender, last, waiter, stopping);
}

fn speak(
    job: Queued,
    waiter: &Runtime,
    stopping: &CancellationToken,
) -> Result<SpeechOutcome, EngineError> {
    let started = Instant::now();
    let encoder = Encoder::new(job.output, job.voice.info.sample_rate_hz)
        .map_err(|error| EngineError::Encoding(error.to_string()))?;
    let mut sink = EncodingSink {
        encoder,
        sender: &job.sender,
        waiter,
        stopping,
        encoded: Vec::new(),
        admitted_at: job.admitted_at,
        first_audio: None,
        encode: Duration::ZERO,
        blocked: Duration::ZERO,
        bytes: 0,
        error: None,
    };
    let synthesized = job.voice.engine.synthesize(&job.request, &mut sink);
    // The sink's own error is the cause when an engine reports that it was told to stop.
    if let Some(error) = sink.error.take() {
        return Err(error);
    }
    let stats = synthesized?;
    let engine = started
        .elapsed()
        .saturating_sub(sink.encode)
        .saturating_sub(sink.blocked);
    let summary = sink.finish()?;
    Ok(outcome(&job, started, engine, &sink, &summary, stats))
}

fn outcome(
    job: &Queued,
    started: Instant,
    engine: Duration,
    sink: &EncodingSink<'_>,
    summary: &EncodedSummary,
    stats: SpeechStats,
) -> SpeechOutcome {
    SpeechOutcome {
        queue: started.duration_since(job.admitted_at),
        first_audio: sink
            .first_audio
            .unwrap_or_else(|| job.admitted_at.elapsed()),
        engine,
        encode: sink.encode,
        audio_ms: summary.duration_ms,
        bytes: sink.bytes,
        stats,
    }
}

/// Encodes samples on the engine thread and passes the bytes on.
struct EncodingSink<'a> {
    encoder: Encoder,
    sender: &'a mpsc::Sender<Message>,
    waiter: &'a Runtime,
    stopping: &'a CancellationToken,
    /// Reused for every push.
    encoded: Vec<u8>,
    admitted_at: Instant,
    first_audio: Option<Duration>,
    encode: Duration,
    blocked: Duration,
    bytes: u64,
    /// Why the sink told the engine to stop, where it was not the listener's leaving.
    error: Option<EngineError>,
}

impl EncodingSink<'_> {
    fn finish(&mut self) -> Result<EncodedSummary, EngineError> {
        let begun = Instant::now();
        let summary = self.encoder.finish(&mut self.encoded);
        self.encode += begun.elapsed();
        let summary = summary.map_err(|error| EngineError::Encoding(error.to_string()))?;
        match self.pass_on() {
            ControlFlow::Continue(()) => Ok(summary),
            ControlFlow::Break(()) => Err(self.error.take().unwrap_or(EngineError::Cancelled)),
        }
    }

    /// Sends what is encoded, in pieces, waiting while the listener's channel is full.
    fn pass_on(&mut self) -> ControlFlow<()> {
        if self.encoded.is_empty() {
            return ControlFlow::Continue(());
        }
        if self.first_audio.is_none() {
            self.first_audio = Some(self.admitted_at.elapsed());
        }
        let mut rest = Bytes::copy_from_slice(&self.encoded);
        self.encoded.clear();
        while !rest.is_empty() {
            let piece: Bytes = rest.split_to(rest.len().min(PIECE_BYTES));
            let length = piece.len() as u64;
            let begun = Instant::now();
            let sent = offer(
                self.sender,
                Message::Piece(piece),
                self.waiter,
                self.stopping,
            );
            self.blocked += begun.elapsed();
            if let Err(error) = sent {
                self.error.get_or_insert(error);
                return ControlFlow::Break(());
            }
            self.bytes += length;
        }
        ControlFlow::Continue(())
    }
}

impl PcmSink for EncodingSink<'_> {
    fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
        if self.error.is_some() || self.cancelled() {
            return ControlFlow::Break(());
        }
        let begun = Instant::now();
        let pushed = self.encoder.push(samples, &mut self.encoded);
        self.encode += begun.elapsed();
        if let Err(error) = pushed {
            self.error = Some(EngineError::Encoding(error.to_string()));
            return ControlFlow::Break(());
        }
        self.pass_on()
    }

    fn cancelled(&self) -> bool {
        self.sender.is_closed() || self.stopping.is_cancelled()
    }
}

/// Puts a message into the listener's channel, waiting for a place; `Cancelled` when the listener is gone,
/// does not read for [`STALL_LIMIT`], or the pool stops while there is no place.
fn offer(
    sender: &mpsc::Sender<Message>,
    message: Message,
    waiter: &Runtime,
    stopping: &CancellationToken,
) -> Result<(), EngineError> {
    let message = match sender.try_send(message) {
        Ok(()) => return Ok(()),
        Err(mpsc::error::TrySendError::Closed(_)) => return Err(EngineError::Cancelled),
        Err(mpsc::error::TrySendError::Full(message)) => message,
    };
    waiter.block_on(async {
        tokio::select! {
            sent = sender.send(message) => sent.map_err(|_| EngineError::Cancelled),
            () = stopping.cancelled() => Err(EngineError::Cancelled),
            () = tokio::time::sleep(STALL_LIMIT) => {
                tracing::info!(stall_limit_s = STALL_LIMIT.as_secs(), "gave up a speech job: its listener stopped reading");
                Err(EngineError::Cancelled)
            }
        }
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
