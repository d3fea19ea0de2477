//! Convolution of bytes with VNNI: unsigned activations, signed weights, sums in 32 bits, exact.
//!
//! The same tile as [`super::avx512`], in which one "number" is four channels of a byte each.
#![allow(unsafe_code)]

use super::PANEL;
#[cfg(target_arch = "x86_64")]
use super::in_tiles;

/// Channels that one instruction multiplies and adds for each column.
pub(crate) const GROUP: usize = 4;

/// Whether this machine can run these kernels.
pub(crate) fn is_available() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        crate::isa::Isa::Avx512.is_available() && is_x86_feature_detected!("avx512vnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// One panel for a run of rows: `out = (sum · scale + bias[c] + residual + out if accumulating) · out_scale`, where `sum`
/// is that of [`super::Run`] over bytes. Strides of the input count bytes, those of the output numbers.
pub(crate) struct ByteRun<'a> {
    pub(crate) rows: usize,
    pub(crate) input: &'a [u8],
    pub(crate) row_stride: usize,
    pub(crate) tap_stride: usize,
    pub(crate) taps: usize,
    /// Groups of [`GROUP`] channels.
    pub(crate) groups: usize,
    /// `[taps][groups][PANEL][GROUP]`.
    pub(crate) weights: &'a [i8],
    pub(crate) bias: &'a [f32],
    pub(crate) scale: f32,
    pub(crate) out_stride: usize,
    pub(crate) residual: Option<&'a [f32]>,
    pub(crate) raw: &'a mut [f32],
    pub(crate) accumulate: bool,
    pub(crate) out_scale: f32,
}

#[cfg(target_arch = "x86_64")]
struct Pointers {
    rows: usize,
    input: *const u8,
    row_stride: usize,
    tap_stride: usize,
    taps: usize,
    groups: usize,
    weights: *const i8,
    bias: *const f32,
    scale: f32,
    out_stride: usize,
    residual: *const f32,
    raw: *mut f32,
    accumulate: bool,
    out_scale: f32,
}

impl ByteRun<'_> {
    /// Computes the panel.
    ///
    /// # Panics
    /// When a slice is shorter than the sizes say, or the machine cannot: nothing is computed then.
    pub(crate) fn compute(self) {
        if self.rows == 0 {
            return;
        }
        assert!(self.taps > 0 && self.groups > 0, "an empty reduction");
        let last = (self.rows - 1) * self.row_stride + (self.taps - 1) * self.tap_stride;
        assert!(self.input.len() >= last + self.groups * GROUP);
        assert!(self.weights.len() >= self.taps * self.groups * PANEL * GROUP);
        assert!(self.bias.len() >= PANEL);
        let written = (self.rows - 1) * self.out_stride + PANEL;
        assert!(self.raw.len() >= written);
        assert!(self.residual.is_none_or(|rows| rows.len() >= written));
        assert!(is_available(), "the machine has no VNNI");
        #[cfg(target_arch = "x86_64")]
        {
            let pointers = Pointers {
                rows: self.rows,
                input: self.input.as_ptr(),
                row_stride: self.row_stride,
                tap_stride: self.tap_stride,
                taps: self.taps,
                groups: self.groups,
                weights: self.weights.as_ptr(),
                bias: self.bias.as_ptr(),
                scale: self.scale,
                out_stride: self.out_stride,
                residual: self.residual.map_or(std::ptr::null(), <[f32]>::as_ptr),
                raw: self.raw.as_mut_ptr(),
                accumulate: self.accumulate,
                out_scale: self.out_scale,
            };
            // SAFETY: the assertions above bound every access, the slices outlive this call, the one written is borrowed
            // exclusively, and the machine has the instructions.
            unsafe { x86::compute(&pointers) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512i, _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps,
        _mm512_setzero_si512, _mm512_storeu_ps,
    };

    use super::{GROUP, PANEL, Pointers, in_tiles};

    const LANES: usize = 16;

    /// # Safety
    /// The pointers must be good for all that their sizes say ([`super::ByteRun::compute`] checks it).
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) unsafe fn compute(run: &Pointers) {
        in_tiles!(run, tile, 14: 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }

    /// # Safety
    /// As for [`compute`]; rows `first..first + M` are inside the run.
    #[target_feature(enable = "avx512f,avx512vnni")]
    #[inline]
    unsafe fn tile<const M: usize>(run: &Pointers, first: usize) {
        let mut sums = [[_mm512_setzero_si512(); 2]; M];
        // SAFETY: the caller's promise; every offset below is less than what was checked.
        unsafe {
            let rows = run.input.add(first * run.row_stride);
            let mut weights = run.weights;
            for tap in 0..run.taps {
                let mut bytes = rows.add(tap * run.tap_stride);
                for _ in 0..run.groups {
                    let left = _mm512_loadu_si512(weights.cast());
                    let right = _mm512_loadu_si512(weights.add(LANES * GROUP).cast());
                    for (m, [low, high]) in sums.iter_mut().enumerate() {
                        let four = bytes.add(m * run.row_stride).cast::<i32>().read_unaligned();
                        let four = _mm512_set1_epi32(four);
                        *low = _mm512_dpbusd_epi32(*low, four, left);
                        *high = _mm512_dpbusd_epi32(*high, four, right);
                    }
                    bytes = bytes.add(GROUP);
                    weights = weights.add(PANEL * GROUP);
                }
            }
            for (m, sums) in sums.into_iter().enumerate() {
                for (half, sum) in sums.into_iter().enumerate() {
                    finish(run, (first + m) * run.out_stride, half * LANES, sum);
                }
            }
        }
    }

    /// # Safety
    /// As for [`compute`]; `row + column` is inside what is written.
    #[target_feature(enable = "avx512f,avx512vnni")]
    #[inline]
    unsafe fn finish(run: &Pointers, row: usize, column: usize, sum: __m512i) {
        // SAFETY: the caller's promise.
        unsafe {
            let bias = _mm512_loadu_ps(run.bias.add(column));
            let scale = _mm512_set1_ps(run.scale);
            let mut sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, bias);
            if !run.residual.is_null() {
                sum = _mm512_add_ps(sum, _mm512_loadu_ps(run.residual.add(row + column)));
            }
            if run.accumulate {
                sum = _mm512_add_ps(sum, _mm512_loadu_ps(run.raw.add(row + column)));
            }
            sum = _mm512_mul_ps(sum, _mm512_set1_ps(run.out_scale));
            _mm512_storeu_ps(run.raw.add(row + column), sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn sums_of_bytes_are_exact(
            rows in 1_usize..40, groups in 1_usize..20, taps in 1_usize..12, dilation in 1_usize..6, seed in any::<u64>(),
        ) {
            if !is_available() {
                return Ok(());
            }
            let mut state = seed | 1;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            };
            let stride = groups * GROUP;
            let input: Vec<u8> = (0..(rows + (taps - 1) * dilation) * stride).map(|_| next()).collect();
            let weights: Vec<i8> =
                (0..taps * groups * PANEL * GROUP).map(|_| next().cast_signed()).collect();
            let bias: Vec<f32> = (0..PANEL).map(|c| c as f32).collect();
            let residual = vec![0.5; rows * PANEL];
            let mut raw = vec![2.0; rows * PANEL];
            ByteRun {
                rows,
                input: &input,
                row_stride: stride,
                tap_stride: dilation * stride,
                taps,
                groups,
                weights: &weights,
                bias: &bias,
                scale: 0.25,
                out_stride: PANEL,
                residual: Some(&residual),
                raw: &mut raw,
                accumulate: true,
                out_scale: 2.0,
            }
            .compute();
            for row in 0..rows {
                for c in 0..PANEL {
                    let mut sum = 0_i32;
                    for tap in 0..taps {
                        for channel in 0..stride {
                            let (group, place) = (channel / GROUP, channel % GROUP);
                            let weight = weights[((tap * groups + group) * PANEL + c) * GROUP + place];
                            let at = (row + tap * dilation) * stride + channel;
                            sum += i32::from(input[at]) * i32::from(weight);
                        }
                    }
                    // Small enough to be whole numbers of f32 all the way.
                    let expected = (sum as f32 * 0.25 + c as f32 + 2.5) * 2.0;
                    prop_assert_eq!(raw[row * PANEL + c], expected);
                }
            }
        }
    }
}
