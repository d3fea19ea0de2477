//! What share of the processor's peak the generators reach, layer by layer, on one thread:
//! `cargo run --profile ci -p voxgate-vocoder --example generator_speed`.
//!
//! Prints, for each instruction set the machine has, the rate of a bare loop of fused multiply-adds, then that of a
//! generator of Piper's medium size with made-up weights. Each number is the best of several runs, so that other work on
//! the machine counts as little as possible.
#![allow(clippy::print_stdout, unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use voxgate_vocoder::hifigan::{Activated, HifiGan, HifiGanWeights, StageWeights};
use voxgate_vocoder::{ConvWeights, Isa};

const RUNS: usize = 8;
const FRAMES: usize = 256;
const WINDOW: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let generator = HifiGan::new(&piper_medium())?;
    let latents: Vec<f32> = (0..192 * FRAMES).map(|n| (n as f32 * 0.37).sin()).collect();
    for isa in Isa::available() {
        let peak = (0..RUNS).map(|_| peak(isa)).fold(0.0, f64::max);
        println!("{isa:?}: bare multiply-adds {peak:.0} GFLOP/s");
        let mut best: Vec<(usize, Duration)> = Vec::new();
        for _ in 0..RUNS {
            let mut stream = generator.stream_on(latents.clone(), isa)?;
            while !black_box(stream.next_window(WINDOW)).is_empty() {}
            let costs = stream.costs();
            best = match best.as_slice() {
                [] => costs,
                best => best
                    .iter()
                    .zip(costs)
                    .map(|(&old, new)| if new.1 < old.1 { new } else { old })
                    .collect(),
            };
        }
        for (layer, &(operations, time)) in best.iter().enumerate() {
            let rate = operations as f64 / time.as_secs_f64() / 1e9;
            println!(
                "  layer {layer:2}: {:6.1} MFLOP a frame, {rate:6.1} GFLOP/s, {:3.0} % of peak",
                operations as f64 / FRAMES as f64 / 1e6,
                rate / peak * 100.0
            );
        }
        let operations: usize = best.iter().map(|cost| cost.0).sum();
        let time: f64 = best.iter().map(|cost| cost.1.as_secs_f64()).sum();
        let audio = (FRAMES * generator.samples_per_frame()) as f64 / 22_050.0;
        let rate = operations as f64 / time / 1e9;
        println!(
            "  in all: {rate:.1} GFLOP/s, {:.0} % of peak, {:.4} s per second of audio",
            rate / peak * 100.0,
            time / audio
        );
    }
    Ok(())
}

/// The rate of a loop that does nothing but multiply and add, in GFLOP/s.
fn peak(isa: Isa) -> f64 {
    const STEPS: usize = 2_000_000;
    let started = Instant::now();
    let per_step = match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => {
            // SAFETY: `Isa::available` named it.
            unsafe { avx512_peak(STEPS) };
            2 * 16 * 16
        }
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => {
            // SAFETY: `Isa::available` named it.
            unsafe { avx2_peak(STEPS) };
            2 * 12 * 8
        }
        _ => {
            let mut sums = [0.0_f32; 32];
            for _ in 0..STEPS {
                let factor = black_box(0.5_f32);
                for sum in &mut sums {
                    *sum = *sum * factor + factor;
                }
            }
            black_box(sums);
            2 * 32
        }
    };
    (STEPS * per_step) as f64 / started.elapsed().as_secs_f64() / 1e9
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512_peak(steps: usize) {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    let factor = black_box(_mm512_set1_ps(0.5));
    let mut sums = [factor; 16];
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, factor);
        }
    }
    black_box(sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2_peak(steps: usize) {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    let factor = black_box(_mm256_set1_ps(0.5));
    let mut sums = [factor; 12];
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, factor);
        }
    }
    black_box(sums);
}

fn conv(shape: [usize; 3], outputs: usize, dilation: usize, padding: usize) -> ConvWeights {
    let count: usize = shape.iter().product();
    ConvWeights {
        weights: (0..count)
            .map(|n| (n as f32 * 1.7).sin() / (count as f32 / outputs as f32).sqrt())
            .collect(),
        shape,
        bias: vec![0.01; outputs],
        dilation,
        padding,
    }
}

/// The sizes of every Piper voice of medium quality.
fn piper_medium() -> HifiGanWeights {
    let same = |channels, taps, dilation| Activated {
        slope: 0.1,
        conv: conv(
            [channels, channels, taps],
            channels,
            dilation,
            (taps - 1) / 2 * dilation,
        ),
    };
    let stage = |channels: usize, stride: usize| StageWeights {
        upsample: Activated {
            slope: 0.1,
            conv: conv(
                [channels, channels / 2, 2 * stride],
                channels / 2,
                1,
                stride / 2,
            ),
        },
        stride,
        blocks: [(3, 1, 2), (5, 2, 6), (7, 3, 12)]
            .map(|(taps, first, second)| {
                [first, second]
                    .map(|dilation| vec![same(channels / 2, taps, dilation)])
                    .into()
            })
            .into(),
    };
    HifiGanWeights {
        pre: conv([256, 192, 7], 256, 1, 3),
        stages: vec![stage(256, 8), stage(128, 8), stage(64, 4)],
        post: Activated {
            slope: 0.01,
            conv: conv([1, 32, 7], 1, 1, 3),
        },
    }
}
