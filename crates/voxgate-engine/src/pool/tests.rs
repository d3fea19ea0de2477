//! The pool with the fake engine: order, refusal, cancellation, panics, bounds and shutdown.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use voxgate_audio::{AudioFormat, OutputSpec};

use super::*;
use crate::fake::{CHUNK_MS, FakeEngine, SAMPLE_RATE_HZ};
use crate::registry::VoiceRegistry;
use crate::speech::{EngineError, SpeechEngine};

/// Long enough to be still running whenever a test looks: 60 s of audio at 5 ms a chunk.
const LONG_TEXT_CHARACTERS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(20);

fn engine(delay_ms: u64) -> Arc<FakeEngine> {
    Arc::new(FakeEngine::new().with_delay_per_chunk(Duration::from_millis(delay_ms)))
}

fn job(engine: &Arc<FakeEngine>, text: &str) -> SpeechJob {
    let shared: Arc<dyn SpeechEngine> = engine.clone();
    let registry = VoiceRegistry::new(vec![shared], Vec::new()).unwrap();
    SpeechJob {
        voice: registry.resolve("fake_anna").unwrap(),
        request: SpeechRequest {
            text: text.to_owned(),
            voice: String::new(),
            speed: 1.0,
        },
        output: OutputSpec::new(AudioFormat::Pcm, SAMPLE_RATE_HZ).unwrap(),
    }
}

fn long_text() -> String {
    "a".repeat(LONG_TEXT_CHARACTERS)
}

fn pool(threads: usize, queue_depth: usize) -> SpeechPool {
    SpeechPool::start(PoolConfig {
        threads,
        queue_depth,
    })
}

async fn collect(stream: &mut SpeechStream) -> Result<Vec<u8>, EngineError> {
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

/// Waits for a condition that another thread brings about.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn pieces_arrive_whole_and_in_order() {
    let engine = engine(0);
    let pool = pool(1, 4);
    let mut stream = pool.submit(job(&engine, &long_text())).unwrap();
    let bytes = collect(&mut stream).await.unwrap();

    let expected_ms = FakeEngine::duration_ms(LONG_TEXT_CHARACTERS, 1.0);
    let samples: Vec<i16> = bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    assert_eq!(
        samples.len() as u64,
        expected_ms * u64::from(SAMPLE_RATE_HZ) / 1000
    );
    // The tone is continuous over all joins: no step larger than its steepest slope.
    let steepest = samples
        .windows(2)
        .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
        .max()
        .unwrap();
    assert!(
        steepest < 500,
        "a step of {steepest} means lost or swapped pieces"
    );

    let outcome = *stream.outcome().unwrap();
    assert_eq!(outcome.audio_ms, expected_ms);
    assert_eq!(outcome.bytes, bytes.len() as u64);
    assert!(outcome.first_audio >= outcome.queue);
    assert!(stream.next().await.is_none());
    pool.shutdown();
}

#[tokio::test]
async fn jobs_of_one_thread_run_in_order_of_arrival() {
    let engine = engine(1);
    let pool = pool(1, 8);
    let mut streams: Vec<SpeechStream> = (0..4)
        .map(|_| pool.submit(job(&engine, "some words to say")).unwrap())
        .collect();
    let mut waits = Vec::new();
    for stream in &mut streams {
        collect(stream).await.unwrap();
        waits.push(stream.outcome().unwrap().queue);
    }
    assert!(waits.is_sorted(), "{waits:?}");
    pool.shutdown();
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
    let engine = engine(5);
    let pool = pool(1, 2);
    let streams: Vec<SpeechStream> = (0..3)
        .map(|_| pool.submit(job(&engine, &long_text())).unwrap())
        .collect();
    let begun = Instant::now();
    let busy = pool.submit(job(&engine, "one too many")).unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(100));
    assert!(busy.retry_after >= Duration::from_secs(1));
    let load = pool.load();
    assert_eq!(load.running + load.waiting, 3);
    drop(streams);
    pool.shutdown();
}

#[tokio::test]
async fn abandoned_waiting_jobs_give_their_place_back_and_never_reach_the_engine() {
    let engine = engine(5);
    let pool = pool(1, 2);
    let mut running = pool.submit(job(&engine, &long_text())).unwrap();
    running.next().await.unwrap().unwrap();
    let waiting: Vec<SpeechStream> = (0..2)
        .map(|_| pool.submit(job(&engine, "never spoken")).unwrap())
        .collect();
    assert!(pool.submit(job(&engine, "refused")).is_err());
    drop(waiting);
    let mut third = pool.submit(job(&engine, "spoken")).unwrap();
    drop(running);
    collect(&mut third).await.unwrap();
    assert_eq!(engine.counts().started, 2);
    pool.shutdown();
}

#[tokio::test]
async fn dropping_the_stream_stops_the_engine() {
    let engine = engine(5);
    let pool = pool(1, 1);
    let mut stream = pool.submit(job(&engine, &long_text())).unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    eventually("the engine was cancelled", || {
        engine.counts().cancelled == 1
    })
    .await;
    let chunks = engine.counts().chunks;
    assert!(chunks < FakeEngine::duration_ms(LONG_TEXT_CHARACTERS, 1.0) / CHUNK_MS);
    eventually("the thread is free", || pool.load().running == 0).await;
    assert_eq!(engine.counts().chunks, chunks);
    pool.shutdown();
}

#[tokio::test]
async fn a_listener_that_does_not_read_holds_the_engine_back() {
    let engine = engine(0);
    let pool = pool(1, 1);
    // 600 s of audio, 28.8 MB of PCM: far more than the channel may hold.
    let mut stream = pool.submit(job(&engine, &"a".repeat(10_000))).unwrap();
    stream.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let bound = (PIECES_AHEAD as u64 + 2) * worker::PIECE_BYTES as u64;
    let chunk_bytes = CHUNK_MS * u64::from(SAMPLE_RATE_HZ) / 1000 * 2;
    assert!(engine.counts().chunks * chunk_bytes <= bound);
    drop(stream);
    eventually("the engine was cancelled", || {
        engine.counts().cancelled == 1
    })
    .await;
    pool.shutdown();
}

#[tokio::test]
async fn a_panicking_engine_fails_its_job_and_nothing_else() {
    let engine = engine(0);
    let pool = pool(1, 4);
    let mut broken = pool.submit(job(&engine, "now [[panic]] please")).unwrap();
    let error = collect(&mut broken).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Internal(text) if text.contains("asked to panic")),
        "{error:?}"
    );
    assert!(broken.next().await.is_none());
    assert!(broken.outcome().is_none());
    let mut healthy = pool.submit(job(&engine, "and on we go")).unwrap();
    collect(&mut healthy).await.unwrap();
    assert_eq!(engine.counts().finished, 1);
    pool.shutdown();
}

#[tokio::test]
async fn errors_reach_the_listener_as_they_are() {
    let engine = engine(0);
    let pool = pool(2, 8);
    let cases = [
        ("[[fail]]", EngineError::Internal("asked to fail".into())),
        ("...", EngineError::NothingToSpeak),
        (
            "[[unsupported]]",
            EngineError::UnsupportedScript {
                script: "Han".into(),
                language: "en-US".into(),
            },
        ),
    ];
    for (text, expected) in cases {
        let mut stream = pool.submit(job(&engine, text)).unwrap();
        assert_eq!(collect(&mut stream).await.unwrap_err(), expected);
    }
    pool.shutdown();
}

#[tokio::test]
async fn shutdown_fails_what_waits_and_runs_and_joins_the_threads() {
    let engine = engine(5);
    let pool = pool(2, 4);
    let mut streams: Vec<SpeechStream> = (0..4)
        .map(|_| pool.submit(job(&engine, &long_text())).unwrap())
        .collect();
    eventually("both threads work", || pool.load().running == 2).await;
    let stopper = pool.clone();
    tokio::task::spawn_blocking(move || stopper.shutdown())
        .await
        .unwrap();
    for stream in &mut streams {
        assert_eq!(collect(stream).await.unwrap_err(), EngineError::Cancelled);
    }
    assert_eq!(pool.load().running, 0);
    assert!(pool.submit(job(&engine, "too late")).is_err());
    pool.shutdown();
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_listener_that_never_reads() {
    let engine = engine(0);
    let pool = pool(1, 1);
    let stream = pool.submit(job(&engine, &"a".repeat(10_000))).unwrap();
    eventually("the engine works", || engine.counts().chunks > 0).await;
    let stopper = pool.clone();
    tokio::time::timeout(
        PATIENCE,
        tokio::task::spawn_blocking(move || stopper.shutdown()),
    )
    .await
    .unwrap()
    .unwrap();
    drop(stream);
}
