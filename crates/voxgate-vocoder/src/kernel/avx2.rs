//! AVX2 with FMA: 6 rows × 2 vectors of 8 columns, 12 of the 16 registers as sums. A panel is two such halves.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps,
    _mm256_min_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::{PANEL, Pointers, in_tiles};

const LANES: usize = 8;

/// # Safety
/// The pointers must be good for all that their sizes say ([`super::Run::compute`] checks it).
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn compute(run: &Pointers) {
    in_tiles!(run, tile, 6: 1 2 3 4 5 6);
}

/// # Safety
/// As for [`compute`]; rows `first..first + M` are inside the run.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile<const M: usize>(run: &Pointers, first: usize) {
    for half in [0, 2 * LANES] {
        let mut sums = [[_mm256_setzero_ps(); 2]; M];
        // SAFETY: the caller's promise; every offset below is less than what was checked.
        unsafe {
            let rows = run.input.add(first * run.row_stride);
            let mut weights = run.weights.add(half);
            for tap in 0..run.taps {
                let mut numbers = rows.add(tap * run.tap_stride);
                for _ in 0..run.channels {
                    let left = _mm256_loadu_ps(weights);
                    let right = _mm256_loadu_ps(weights.add(LANES));
                    for (m, [low, high]) in sums.iter_mut().enumerate() {
                        let number = _mm256_broadcast_ss(&*numbers.add(m * run.row_stride));
                        *low = _mm256_fmadd_ps(number, left, *low);
                        *high = _mm256_fmadd_ps(number, right, *high);
                    }
                    numbers = numbers.add(1);
                    // The last step leaves the panel by less than its width: `wrapping_add` may, `add` may not.
                    weights = weights.wrapping_add(PANEL);
                }
            }
            for (m, sums) in sums.into_iter().enumerate() {
                for (part, sum) in sums.into_iter().enumerate() {
                    finish(run, (first + m) * run.out_stride, half + part * LANES, sum);
                }
            }
        }
    }
}

/// Bias, residual, scale, activation.
///
/// # Safety
/// As for [`compute`]; `row + column` is inside what is written.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn finish(run: &Pointers, row: usize, column: usize, mut sum: __m256) {
    // SAFETY: the caller's promise.
    unsafe {
        sum = _mm256_add_ps(sum, _mm256_loadu_ps(run.bias.add(column)));
        if !run.residual.is_null() {
            sum = _mm256_add_ps(sum, _mm256_loadu_ps(run.residual.add(row + column)));
        }
        if run.accumulate {
            sum = _mm256_add_ps(sum, _mm256_loadu_ps(run.raw.add(row + column)));
        }
        sum = _mm256_mul_ps(sum, _mm256_set1_ps(run.scale));
        if !run.raw.is_null() {
            _mm256_storeu_ps(run.raw.add(row + column), sum);
        }
        if !run.activated.is_null() {
            let zero = _mm256_setzero_ps();
            let below = _mm256_mul_ps(_mm256_min_ps(sum, zero), _mm256_set1_ps(run.slope));
            let activated = _mm256_add_ps(_mm256_max_ps(sum, zero), below);
            _mm256_storeu_ps(run.activated.add(row + column), activated);
        }
    }
}
