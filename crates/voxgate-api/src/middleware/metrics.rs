//! What is measured about requests, and where the bucket limits are.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// Upper bounds of the duration buckets in seconds: from a cached read to a long text on a slow machine.
const DURATION_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

/// A recorder with the buckets this surface's metrics need; the server installs it and hands the handle to
/// [`crate::ApiState`].
///
/// # Errors
/// Never in practice: the bucket list is not empty.
pub fn recorder_builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS)
}

/// Says what each metric means; needs an installed recorder to be heard.
pub fn describe() {
    metrics::describe_counter!(
        "http_requests_total",
        "Requests by route, method and status."
    );
    metrics::describe_histogram!(
        "http_request_duration_seconds",
        "Time from request head to response head."
    );
    metrics::describe_gauge!(
        "http_requests_in_flight",
        "Requests whose response head is not sent yet."
    );
    // Recorded by the speech service for every transport; described here, where the recorder is made.
    metrics::describe_counter!(
        "voxgate_speech_requests_total",
        "Finished syntheses by status."
    );
    metrics::describe_counter!("voxgate_speech_words_total", "Words charged.");
    metrics::describe_counter!(
        "voxgate_speech_audio_milliseconds_total",
        "Audio delivered."
    );
    metrics::describe_histogram!(
        "voxgate_speech_queue_seconds",
        "Time a synthesis waited for an engine."
    );
    metrics::describe_histogram!(
        "voxgate_speech_first_audio_seconds",
        "Time from the request to the first audio."
    );
    metrics::describe_histogram!(
        "voxgate_speech_engine_seconds",
        "Time the engine worked on a synthesis."
    );
    metrics::describe_histogram!(
        "voxgate_speech_encode_seconds",
        "Time the encoder worked on a synthesis."
    );
}

/// Counts a request as running until it is dropped.
#[derive(Debug)]
pub struct InFlight(());

impl InFlight {
    /// A request has begun.
    pub fn begin() -> Self {
        gauge!("http_requests_in_flight").increment(1.0);
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!("http_requests_in_flight").decrement(1.0);
    }
}

/// Records an answered request. `route` is a template, never a path, so that labels stay few.
pub fn answered(route: &'static str, method: &'static str, status: u16, took: Duration) {
    counter!("http_requests_total", "route" => route, "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!("http_request_duration_seconds", "route" => route, "method" => method)
        .record(took.as_secs_f64());
}
