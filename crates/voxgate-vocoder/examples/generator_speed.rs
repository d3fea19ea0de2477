//! What share of the processor's peak the generators reach, layer by layer, on one thread:
//! `cargo run --profile ci -p voxgate-vocoder --example generator_speed`.
//!
//! Prints, for each instruction set the machine has, the rate of a bare loop of fused multiply-adds, then that of a
//! generator of Piper's medium size with made-up weights; then the same for one of Kokoro's size, in f32 and, where the
//! machine has VNNI, in 8 bits. Rates count the thread's processor time, those of single layers wall time; each is the best
//! of several runs, so that other work on the machine counts as little as possible.
#![allow(clippy::print_stdout, unsafe_code)]

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use voxgate_vocoder::hifigan::{Activated, HifiGan, HifiGanWeights, StageWeights};
use voxgate_vocoder::istftnet::{
    AdaptiveConv, ByteWeights, Excited, IstftNet, IstftNetWeights, ResidualBlock, Style,
    StyledStage,
};
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
        let mut time = f64::INFINITY;
        for _ in 0..RUNS {
            let mut stream = generator.stream_on(latents.clone(), isa)?;
            let started = ThreadTime::now();
            while !black_box(stream.next_window(WINDOW)).is_empty() {}
            time = time.min(started.elapsed().as_secs_f64());
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
        let audio = (FRAMES * generator.samples_per_frame()) as f64 / 22_050.0;
        let rate = operations as f64 / time / 1e9;
        println!(
            "  in all: {rate:.1} GFLOP/s, {:.0} % of peak, {:.4} s per second of audio",
            rate / peak * 100.0,
            time / audio
        );
    }
    kokoro()
}

/// The generator of Kokoro's size, on the fastest instruction set.
fn kokoro() -> Result<(), Box<dyn std::error::Error>> {
    const FRAMES: usize = 160;
    let weights = kokoro_sized();
    let isa = Isa::best();
    let float_peak = (0..RUNS).map(|_| peak(isa)).fold(0.0, f64::max);
    let byte_peak = (0..RUNS).filter_map(|_| byte_peak()).reduce(f64::max);
    let mut peaks = vec![("f32", false, float_peak)];
    peaks.extend(byte_peak.map(|peak| ("8 bits", true, peak)));
    for (name, bytes, peak) in peaks {
        let net = IstftNet::new_on(&weights, isa, bytes)?;
        let wave = |count: usize| (0..count).map(|n| (n as f32 * 0.37).sin()).collect();
        let clause = Excited {
            frames: wave(512 * FRAMES),
            excitations: vec![wave(256 * FRAMES * 10), wave(128 * (FRAMES * 60 + 1))],
            styles: net
                .styles()
                .into_iter()
                .map(|channels| Style {
                    gain: vec![1.0; channels],
                    shift: vec![0.1; channels],
                })
                .collect(),
        };
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let started = ThreadTime::now();
            black_box(net.spectrum(&clause, &mut || true)?);
            best = best.min(started.elapsed().as_secs_f64());
        }
        let operations = 2.0 * FRAMES as f64 * multiplications_of_blocks(&weights);
        let rate = operations / best / 1e9;
        println!(
            "Kokoro's size in {name}: {rate:.0} of {peak:.0} GOP/s in the blocks' convolutions, {:.0} % of peak with all that \
             is around them, {:.3} s per second of audio",
            rate / peak * 100.0,
            best / (FRAMES as f64 * 300.0 / 24_000.0)
        );
    }
    Ok(())
}

/// Multiplications of the residual blocks for each frame that goes in.
fn multiplications_of_blocks(weights: &IstftNetWeights) -> f64 {
    let mut rate = 1;
    let mut all = 0;
    for stage in &weights.stages {
        rate *= stage.stride;
        let blocks = stage.blocks.iter().chain([&stage.excitation]);
        let steps = blocks.flat_map(|block| block.pairs.iter().flatten());
        all += rate * steps.map(|step| step.conv.weights.len()).sum::<usize>();
    }
    all as f64
}

/// The rate of a loop that does nothing but multiply and add bytes, in GOP/s; `None` without VNNI.
fn byte_peak() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512vnni") && Isa::available().contains(&Isa::Avx512) {
        const STEPS: usize = 2_000_000;
        let started = ThreadTime::now();
        // SAFETY: the machine has VNNI.
        unsafe { vnni_peak(STEPS) };
        return Some((STEPS * 16 * 128) as f64 / started.elapsed().as_secs_f64() / 1e9);
    }
    None
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn vnni_peak(steps: usize) {
    use std::arch::x86_64::{_mm512_dpbusd_epi32, _mm512_set1_epi32};
    let factor = black_box(_mm512_set1_epi32(0x0101_0101));
    let mut sums = [factor; 16];
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, factor, factor);
        }
    }
    black_box(sums);
}

/// The rate of a loop that does nothing but multiply and add, in GFLOP/s.
fn peak(isa: Isa) -> f64 {
    const STEPS: usize = 2_000_000;
    let started = ThreadTime::now();
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

/// The sizes of Kokoro-82M.
fn kokoro_sized() -> IstftNetWeights {
    let step = |channels: usize, taps: usize, dilation: usize| {
        let count = channels * channels * taps;
        let values: Vec<i8> = (0..count).map(|n| (n * 31 % 127) as i8 - 63).collect();
        let scale = 0.03 / ((channels * taps) as f32).sqrt();
        AdaptiveConv {
            epsilon: 1e-5,
            alpha: vec![1.0; channels],
            height: vec![1.0; channels],
            conv: ConvWeights {
                weights: values
                    .iter()
                    .map(|&value| f32::from(value) * scale)
                    .collect(),
                shape: [channels, channels, taps],
                bias: vec![0.01; channels],
                dilation,
                padding: (taps - 1) / 2 * dilation,
            },
            bytes: Some(ByteWeights { values, scale }),
        }
    };
    let block = |channels, taps| ResidualBlock {
        pairs: [1, 3, 5]
            .map(|dilation| [step(channels, taps, dilation), step(channels, taps, 1)])
            .into(),
    };
    let stage = |channels: usize, stride, reflected, excited| StyledStage {
        slope: 0.1,
        upsample: conv(
            [2 * channels, channels, 2 * stride],
            channels,
            1,
            stride / 2,
        ),
        stride,
        reflected,
        excitation: block(channels, excited),
        blocks: [3, 7, 11].map(|taps| block(channels, taps)).into(),
    };
    IstftNetWeights {
        stages: vec![stage(256, 10, 0, 7), stage(128, 6, 1, 11)],
        slope: 0.01,
        post: conv([22, 128, 7], 22, 1, 3),
    }
}
