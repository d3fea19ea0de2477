//! Functions of single numbers, written so that the compiler turns them into vector code of each instruction set.
//!
//! Accurate to a few units in the last place of 1.0, which is below the rounding of the convolutions around them.
#![allow(unsafe_code)]

use crate::isa::Isa;

/// `eˣ`, for −87 ≤ x ≤ 87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // 1.5 · 2²³: adding it leaves the nearest whole number in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    // Cephes' expf: a minimax polynomial on ±ln 2 / 2.
    let mut p = 1.987_569_1e-4;
    p = p * rest + 1.398_199_9e-3;
    p = p * rest + 8.333_452e-3;
    p = p * rest + 4.166_579_6e-2;
    p = p * rest + 1.666_666_5e-1;
    p = p * rest + 0.5;
    let fraction = p * rest * rest + rest + 1.0;
    // The low bits of `shifted` are the exponent; the constant's own are shifted out.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    fraction * power
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-9.1, 9.1);
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp((-x).clamp(-80.0, 80.0)))
}

#[inline(always)]
fn gate_body(bent: &[f32], opening: &[f32], out: &mut [f32]) {
    for ((out, &bent), &opening) in out.iter_mut().zip(bent).zip(opening) {
        *out = tanh(bent) * sigmoid(opening);
    }
}

#[inline(always)]
fn tanh_body(numbers: &mut [f32]) {
    for number in numbers {
        *number = tanh(*number);
    }
}

/// `sin²(x)`, which repeats every π, to about 10⁻⁶ for |x| up to some thousands.
#[inline(always)]
fn sine_squared(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    const PI_HIGH: f32 = 3.140_625;
    const PI_LOW: f32 = 9.676_536e-4;
    let turns = (x * std::f32::consts::FRAC_1_PI + ROUND) - ROUND;
    let rest = x - turns * PI_HIGH - turns * PI_LOW;
    let square = rest * rest;
    // The Taylor series up to the eleventh power, good to 6·10⁻⁸ on ±π/2.
    let mut p = -2.505_210_8e-8;
    p = p * square + 2.755_731_9e-6;
    p = p * square - 1.984_127e-4;
    p = p * square + 8.333_334e-3;
    p = p * square - 1.666_666_7e-1;
    let sine = rest + rest * square * p;
    sine * sine
}

#[inline(always)]
fn snake_body(rows: &[f32], channels: &Snake<'_>, out: &mut [f32]) {
    let width = channels.factor.len();
    for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let affine = row.iter().zip(channels.factor).zip(channels.shift);
        let waves = channels.alpha.iter().zip(channels.height);
        for ((out, ((&x, &factor), &shift)), (&alpha, &height)) in
            out.iter_mut().zip(affine).zip(waves)
        {
            let y = x * factor + shift;
            *out = y + height * sine_squared(alpha * y);
        }
    }
}

#[inline(always)]
fn range_body(numbers: &[f32], range: &mut [f32; 2]) {
    let mut low = [0.0_f32; 16];
    let mut high = [0.0_f32; 16];
    for numbers in numbers.as_chunks::<16>().0 {
        for ((low, high), &number) in low.iter_mut().zip(&mut high).zip(numbers) {
            *low = if number < *low { number } else { *low };
            *high = if number > *high { number } else { *high };
        }
    }
    range[0] = low.into_iter().fold(0.0, f32::min);
    range[1] = high.into_iter().fold(0.0, f32::max);
}

#[inline(always)]
fn quantise_body(numbers: &[f32], factor: f32, zero: f32, out: &mut [u8]) {
    // 1.5 · 2²³: adding it rounds to even and leaves the whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    for (out, &number) in out.iter_mut().zip(numbers) {
        let level = (number * factor + zero).clamp(0.0, 255.0);
        *out = (level + ROUND).to_bits() as u8;
    }
}

#[inline(always)]
fn moments_body(rows: &[f32], sums: &mut [f32], squares: &mut [f32]) {
    for row in rows.chunks_exact(sums.len()) {
        for ((sum, square), &x) in sums.iter_mut().zip(squares.iter_mut()).zip(row) {
            *sum += x;
            *square += x * x;
        }
    }
}

/// What a normalised snake activation does to each channel: `y = x · factor + shift`, then `y + height · sin²(alpha · y)`.
pub(crate) struct Snake<'a> {
    pub(crate) factor: &'a [f32],
    pub(crate) shift: &'a [f32],
    pub(crate) alpha: &'a [f32],
    pub(crate) height: &'a [f32],
}

/// Makes, for each body, a function that chooses among its compilations.
macro_rules! for_each_isa {
    ($(#[$doc:meta])* $name:ident = $body:ident ( $($arg:ident : $type:ty),* )) => {
        $(#[$doc])*
        pub(crate) fn $name(isa: Isa, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
                fn avx512($($arg: $type),*) {
                    $body($($arg),*);
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) {
                    $body($($arg),*);
                }
                if isa == Isa::Avx512 && isa.is_available() {
                    // SAFETY: the machine has these instructions.
                    return unsafe { avx512($($arg),*) };
                }
                if isa == Isa::Avx2 && isa.is_available() {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            let _ = isa;
            $body($($arg),*);
        }
    };
}

for_each_isa! {
    /// `out = tanh(bent) · sigmoid(opening)`, the gate of WaveNet.
    gate = gate_body(bent: &[f32], opening: &[f32], out: &mut [f32])
}

for_each_isa! {
    /// The hyperbolic tangent, in place.
    tanh_in_place = tanh_body(numbers: &mut [f32])
}

for_each_isa! {
    /// Rows of as many channels as `channels` has through [`Snake`].
    snake = snake_body(rows: &[f32], channels: &Snake<'_>, out: &mut [f32])
}

for_each_isa! {
    /// The least and the greatest of the numbers and zero; the numbers fill whole lines.
    range = range_body(numbers: &[f32], range: &mut [f32; 2])
}

for_each_isa! {
    /// `number · factor + zero`, rounded, within a byte.
    quantise = quantise_body(numbers: &[f32], factor: f32, zero: f32, out: &mut [u8])
}

for_each_isa! {
    /// Adds the channels of all rows, and their squares, to the sums.
    moments = moments_body(rows: &[f32], sums: &mut [f32], squares: &mut [f32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snake_is_what_mathematics_says() {
        let rows: Vec<f32> = (-3_200..3_200).map(|n| n as f32 * 0.003_7).collect();
        let (factor, shift): (Vec<f32>, Vec<f32>) = (0..32)
            .map(|n| (0.5 + n as f32 * 0.1, n as f32 - 16.0))
            .unzip();
        let alpha: Vec<f32> = (0..32).map(|n| 0.1 + n as f32 * 0.4).collect();
        let height: Vec<f32> = alpha.iter().map(|alpha| 1.0 / alpha).collect();
        let channels = Snake {
            factor: &factor,
            shift: &shift,
            alpha: &alpha,
            height: &height,
        };
        for isa in Isa::available() {
            let mut out = vec![0.0; rows.len()];
            snake(isa, &rows, &channels, &mut out);
            for (n, (&x, &made)) in rows.iter().zip(&out).enumerate() {
                let c = n % 32;
                let y = f64::from(x) * f64::from(factor[c]) + f64::from(shift[c]);
                let wave = (f64::from(alpha[c]) * y).sin().powi(2);
                let expected = y + f64::from(height[c]) * wave;
                let off = (f64::from(made) - expected).abs();
                // The argument itself is rounded: 2⁻²⁴ of some hundreds.
                assert!(off < 1e-4, "{isa:?} at {y}: {made} instead of {expected}");
            }
        }
    }

    #[test]
    fn bytes_are_the_nearest_levels() {
        let numbers: Vec<f32> = (0..640)
            .map(|n| (n as f32 * 0.71).sin() * 3.0 - 1.0)
            .collect();
        for isa in Isa::available() {
            let mut found = [0.0; 2];
            range(isa, &numbers, &mut found);
            let least = numbers.iter().copied().fold(0.0, f32::min);
            let greatest = numbers.iter().copied().fold(0.0, f32::max);
            assert_eq!(found, [least, greatest]);
            let step = (greatest - least) / 255.0;
            let zero = (-least / step).round();
            let mut bytes = vec![0; numbers.len()];
            quantise(isa, &numbers, 1.0 / step, zero, &mut bytes);
            for (&number, &byte) in numbers.iter().zip(&bytes) {
                let back = (f32::from(byte) - zero) * step;
                assert!(
                    (back - number).abs() <= step * 1.01,
                    "{number} became {back}"
                );
            }
            let (mut sums, mut squares) = (vec![0.0; 32], vec![0.0; 32]);
            moments(isa, &numbers, &mut sums, &mut squares);
            let column = numbers.iter().skip(5).step_by(32);
            assert!((sums[5] - column.clone().sum::<f32>()).abs() < 1e-3);
            assert!((squares[5] - column.map(|x| x * x).sum::<f32>()).abs() < 1e-2);
        }
    }

    #[test]
    fn gate_and_tangent_are_what_mathematics_says() {
        let numbers: Vec<f32> = (-2_000..=2_000)
            .map(|n| n as f32 * 0.01)
            .chain([0.0, -0.0, 1e-7, 100.0, -100.0, f32::MAX, f32::MIN])
            .collect();
        let openings: Vec<f32> = numbers.iter().rev().copied().collect();
        for isa in Isa::available() {
            let mut out = vec![0.0; numbers.len()];
            gate(isa, &numbers, &openings, &mut out);
            for ((&bent, &opening), &made) in numbers.iter().zip(&openings).zip(&out) {
                let (bent, opening) = (f64::from(bent), f64::from(opening));
                let expected = bent.tanh() / (1.0 + (-opening).exp());
                assert!(
                    (f64::from(made) - expected).abs() < 3e-7,
                    "{isa:?} at {bent}, {opening}: {made} instead of {expected}"
                );
            }
            let mut out = numbers.clone();
            tanh_in_place(isa, &mut out);
            for (&number, &made) in numbers.iter().zip(&out) {
                assert!((f64::from(made) - f64::from(number).tanh()).abs() < 3e-7);
                assert!(made.abs() <= 1.0);
            }
        }
    }
}
