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

#[cfg(test)]
mod tests {
    use super::*;

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
