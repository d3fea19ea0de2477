//! Every kernel against loops that are the definition, with random shapes.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// Numbers that look random and are the same in each run.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32 * 2.0 - 1.0
        })
        .collect()
}

/// Rows of `channels`, at the stride that signals have.
fn rows(count: usize, channels: usize, seed: u32) -> Vec<f32> {
    let stride = stride_of(channels);
    let mut padded = vec![0.0; count * stride];
    let dense = numbers(count * channels, seed);
    for (to, from) in padded
        .chunks_exact_mut(stride)
        .zip(dense.chunks_exact(channels))
    {
        to[..channels].copy_from_slice(from);
    }
    padded
}

/// `out[t][o] = bias[o] + Σ input[t + tap·dilation − padding][i] · weights[o][i][tap]`.
fn plain_conv(from: &ConvWeights, input: &[f32], count: usize) -> Vec<f64> {
    let [outputs, channels, taps] = from.shape;
    let stride = stride_of(channels);
    let mut out = Vec::new();
    for t in 0..count {
        for o in 0..outputs {
            let mut sum = f64::from(from.bias[o]);
            for tap in 0..taps {
                let Some(row) = (t + tap * from.dilation).checked_sub(from.padding) else {
                    continue;
                };
                if row >= count {
                    continue;
                }
                for i in 0..channels {
                    sum += f64::from(input[row * stride + i])
                        * f64::from(from.weights[(o * channels + i) * taps + tap]);
                }
            }
            out.push(sum);
        }
    }
    out
}

/// Scatters each input row over the output, as transposed convolutions are defined.
fn plain_transposed(from: &ConvWeights, stride: usize, input: &[f32], count: usize) -> Vec<f64> {
    let [channels, outputs, taps] = from.shape;
    let in_stride = stride_of(channels);
    let mut out: Vec<f64> = (0..count * stride)
        .flat_map(|_| from.bias.iter().map(|&bias| f64::from(bias)))
        .collect();
    for t in 0..count {
        for tap in 0..taps {
            let Some(row) = (t * stride + tap).checked_sub(from.padding) else {
                continue;
            };
            if row >= count * stride {
                continue;
            }
            for i in 0..channels {
                for o in 0..outputs {
                    out[row * outputs + o] += f64::from(input[t * in_stride + i])
                        * f64::from(from.weights[(i * outputs + o) * taps + tap]);
                }
            }
        }
    }
    out
}

/// Runs a convolution over a whole signal, silence put around it; all fusions on.
fn run(conv: &Conv, isa: Isa, input: &[f32], count: usize) -> (Vec<f32>, Vec<f32>) {
    let wide_rows = (count * conv.rate()).div_ceil(conv.wide());
    let before = conv.first_row(0).min(0).unsigned_abs();
    let behind = (conv.end_row(wide_rows) - count as isize).max(0) as usize;
    let stride = conv.in_stride();
    let mut padded = vec![0.0; before * stride];
    padded.extend_from_slice(&input[..count * stride]);
    padded.resize(padded.len() + behind * stride, 0.0);
    let start = (conv.first_row(0) + before as isize) as usize;
    let written = wide_rows * conv.wide() * conv.out_stride();
    let residual = vec![0.25; written];
    let mut raw = vec![0.5; written];
    let mut activated = vec![f32::NAN; written];
    let output = Output {
        residual: Some(&residual),
        raw: Some(&mut raw),
        accumulate: true,
        scale: 0.5,
        activated: Some((&mut activated, 0.1)),
    };
    conv.run(
        isa,
        wide_rows,
        &padded[start * stride..],
        conv.bias(),
        output,
    );
    (raw, activated)
}

/// Compares what [`run`] made of a plain result: the sums within rounding, the activation exactly.
fn check(conv: &Conv, outputs: usize, made: &(Vec<f32>, Vec<f32>), plain: &[f64], terms: usize) {
    let tolerance = 1e-6 * (terms as f64).sqrt() + 1e-6;
    for (row, plain) in plain.chunks_exact(outputs).enumerate() {
        for (o, &plain) in plain.iter().enumerate() {
            let at = row * conv.out_stride() + o;
            let expected = (plain + 0.75) * 0.5;
            let (raw, activated) = (made.0[at], made.1[at]);
            assert!(
                (f64::from(raw) - expected).abs() <= tolerance,
                "row {row}, channel {o}: {raw} instead of {expected}"
            );
            let bent = if raw < 0.0 { raw * 0.1 } else { raw };
            assert_eq!(activated, bent);
        }
    }
}

fn weights(shape: [usize; 3], outputs: usize, dilation: usize, padding: usize) -> ConvWeights {
    ConvWeights {
        weights: numbers(shape.iter().product(), 3),
        shape,
        bias: numbers(outputs, 4),
        dilation,
        padding,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn convolutions_are_what_they_are_defined_to_be(
        channels in 1_usize..70, outputs in 1_usize..70, half in 0_usize..4, dilation in 1_usize..13,
        count in 1_usize..60, seed in any::<u32>(),
    ) {
        let from = weights([outputs, channels, 2 * half + 1], outputs, dilation, half * dilation);
        let conv = Conv::new(&from).unwrap();
        let input = rows(count, channels, seed);
        let plain = plain_conv(&from, &input, count);
        for isa in Isa::available() {
            let made = run(&conv, isa, &input, count);
            check(&conv, outputs, &made, &plain, channels * (2 * half + 1));
        }
    }

    #[test]
    fn transposed_convolutions_are_what_they_are_defined_to_be(
        channels in 1_usize..70, outputs in 2_usize..70, stride in 1_usize..11, padding in 0_usize..8,
        count in 1_usize..40, seed in any::<u32>(),
    ) {
        let from = weights([channels, outputs, stride + 2 * padding], outputs, 1, padding);
        let conv = Conv::transposed(&from, stride).unwrap();
        let input = rows(count, channels, seed);
        let plain = plain_transposed(&from, stride, &input, count);
        for isa in Isa::available() {
            let made = run(&conv, isa, &input, count);
            check(&conv, outputs, &made, &plain, channels * (stride + 2 * padding).div_ceil(stride));
        }
    }
}

#[test]
fn what_changes_the_length_is_refused() {
    assert!(Conv::new(&weights([4, 4, 3], 4, 1, 0)).is_err());
    assert!(Conv::new(&weights([4, 4, 4], 4, 1, 2)).is_err());
    assert!(Conv::transposed(&weights([4, 4, 16], 4, 1, 3), 8).is_err());
    let mut short = weights([4, 4, 3], 4, 1, 1);
    short.weights.pop();
    assert!(Conv::new(&short).is_err());
}
