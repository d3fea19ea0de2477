//! A small generator against loops that are the definition, in windows of all sizes.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::flow::WaveNetLayer;

fn numbers(count: usize, scale: f32, seed: &mut u32) -> Vec<f32> {
    (0..count)
        .map(|_| {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*seed as f32 / u32::MAX as f32 * 2.0 - 1.0) * scale
        })
        .collect()
}

fn weights(shape: [usize; 3], outputs: usize, dilation: usize, seed: &mut u32) -> ConvWeights {
    let scale = 1.5 / ((shape[1] * shape[2]) as f32).sqrt();
    ConvWeights {
        weights: numbers(shape.iter().product(), scale, seed),
        shape,
        bias: numbers(outputs, 0.1, seed),
        dilation,
        padding: (shape[2] - 1) / 2 * dilation,
    }
}

/// Two stages of two blocks, whose units hold `convs` convolutions each: 1 is type 2, 2 is type 1.
fn generator(convs: usize) -> HifiGanWeights {
    let mut seed = 7;
    let mut stage = |channels: usize, stride: usize| StageWeights {
        upsample: Activated {
            slope: 0.1,
            conv: ConvWeights {
                padding: stride / 2,
                ..weights(
                    [channels, channels / 2, 2 * stride],
                    channels / 2,
                    1,
                    &mut seed,
                )
            },
        },
        stride,
        blocks: [3, 5]
            .map(|taps| {
                [1, 4]
                    .map(|dilation| {
                        (0..convs)
                            .map(|place| Activated {
                                slope: 0.1,
                                conv: weights(
                                    [channels / 2, channels / 2, taps],
                                    channels / 2,
                                    if place == 0 { dilation } else { 1 },
                                    &mut seed,
                                ),
                            })
                            .collect()
                    })
                    .into()
            })
            .into(),
    };
    let stages = vec![stage(48, 4), stage(24, 2)];
    HifiGanWeights {
        pre: weights([48, 20, 7], 48, 1, &mut seed),
        stages,
        post: Activated {
            slope: 0.01,
            conv: weights([1, 12, 7], 1, 1, &mut seed),
        },
    }
}

/// `[channel][time]`.
type Signal = Vec<Vec<f32>>;

fn plain_conv(input: &Signal, from: &ConvWeights) -> Signal {
    let [outputs, channels, taps] = from.shape;
    let length = input[0].len();
    (0..outputs)
        .map(|o| {
            (0..length)
                .map(|t| {
                    let mut sum = f64::from(from.bias[o]);
                    for tap in 0..taps {
                        let Some(at) = (t + tap * from.dilation).checked_sub(from.padding) else {
                            continue;
                        };
                        for (i, channel) in input.iter().enumerate() {
                            let weight = from.weights[(o * channels + i) * taps + tap];
                            sum += f64::from(channel.get(at).copied().unwrap_or(0.0) * weight);
                        }
                    }
                    sum as f32
                })
                .collect()
        })
        .collect()
}

fn plain_transposed(input: &Signal, from: &ConvWeights, stride: usize) -> Signal {
    let [_, outputs, taps] = from.shape;
    let length = input[0].len() * stride;
    let mut out: Signal = from.bias.iter().map(|&bias| vec![bias; length]).collect();
    for (i, channel) in input.iter().enumerate() {
        for (t, number) in channel.iter().enumerate() {
            for (o, out) in out.iter_mut().enumerate() {
                for tap in 0..taps {
                    let at = (t * stride + tap).checked_sub(from.padding);
                    if let Some(out) = at.and_then(|at| out.get_mut(at)) {
                        *out += number * from.weights[(i * outputs + o) * taps + tap];
                    }
                }
            }
        }
    }
    out
}

fn leaky(signal: &Signal, slope: f32) -> Signal {
    let bend = |x: &f32| if *x < 0.0 { x * slope } else { *x };
    signal
        .iter()
        .map(|c| c.iter().map(bend).collect())
        .collect()
}

fn add(a: &Signal, b: &Signal) -> Signal {
    let sum = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(a, b)| a + b).collect();
    a.iter().zip(b).map(sum).collect()
}

fn plain(from: &HifiGanWeights, latents: &[f32], condition: &[f32]) -> Vec<f32> {
    let frames = latents.len() / from.pre.shape[1];
    let mut pre = from.pre.clone();
    for (bias, condition) in pre.bias.iter_mut().zip(condition) {
        *bias += condition;
    }
    let mut x = plain_conv(&latents.chunks(frames).map(<[f32]>::to_vec).collect(), &pre);
    for stage in &from.stages {
        let up = &stage.upsample;
        x = plain_transposed(&leaky(&x, up.slope), &up.conv, stage.stride);
        let mut sum: Option<Signal> = None;
        for block in &stage.blocks {
            let mut through = x.clone();
            for unit in block {
                let mut inner = through.clone();
                for step in unit {
                    inner = plain_conv(&leaky(&inner, step.slope), &step.conv);
                }
                through = add(&through, &inner);
            }
            sum = Some(sum.map_or(through.clone(), |sum| add(&sum, &through)));
        }
        let count = stage.blocks.len() as f32;
        x = sum.unwrap();
        x.iter_mut().flatten().for_each(|number| *number /= count);
    }
    let samples = plain_conv(&leaky(&x, from.post.slope), &from.post.conv);
    samples[0].iter().map(|sample| sample.tanh()).collect()
}

#[test]
fn both_types_of_blocks_give_what_the_definition_gives() {
    for convs in [1, 2] {
        let weights = generator(convs);
        let generator = HifiGan::new(&weights).unwrap();
        assert_eq!(generator.samples_per_frame(), 8);
        let latents = numbers(20 * 37, 1.0, &mut 5);
        let condition = numbers(48, 0.3, &mut 6);
        let expected = plain(&weights, &latents, &condition);
        for isa in Isa::available() {
            let mut stream = generator.stream_on(latents.clone(), isa).unwrap();
            stream.condition(0, &condition).unwrap();
            let samples = stream.next_window(usize::MAX).to_vec();
            assert_eq!(samples.len(), expected.len());
            let worst = samples.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let worst = worst.fold(0.0, f32::max);
            assert!(worst < 1e-5, "{isa:?}: off by {worst}");
            assert!(samples.iter().any(|sample| sample.abs() > 0.1));
            assert!(stream.next_window(1).is_empty());
        }
    }
}

#[test]
fn windows_of_any_size_give_the_same_samples_to_the_last_bit() {
    let generator = HifiGan::new(&generator(1)).unwrap();
    let latents = numbers(20 * 41, 1.0, &mut 8);
    let whole = generator
        .stream(latents.clone())
        .unwrap()
        .next_window(usize::MAX)
        .to_vec();
    for sizes in [&[1][..], &[3, 1, 7], &[12, 24], &[40, 5]] {
        let mut stream = generator.stream(latents.clone()).unwrap();
        let mut samples = Vec::new();
        for &size in sizes.iter().cycle() {
            let due = size.min(stream.remaining_frames()) * generator.samples_per_frame();
            let window = stream.next_window(size);
            assert_eq!(window.len(), due);
            if window.is_empty() {
                break;
            }
            samples.extend_from_slice(window);
        }
        assert_eq!(samples, whole, "{sizes:?}");
    }
}

#[test]
fn a_long_stream_keeps_no_more_than_a_short_one() {
    let generator = HifiGan::new(&generator(1)).unwrap();
    let kept = |frames: usize| {
        let mut stream = generator.stream(vec![0.1; 20 * frames]).unwrap();
        let mut most = 0;
        while !stream.next_window(4).is_empty() {
            most = most.max(stream.progress.kept());
        }
        most
    };
    // Blocks that are computed ahead grow at first.
    assert_eq!(kept(4_000), kept(8_000));
}

#[test]
fn numbers_that_are_not_frames_are_refused() {
    let generator = HifiGan::new(&generator(1)).unwrap();
    assert!(generator.stream(vec![0.0; 21]).is_err());
    let mut empty = generator.stream(Vec::new()).unwrap();
    assert!(empty.next_window(10).is_empty());
    assert!(empty.condition(0, &[0.0; 3]).is_err());
    assert!(empty.condition(1, &[0.0; 48]).is_err());
    let mut weights = self::generator(1);
    weights.post.conv = weights.pre.clone();
    assert!(HifiGan::new(&weights).is_err());
}

/// A flow of two couplings over 20 channels, with 32 hidden ones.
fn flow() -> Vec<Coupling> {
    let mut seed = 11;
    (0..2)
        .map(|_| Coupling {
            pre: weights([32, 10, 1], 32, 1, &mut seed),
            layers: [64, 64, 32]
                .map(|res_skip| WaveNetLayer {
                    conv: weights([64, 32, 5], 64, 1, &mut seed),
                    res_skip: weights([res_skip, 32, 1], res_skip, 1, &mut seed),
                })
                .into(),
            post: weights([10, 32, 1], 10, 1, &mut seed),
        })
        .collect()
}

/// The inverse flow as the paper has it: turn round, split, shift.
fn plain_flow(flow: &[Coupling], latents: Signal, condition: &[f32]) -> Signal {
    let mut z = latents;
    for coupling in flow {
        z.reverse();
        let (first, second) = z.split_at(10);
        let mut hidden = plain_conv(&first.to_vec(), &coupling.pre);
        let mut sum: Option<Signal> = None;
        for layer in &coupling.layers {
            let mut conv = layer.conv.clone();
            for (bias, condition) in conv.bias.iter_mut().zip(condition) {
                *bias += condition;
            }
            let both = plain_conv(&hidden, &conv);
            let (bent, opening) = both.split_at(32);
            let gate = |(a, b): (&f32, &f32)| a.tanh() / (1.0 + (-b).exp());
            let row = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(gate).collect();
            let gated: Signal = bent.iter().zip(opening).map(row).collect();
            let mut res_skip = plain_conv(&gated, &layer.res_skip);
            let skip = res_skip.split_off(res_skip.len() - 32);
            if !res_skip.is_empty() {
                hidden = add(&hidden, &res_skip);
            }
            sum = Some(sum.map_or(skip.clone(), |sum| add(&sum, &skip)));
        }
        let mut shift = plain_conv(&sum.unwrap(), &coupling.post);
        shift
            .iter_mut()
            .flatten()
            .for_each(|number| *number = -*number);
        z = [first.to_vec(), add(&second.to_vec(), &shift)].concat();
    }
    z
}

#[test]
fn a_flow_in_front_gives_what_the_definition_gives() {
    let (flow, weights) = (flow(), generator(1));
    let generator = HifiGan::with_flow(&flow, &weights).unwrap();
    assert_eq!(generator.condition_places(), 7);
    let latents = numbers(20 * 53, 1.0, &mut 9);
    let condition = numbers(64, 0.3, &mut 10);
    let through = plain_flow(
        &flow,
        latents.chunks(53).map(<[f32]>::to_vec).collect(),
        &condition,
    );
    let expected = plain(&weights, &through.concat(), &[]);
    for isa in Isa::available() {
        let mut stream = generator.stream_on(latents.clone(), isa).unwrap();
        for place in 0..6 {
            stream.condition(place, &condition).unwrap();
        }
        let mut samples = Vec::new();
        while stream.remaining_frames() > 0 {
            samples.extend_from_slice(stream.next_window(9));
        }
        let worst = samples.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        let worst = worst.fold(0.0, f32::max);
        assert!(worst < 1e-5, "{isa:?}: off by {worst}");
        assert_eq!(samples.len(), expected.len());
    }
    assert!(HifiGan::with_flow(&flow[..1], &weights).is_err());
}
