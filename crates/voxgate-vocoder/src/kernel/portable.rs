//! Plain Rust, in tiles that suit 16 vector registers of 4 lanes.
#![allow(unsafe_code)]

use super::{PANEL, Pointers, in_tiles};

/// Columns of a tile.
const WIDTH: usize = 8;

/// # Safety
/// The pointers must be good for all that their sizes say ([`super::Run::compute`] checks it).
pub(super) unsafe fn compute(run: &Pointers) {
    in_tiles!(run, tile, 4: 1 2 3 4);
}

/// # Safety
/// As for [`compute`]; rows `first..first + M` are inside the run.
#[inline]
unsafe fn tile<const M: usize>(run: &Pointers, first: usize) {
    for block in (0..PANEL).step_by(WIDTH) {
        let mut sums = [[0.0_f32; WIDTH]; M];
        // SAFETY: the caller's promise; every offset below is less than what was checked, and `[f32; WIDTH]` needs no
        // more alignment than f32.
        unsafe {
            let rows = run.input.add(first * run.row_stride);
            let mut weights = run.weights.add(block);
            for tap in 0..run.taps {
                let mut numbers = rows.add(tap * run.tap_stride);
                for _ in 0..run.channels {
                    let line = &*weights.cast::<[f32; WIDTH]>();
                    for (m, sums) in sums.iter_mut().enumerate() {
                        let number = *numbers.add(m * run.row_stride);
                        for (sum, weight) in sums.iter_mut().zip(line) {
                            *sum += number * weight;
                        }
                    }
                    numbers = numbers.add(1);
                    // The last step leaves the panel by less than its width: `wrapping_add` may, `add` may not.
                    weights = weights.wrapping_add(PANEL);
                }
            }
            for (m, sums) in sums.into_iter().enumerate() {
                let row = (first + m) * run.out_stride + block;
                for (column, sum) in sums.into_iter().enumerate() {
                    finish(run, row + column, block + column, sum);
                }
            }
        }
    }
}

/// Bias, residual, scale, activation.
///
/// # Safety
/// As for [`compute`]; `at` is inside what is written.
#[inline]
unsafe fn finish(run: &Pointers, at: usize, column: usize, mut sum: f32) {
    // SAFETY: the caller's promise.
    unsafe {
        sum += *run.bias.add(column);
        if !run.residual.is_null() {
            sum += *run.residual.add(at);
        }
        if run.accumulate {
            sum += *run.raw.add(at);
        }
        sum *= run.scale;
        if !run.raw.is_null() {
            *run.raw.add(at) = sum;
        }
        if !run.activated.is_null() {
            *run.activated.add(at) = sum.max(0.0) + sum.min(0.0) * run.slope;
        }
    }
}
