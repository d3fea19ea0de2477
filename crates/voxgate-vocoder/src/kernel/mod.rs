//! The inner loops: a panel of output columns for a run of rows, one implementation per instruction set.
//!
//! Owns all `unsafe` of the crate. A kernel computes, for output row `r` and column `c` of a panel,
//!
//! ```text
//! sum = bias[c] + Σ tap Σ channel  input[r·row + tap·tap_stride + channel] · weights[tap][channel][c]
//! out = (sum + residual[r][c] + out[r][c] if accumulating) · scale
//! ```
//!
//! It is a matrix product whose left side is never built: its rows are windows into the input. A tile of rows × columns
//! stays in registers over the whole reduction; each step loads one line of weights and one number per row.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod int8;
pub(crate) mod lines;
pub(crate) mod pointwise;
mod portable;

use crate::isa::Isa;

/// Output columns of a panel.
pub(crate) const PANEL: usize = 32;

/// One panel for a run of rows. Offsets and strides are counted in numbers, not bytes.
pub(crate) struct Run<'a> {
    /// Output rows.
    pub(crate) rows: usize,
    /// First number that row 0, tap 0 reads.
    pub(crate) input: &'a [f32],
    /// From what one output row reads to what the next one reads.
    pub(crate) row_stride: usize,
    /// From one tap to the next.
    pub(crate) tap_stride: usize,
    /// Taps of this panel.
    pub(crate) taps: usize,
    /// Input channels.
    pub(crate) channels: usize,
    /// `[taps][channels][PANEL]`.
    pub(crate) weights: &'a [f32],
    /// `[PANEL]`, the panel's own.
    pub(crate) bias: &'a [f32],
    /// From one output row to the next, in `residual`, `raw` and `activated` alike.
    pub(crate) out_stride: usize,
    /// Added to the sum; starts at the panel's column of row 0.
    pub(crate) residual: Option<&'a [f32]>,
    /// The sum, as it is; starts at the panel's column of row 0.
    pub(crate) raw: Option<&'a mut [f32]>,
    /// Add to what `raw` holds already.
    pub(crate) accumulate: bool,
    /// Factor on the finished sum.
    pub(crate) scale: f32,
    /// The sum behind a leaky ReLU of the given slope; starts at the panel's column of row 0.
    pub(crate) activated: Option<(&'a mut [f32], f32)>,
}

/// The same as [`Run`], in pointers whose bounds have been checked.
struct Pointers {
    rows: usize,
    input: *const f32,
    row_stride: usize,
    tap_stride: usize,
    taps: usize,
    channels: usize,
    weights: *const f32,
    bias: *const f32,
    out_stride: usize,
    residual: *const f32,
    raw: *mut f32,
    accumulate: bool,
    scale: f32,
    activated: *mut f32,
    slope: f32,
}

impl Run<'_> {
    /// Computes the panel.
    ///
    /// # Panics
    /// When a slice is shorter than the sizes say, or the machine does not have `isa`: nothing is computed then.
    pub(crate) fn compute(self, isa: Isa) {
        if self.rows == 0 {
            return;
        }
        assert!(self.taps > 0 && self.channels > 0, "an empty reduction");
        assert!(
            self.input.len()
                >= (self.rows - 1) * self.row_stride
                    + (self.taps - 1) * self.tap_stride
                    + self.channels,
            "the input is too short"
        );
        assert!(self.weights.len() >= self.taps * self.channels * PANEL);
        assert!(self.bias.len() >= PANEL);
        let written = (self.rows - 1) * self.out_stride + PANEL;
        assert!(self.residual.is_none_or(|rows| rows.len() >= written));
        assert!(self.raw.as_ref().is_none_or(|rows| rows.len() >= written));
        assert!(!self.accumulate || self.raw.is_some());
        assert!(
            self.activated
                .as_ref()
                .is_none_or(|(rows, _)| rows.len() >= written)
        );
        assert!(isa.is_available(), "the machine has no {isa:?}");
        let (activated, slope) = self
            .activated
            .map_or((std::ptr::null_mut(), 0.0), |(rows, slope)| {
                (rows.as_mut_ptr(), slope)
            });
        let pointers = Pointers {
            rows: self.rows,
            input: self.input.as_ptr(),
            row_stride: self.row_stride,
            tap_stride: self.tap_stride,
            taps: self.taps,
            channels: self.channels,
            weights: self.weights.as_ptr(),
            bias: self.bias.as_ptr(),
            out_stride: self.out_stride,
            residual: self.residual.map_or(std::ptr::null(), <[f32]>::as_ptr),
            raw: self.raw.map_or(std::ptr::null_mut(), <[f32]>::as_mut_ptr),
            accumulate: self.accumulate,
            scale: self.scale,
            activated,
            slope,
        };
        #[allow(unsafe_code)]
        match isa {
            // SAFETY: the assertions above bound every access that the kernels make, the slices outlive this call, those
            // written are borrowed exclusively, and the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::compute(&pointers) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::compute(&pointers) },
            // SAFETY: as above.
            _ => unsafe { portable::compute(&pointers) },
        }
    }
}

/// Calls `$tile::<M>(run, first_row)` for all rows, in tiles of nearly equal heights up to `$largest`, all of which are
/// named: a last tile of a row or two would wait for the latency of each multiplication.
macro_rules! in_tiles {
    ($run:expr, $tile:ident, $largest:literal: $($height:literal)*) => {{
        let run = $run;
        let mut row = 0;
        let mut tiles = run.rows.div_ceil($largest);
        while tiles > 0 {
            let height = (run.rows - row).div_ceil(tiles);
            match height {
                // SAFETY: rows `row..row + height` are inside the run; the caller vouches for the rest.
                $($height => unsafe { $tile::<$height>(run, row) },)*
                _ => unreachable!("tiles have at most {} rows", $largest),
            }
            row += height;
            tiles -= 1;
        }
    }};
}
use in_tiles;
