//! What encoding costs: ten seconds of audio per iteration, so milliseconds read as tenths of a thousandth of real time.
#![allow(missing_docs, clippy::unwrap_used)]

use divan::{Bencher, counter::ItemsCount};
use voxgate_audio::{AudioFormat, Encoder, OutputSpec, Resampler};

const SECONDS: u32 = 10;

fn main() {
    divan::main();
}

fn audio() -> Vec<f32> {
    (0..24_000 * SECONDS)
        .map(|n| (n as f32 * 0.05).sin() * (n as f32 * 0.0007).sin() * 0.5)
        .collect()
}

#[divan::bench(args = AudioFormat::ALL, sample_count = 10)]
fn encode_24_khz(bencher: Bencher<'_, '_>, format: AudioFormat) {
    run(bencher, format, 24_000);
}

#[divan::bench(args = AudioFormat::ALL, sample_count = 10)]
fn encode_at_48_khz(bencher: Bencher<'_, '_>, format: AudioFormat) {
    run(bencher, format, 48_000);
}

fn run(bencher: Bencher<'_, '_>, format: AudioFormat, rate: u32) {
    let input = audio();
    bencher
        .counter(ItemsCount::new(input.len()))
        .bench_local(|| {
            let mut encoder = Encoder::new(OutputSpec::new(format, rate).unwrap(), 24_000).unwrap();
            let mut out = Vec::new();
            for chunk in input.chunks(4_800) {
                encoder.push(chunk, &mut out).unwrap();
            }
            encoder.finish(&mut out).unwrap();
            out
        });
}

#[divan::bench(args = [8_000, 16_000, 22_050, 44_100, 48_000], sample_count = 10)]
fn resample_from_24_khz(bencher: Bencher<'_, '_>, rate: u32) {
    let input = audio();
    bencher
        .counter(ItemsCount::new(input.len()))
        .bench_local(|| {
            let mut resampler = Resampler::new(24_000, rate).unwrap();
            let mut out = Vec::new();
            for chunk in input.chunks(4_800) {
                resampler.push(chunk, &mut out).unwrap();
            }
            resampler.finish(&mut out).unwrap();
            out
        });
}
