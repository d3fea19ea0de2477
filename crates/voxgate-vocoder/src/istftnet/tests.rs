//! A small generator against loops that are the definition, in f32 and in 8 bits.
#![allow(clippy::unwrap_used)]

use super::*;

fn numbers(count: usize, scale: f32, seed: &mut u32) -> Vec<f32> {
    (0..count)
        .map(|_| {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*seed as f32 / u32::MAX as f32 * 2.0 - 1.0) * scale
        })
        .collect()
}

/// A convolution whose weights are whole steps, so that f32 and 8 bits mean the same.
fn stepped(channels: usize, taps: usize, dilation: usize, seed: &mut u32) -> AdaptiveConv {
    let values: Vec<i8> = numbers(channels * channels * taps, 84.0, seed)
        .into_iter()
        .map(|x| x as i8)
        .collect();
    let scale = 1.5 / (50.0 * ((channels * taps) as f32).sqrt());
    let alpha: Vec<f32> = numbers(channels, 1.0, seed)
        .iter()
        .map(|x| x.abs() + 0.5)
        .collect();
    AdaptiveConv {
        epsilon: 1e-5,
        height: alpha.iter().map(|alpha| 1.0 / alpha).collect(),
        alpha,
        conv: ConvWeights {
            weights: values
                .iter()
                .map(|&value| f32::from(value) * scale)
                .collect(),
            shape: [channels, channels, taps],
            bias: numbers(channels, 0.1, seed),
            dilation,
            padding: (taps - 1) / 2 * dilation,
        },
        bytes: Some(ByteWeights { values, scale }),
    }
}

fn block(channels: usize, taps: usize, seed: &mut u32) -> ResidualBlock {
    ResidualBlock {
        pairs: [1, 3, 5]
            .map(|dilation| {
                [
                    stepped(channels, taps, dilation, seed),
                    stepped(channels, taps, 1, seed),
                ]
            })
            .into(),
    }
}

/// Two stages, the second with a row of reflection, as Kokoro has it.
fn generator() -> IstftNetWeights {
    let mut seed = 3;
    let mut stage = |channels: usize, stride: usize, reflected: usize| StyledStage {
        slope: 0.1,
        upsample: ConvWeights {
            weights: numbers(channels * channels / 2 * 2 * stride, 0.1, &mut seed),
            shape: [channels, channels / 2, 2 * stride],
            bias: numbers(channels / 2, 0.1, &mut seed),
            dilation: 1,
            padding: stride / 2,
        },
        stride,
        reflected,
        excitation: block(channels / 2, 7, &mut seed),
        blocks: vec![
            block(channels / 2, 3, &mut seed),
            block(channels / 2, 11, &mut seed),
        ],
    };
    IstftNetWeights {
        stages: vec![stage(128, 4, 0), stage(64, 2, 1)],
        slope: 0.01,
        post: ConvWeights {
            weights: numbers(22 * 32 * 7, 0.1, &mut seed),
            shape: [22, 32, 7],
            bias: numbers(22, 0.1, &mut seed),
            dilation: 1,
            padding: 3,
        },
    }
}

fn clause(net: &IstftNet, frames: usize) -> Excited {
    let mut seed = 9;
    Excited {
        frames: numbers(128 * frames, 1.0, &mut seed),
        excitations: vec![
            numbers(64 * frames * 4, 1.0, &mut seed),
            numbers(32 * (frames * 8 + 1), 1.0, &mut seed),
        ],
        styles: net
            .styles()
            .into_iter()
            .map(|channels| Style {
                gain: numbers(channels, 0.5, &mut seed)
                    .iter()
                    .map(|x| x + 1.0)
                    .collect(),
                shift: numbers(channels, 0.5, &mut seed),
            })
            .collect(),
    }
}

/// `[channel][row]`.
type Signal = Vec<Vec<f64>>;

fn signal(numbers: &[f32], channels: usize) -> Signal {
    let rows = numbers.len() / channels;
    let channel = |c: &[f32]| c.iter().map(|&x| f64::from(x)).collect();
    numbers.chunks(rows).map(channel).collect()
}

fn plain_conv(input: &Signal, from: &ConvWeights) -> Signal {
    let [outputs, channels, taps] = from.shape;
    let rows = input[0].len();
    let mut out = vec![vec![0.0; rows]; outputs];
    for (o, out) in out.iter_mut().enumerate() {
        for (t, out) in out.iter_mut().enumerate() {
            *out = f64::from(from.bias[o]);
            for tap in 0..taps {
                if let Some(at) = (t + tap * from.dilation).checked_sub(from.padding)
                    && at < rows
                {
                    for (i, channel) in input.iter().enumerate() {
                        let weight = from.weights[(o * channels + i) * taps + tap];
                        *out += channel[at] * f64::from(weight);
                    }
                }
            }
        }
    }
    out
}

fn plain_step(input: &Signal, step: &AdaptiveConv, style: &Style) -> Signal {
    let mut bent = input.clone();
    for (c, channel) in bent.iter_mut().enumerate() {
        let rows = channel.len() as f64;
        let mean = channel.iter().sum::<f64>() / rows;
        let variance = channel.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / rows;
        let alpha = f64::from(step.alpha[c]);
        for x in channel {
            let normal = (*x - mean) / (variance + f64::from(step.epsilon)).sqrt();
            let y = normal * f64::from(style.gain[c]) + f64::from(style.shift[c]);
            *x = y + (alpha * y).sin().powi(2) / alpha;
        }
    }
    plain_conv(&bent, &step.conv)
}

fn plain_block(
    input: &Signal,
    block: &ResidualBlock,
    styles: &mut std::slice::Iter<'_, Style>,
) -> Signal {
    let mut x = input.clone();
    for [first, second] in &block.pairs {
        let inner = plain_step(&x, first, styles.next().unwrap());
        let inner = plain_step(&inner, second, styles.next().unwrap());
        add(&mut x, &inner);
    }
    x
}

fn add(to: &mut Signal, what: &Signal) {
    for (to, what) in to.iter_mut().flatten().zip(what.iter().flatten()) {
        *to += what;
    }
}

fn plain_leaky(x: &mut Signal, slope: f32) {
    for x in x.iter_mut().flatten() {
        *x = x.max(0.0) + x.min(0.0) * f64::from(slope);
    }
}

fn plain(weights: &IstftNetWeights, clause: &Excited) -> Vec<f64> {
    let mut styles = clause.styles.iter();
    let mut x = signal(&clause.frames, 128);
    for (stage, excitation) in weights.stages.iter().zip(&clause.excitations) {
        let [channels, outputs, taps] = stage.upsample.shape;
        let source = signal(excitation, outputs);
        let mut base = plain_block(&source, &stage.excitation, &mut styles);
        plain_leaky(&mut x, stage.slope);
        let rows = x[0].len() * stage.stride;
        for o in 0..outputs {
            let mut up = vec![f64::from(stage.upsample.bias[o]); rows];
            for (i, channel) in x.iter().enumerate().take(channels) {
                for (t, x) in channel.iter().enumerate() {
                    for tap in 0..taps {
                        let at = (t * stage.stride + tap).checked_sub(stage.upsample.padding);
                        if let Some(up) = at.and_then(|at| up.get_mut(at)) {
                            let weight = stage.upsample.weights[(i * outputs + o) * taps + tap];
                            *up += x * f64::from(weight);
                        }
                    }
                }
            }
            let front: Vec<f64> = (1..=stage.reflected).rev().map(|n| up[n]).collect();
            for (base, up) in base[o].iter_mut().zip(front.iter().chain(&up)) {
                *base += up;
            }
        }
        let mut sum: Option<Signal> = None;
        for block in &stage.blocks {
            let through = plain_block(&base, block, &mut styles);
            match &mut sum {
                Some(sum) => add(sum, &through),
                None => sum = Some(through),
            }
        }
        x = sum.unwrap();
        x.iter_mut()
            .flatten()
            .for_each(|x| *x /= stage.blocks.len() as f64);
    }
    plain_leaky(&mut x, weights.slope);
    plain_conv(&x, &weights.post).concat()
}

fn signal_to_noise(signal: &[f64], other: &[f32]) -> f64 {
    let power: f64 = signal.iter().map(|x| x * x).sum();
    let noise = signal
        .iter()
        .zip(other)
        .map(|(a, &b)| (a - f64::from(b)).powi(2));
    10.0 * (power / noise.sum::<f64>()).log10()
}

#[test]
fn generators_of_f32_and_of_bytes_give_what_the_definition_gives() {
    let weights = generator();
    // More rows than are computed at once, and not a multiple of them.
    let frames = 61;
    let net = IstftNet::new_on(&weights, Isa::Portable, false).unwrap();
    let clause = clause(&net, frames);
    let expected = plain(&weights, &clause);
    assert_eq!(expected.len(), 22 * (frames * 8 + 1));
    for isa in Isa::available() {
        let net = IstftNet::new_on(&weights, isa, false).unwrap();
        let made = net.spectrum(&clause, &mut || true).unwrap();
        assert_eq!(made.len(), expected.len());
        let decibels = signal_to_noise(&expected, &made);
        assert!(decibels > 90.0, "{isa:?}: {decibels:.1} dB");
    }
    if crate::kernel::int8::is_available() {
        let net = IstftNet::new(&weights).unwrap();
        let made = net.spectrum(&clause, &mut || true).unwrap();
        let decibels = signal_to_noise(&expected, &made);
        // Eight bits are 50 dB for one layer; two dozen of them, with noise for a signal, are still this good.
        assert!(decibels > 30.0, "bytes: {decibels:.1} dB");
        assert_eq!(made, net.spectrum(&clause, &mut || true).unwrap());
    }
}

#[test]
fn a_clause_can_be_stopped_anywhere() {
    let net = IstftNet::new(&generator()).unwrap();
    let clause = clause(&net, 20);
    let mut asked = 0;
    net.spectrum(&clause, &mut || {
        asked += 1;
        true
    })
    .unwrap();
    assert!(asked > 30);
    for stop in [0, 1, asked / 2, asked - 1] {
        let mut left: i32 = stop;
        let stopped = net.spectrum(&clause, &mut || {
            left -= 1;
            left >= 0
        });
        assert_eq!(stopped, Err(ClauseError::Stopped));
    }
}

#[test]
fn a_short_or_silent_clause_is_finite() {
    let net = IstftNet::new(&generator()).unwrap();
    let mut clause = clause(&net, 1);
    assert!(
        net.spectrum(&clause, &mut || true)
            .unwrap()
            .iter()
            .all(|x| x.is_finite())
    );
    clause.frames.fill(0.0);
    clause
        .excitations
        .iter_mut()
        .flatten()
        .for_each(|x| *x = 0.0);
    assert!(
        net.spectrum(&clause, &mut || true)
            .unwrap()
            .iter()
            .all(|x| x.is_finite())
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let net = IstftNet::new(&generator()).unwrap();
    let refused = |change: &dyn Fn(&mut Excited)| {
        let mut clause = clause(&net, 5);
        change(&mut clause);
        matches!(
            net.spectrum(&clause, &mut || true),
            Err(ClauseError::Shape(_))
        )
    };
    assert!(refused(&|clause| drop(clause.styles.pop())));
    assert!(refused(&|clause| clause.styles[3].gain.truncate(5)));
    assert!(refused(&|clause| drop(clause.excitations.pop())));
    assert!(refused(&|clause| clause.frames.truncate(128 * 4)));
    assert!(refused(&|clause| clause.frames.truncate(100)));
    let mut weights = generator();
    weights.stages[1].blocks[0] = weights.stages[0].blocks[0].clone();
    assert!(IstftNet::new(&weights).is_err());
    weights.stages.clear();
    assert!(IstftNet::new(&weights).is_err());
}
