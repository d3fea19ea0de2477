//! The cut network against the whole graph, with the real model (in the folder that `VOXGATE_TEST_MODELS` names).
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::PathBuf;

use voxgate_engine::{ClauseTiming, PcmSink};

use super::*;
use crate::tts::kokoro::{MODEL_FILE, MODEL_NAME, SAMPLE_RATE_HZ, VOICES_NAME, vocabulary, voices};
use crate::tts::{Finish, Part, speak};

#[derive(Default)]
struct Recorder {
    samples: Vec<f32>,
    timings: Vec<ClauseTiming>,
}

impl PcmSink for Recorder {
    fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
        self.samples.extend_from_slice(samples);
        ControlFlow::Continue(())
    }
    fn cancelled(&self) -> bool {
        false
    }
    fn clause(&mut self, timing: ClauseTiming) {
        self.timings.push(timing);
    }
}

fn models() -> PathBuf {
    std::env::var_os("VOXGATE_TEST_MODELS")
        .expect(
            "set VOXGATE_TEST_MODELS to a folder with the default models (`voxgate models pull` fills one; `make test` does both)",
        )
        .into()
}

fn load(take: impl FnOnce(&GraphProto) -> Option<Parts>) -> KokoroModel {
    let threads = Arc::new(ThreadPool::with_num_threads(1));
    let path = models().join(MODEL_NAME).join(MODEL_FILE);
    KokoroModel::load_with(&path, MODEL_NAME, &threads, take).unwrap()
}

const SENTENCE: &str = "ðə tɹˈAn tə ðə kˈOst lˈivz æt ə kwˈɔɹTəɹ pˈæst nˈIn.";

fn heart() -> voices::Style {
    let styles = voices::load(&models().join(VOICES_NAME)).unwrap();
    let heart = styles.into_iter().find(|(voice, _)| voice.id == "af_heart");
    heart.unwrap().1
}

fn tokens(phonemes: &str) -> Vec<i32> {
    let inner = phonemes.chars().filter_map(vocabulary::token);
    std::iter::once(0).chain(inner).chain([0]).collect()
}

/// The sentence as the model makes it, untrimmed.
fn sound(model: &KokoroModel) -> Vec<f32> {
    let tokens = tokens(SENTENCE);
    let style = heart();
    let row = style.row(tokens.len() - 2);
    model.sound(tokens, row, 1.0, &mut || true).unwrap().0
}

fn say(model: &KokoroModel) -> Recorder {
    let style = heart();
    let part = Part {
        symbols: SENTENCE.to_owned(),
        source: 0..5,
        pause_after_ms: 0,
        sentence_end: true,
    };
    let finish = Finish {
        rate_hz: SAMPLE_RATE_HZ,
        gain: 1.0,
        speed: 1.0,
    };
    let mut recorder = Recorder::default();
    speak(
        std::iter::once(Ok(part)),
        &finish,
        &mut recorder,
        |phonemes, clause| {
            let tokens = tokens(phonemes);
            let row = style.row(tokens.len() - 2);
            model.speak(tokens, phonemes.to_owned(), row, 1.0, clause)?;
            Ok(1)
        },
    )
    .unwrap();
    recorder
}

/// Levels in decibels of windows of 10 ms in bands of about an octave, which is what an ear compares.
fn bands(samples: &[f32]) -> Vec<f64> {
    const BANDS: [f64; 7] = [150.0, 300.0, 600.0, 1_200.0, 2_400.0, 4_800.0, 9_000.0];
    let mut levels = Vec::new();
    for window in samples.chunks_exact(480) {
        for band in BANDS {
            // The power at a few frequencies of the band, by the definition of the Fourier transform.
            let mut power = 0.0;
            for step in 0..4 {
                let turn =
                    band * 2.0_f64.powf(f64::from(step) / 4.0) * std::f64::consts::TAU / 24_000.0;
                let (mut re, mut im) = (0.0, 0.0);
                for (n, &sample) in window.iter().enumerate() {
                    let weight = 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / 480.0).cos();
                    let (sin, cos) = (turn * n as f64).sin_cos();
                    re += f64::from(sample) * weight * cos;
                    im += f64::from(sample) * weight * sin;
                }
                power += re * re + im * im;
            }
            levels.push(10.0 * (power + 1e-4).log10());
        }
    }
    levels
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let mut sums = [0.0; 3];
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        sums[0] += a * b;
        sums[1] += a * a;
        sums[2] += b * b;
    }
    sums[0] / (sums[1] * sums[2]).sqrt()
}

fn signal_to_noise(signal: &[f32], other: &[f32]) -> f64 {
    let power = |numbers: &mut dyn Iterator<Item = f32>| -> f64 {
        numbers.map(|number| f64::from(number).powi(2)).sum()
    };
    let noise = power(&mut signal.iter().zip(other).map(|(a, b)| a - b));
    10.0 * (power(&mut signal.iter().copied()) / noise.max(1e-30)).log10()
}

#[test]
fn the_cut_network_sounds_as_the_whole_graph_does() {
    let whole = sound(&load(|_| None));
    let cut = load(|graph| Some(take_generator(graph, IstftNet::new).unwrap()));
    assert!(matches!(cut.sound, Sound::Cut(_)) && cut.lengths.is_some());
    let cut = sound(&cut);
    let float = sound(&load(|graph| {
        let pack = |weights: &_| IstftNet::new_on(weights, voxgate_vocoder::Isa::best(), false);
        Some(take_generator(graph, pack).unwrap())
    }));
    assert_eq!((cut.len(), float.len()), (whole.len(), whole.len()));
    // The whole graph quantises each activation with one range for the clause. That is its noise, about 20 dB down; ours,
    // with a range for each block, is closer to what the same weights give with activations of f32.
    let to_float = signal_to_noise(&float, &cut);
    let whole_to_float = signal_to_noise(&float, &whole);
    assert!(
        to_float > 22.0 && to_float > whole_to_float + 3.0,
        "{to_float:.1} dB to f32, the whole graph {whole_to_float:.1} dB"
    );
    let bands = [&whole, &cut, &float].map(|samples| bands(samples));
    let alike = [(0, 1), (0, 2), (2, 1)].map(|(a, b)| correlation(&bands[a], &bands[b]));
    assert!(
        alike[0] > 0.99 && alike[1] > 0.99 && alike[2] > 0.999,
        "{alike:?}"
    );
    // The sentence begins in 300 ms of silence; convolutions padded with something else would be heard there.
    for samples in [&whole, &cut, &float] {
        let loudest = samples[..4_800].iter().map(|sample| sample.abs());
        assert!(loudest.fold(0.0, f32::max) < 1e-3);
    }
}

#[test]
fn phonemes_of_the_real_model_fill_the_sound() {
    let made = say(&load(|graph| {
        Some(take_generator(graph, IstftNet::new).unwrap())
    }));
    let [timing] = made.timings.as_slice() else {
        panic!("one clause, one timing");
    };
    assert_eq!(
        (&timing.source, timing.symbols.as_str()),
        (&(0..5), SENTENCE)
    );
    assert_eq!(timing.starts.len(), SENTENCE.chars().count());
    assert!(timing.starts.is_sorted());
    // The last symbol is a full stop, most of whose silence is trimmed.
    let end = timing.end as usize;
    assert!(
        end > made.samples.len() / 2 && end < made.samples.len() + 12_000,
        "{end}"
    );
}

#[test]
fn a_graph_without_the_generator_runs_as_a_whole() {
    let mut graph = GraphProto::default();
    graph
        .node
        .push(graph::node("Exp", "e".to_owned(), &["x"], "y"));
    assert!(take_generator(&graph, IstftNet::new).is_err());
    assert_eq!(token_lengths(&graph), None);
}

#[test]
fn tokens_last_as_long_as_their_frames() {
    let found = times("ab".to_owned(), &[2.0, 3.0, 4.0, 1.0], 6_000).unwrap();
    assert_eq!((found.lead, found.lengths), (1_200, vec![1_800, 2_400]));
    assert!(times("abc".to_owned(), &[2.0, 3.0, 4.0, 1.0], 6_000).is_none());
    assert!(times(String::new(), &[], 6_000).is_none());
}
