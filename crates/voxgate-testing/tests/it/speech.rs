//! Real models, judged as audio. Needs `VOXGATE_TEST_MODELS`; `make test` sets it.

use serde_json::json;
use voxgate_testing::{Options, TestServer, audio};

/// What the page's own samples say.
const SENTENCE: &str =
    "Hello! This is a test of the text to speech service, and it should sound natural.";

const NO_MODELS: &str =
    "set VOXGATE_TEST_MODELS to a folder with the default models (`make test` does)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_is_good_audio() {
    let options = Options::models().expect(NO_MODELS);
    let server = TestServer::start(options).await.unwrap();
    let client = server.admin();
    let mut spoken: Vec<f64> = Vec::new();
    for (format, codec, content_type, rate) in [
        ("mp3", "mp3", "audio/mpeg", 24_000),
        ("wav", "pcm_s16le", "audio/wav", 48_000),
        ("opus", "opus", "audio/ogg", 48_000),
        ("flac", "flac", "audio/flac", 44_100),
        ("aac", "aac", "audio/aac", 16_000),
        ("wav", "pcm_s16le", "audio/wav", 8_000),
    ] {
        let body = json!({"text": SENTENCE, "voice_id": "en_female_warm_1", "audio_format": format, "sample_rate_hz": rate});
        let answer = client
            .post("/tts/tts", body)
            .await
            .unwrap()
            .expect(200)
            .unwrap();
        assert!(
            answer.header("content-type").starts_with(content_type),
            "{format}: {}",
            answer.header("content-type")
        );
        assert!(
            answer.header("server-timing").contains("engine"),
            "{format}"
        );
        let report =
            audio::inspect(&answer.body, &[]).unwrap_or_else(|error| panic!("{format}: {error:#}"));
        assert_eq!(
            (report.codec.as_str(), report.channels),
            (codec, 1),
            "{format}"
        );
        if format != "opus" {
            assert_eq!(report.sample_rate_hz, rate, "{format}");
        }
        assert!((3.5..7.5).contains(&report.seconds), "{format}: {report:?}");
        assert!(
            (-26.0..=-14.0).contains(&report.lufs),
            "{format}: {report:?}"
        );
        assert!(
            report.peak_dbfs < -0.1 && report.longest_pause < 1.5,
            "{format}: {report:?}"
        );
        spoken.push(report.seconds);
    }
    let (least, most) = spoken
        .iter()
        .fold((f64::MAX, 0.0_f64), |(least, most), &s| {
            (least.min(s), most.max(s))
        });
    assert!(most - least < 0.2, "one sentence, one length: {spoken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_is_the_same_audio_and_half_the_pace_is_twice_the_length() {
    let options = Options::models().expect(NO_MODELS);
    let server = TestServer::start(options).await.unwrap();
    let client = server.admin();
    let body = |speed: f64| json!({"text": SENTENCE, "audio_format": "wav", "sample_rate_hz": 24_000, "speed": speed});
    let mut seconds = Vec::new();
    for speed in [1.0, 1.0, 0.5] {
        let answer = client
            .post("/tts/tts", body(speed))
            .await
            .unwrap()
            .expect(200)
            .unwrap();
        seconds.push((
            audio::inspect(&answer.body, &[]).unwrap().seconds,
            answer.body,
        ));
    }
    assert_eq!(seconds[0].1, seconds[1].1);
    let ratio = seconds[2].0 / seconds[0].0;
    assert!(
        (1.6..2.4).contains(&ratio),
        "half the pace is {ratio:.2} times as long"
    );
}
