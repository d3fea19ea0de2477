//! AVX-512: 14 rows × 2 vectors of 16 columns, 28 of the 32 registers as sums.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_min_ps,
    _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{PANEL, Pointers, in_tiles};

const LANES: usize = 16;

/// # Safety
/// The pointers must be good for all that their sizes say ([`super::Run::compute`] checks it).
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn compute(run: &Pointers) {
    in_tiles!(run, tile, 14: 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
}

/// # Safety
/// As for [`compute`]; rows `first..first + M` are inside the run.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn tile<const M: usize>(run: &Pointers, first: usize) {
    let mut sums = [[_mm512_setzero_ps(); 2]; M];
    // SAFETY: the caller's promise; every offset below is less than what was checked.
    unsafe {
        let rows = run.input.add(first * run.row_stride);
        let mut weights = run.weights;
        for tap in 0..run.taps {
            let mut numbers = rows.add(tap * run.tap_stride);
            for _ in 0..run.channels {
                let left = _mm512_loadu_ps(weights);
                let right = _mm512_loadu_ps(weights.add(LANES));
                for (m, [low, high]) in sums.iter_mut().enumerate() {
                    let number = _mm512_set1_ps(*numbers.add(m * run.row_stride));
                    *low = _mm512_fmadd_ps(number, left, *low);
                    *high = _mm512_fmadd_ps(number, right, *high);
                }
                numbers = numbers.add(1);
                weights = weights.add(PANEL);
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (half, sum) in sums.into_iter().enumerate() {
                finish(run, (first + m) * run.out_stride, half * LANES, sum);
            }
        }
    }
}

/// Bias, residual, scale, activation.
///
/// # Safety
/// As for [`compute`]; `row + column` is inside what is written.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn finish(run: &Pointers, row: usize, column: usize, mut sum: __m512) {
    // SAFETY: the caller's promise.
    unsafe {
        sum = _mm512_add_ps(sum, _mm512_loadu_ps(run.bias.add(column)));
        if !run.residual.is_null() {
            sum = _mm512_add_ps(sum, _mm512_loadu_ps(run.residual.add(row + column)));
        }
        if run.accumulate {
            sum = _mm512_add_ps(sum, _mm512_loadu_ps(run.raw.add(row + column)));
        }
        sum = _mm512_mul_ps(sum, _mm512_set1_ps(run.scale));
        if !run.raw.is_null() {
            _mm512_storeu_ps(run.raw.add(row + column), sum);
        }
        if !run.activated.is_null() {
            let zero = _mm512_setzero_ps();
            let below = _mm512_mul_ps(_mm512_min_ps(sum, zero), _mm512_set1_ps(run.slope));
            let activated = _mm512_add_ps(_mm512_max_ps(sum, zero), below);
            _mm512_storeu_ps(run.activated.add(row + column), activated);
        }
    }
}
