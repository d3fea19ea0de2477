//! Numbers that begin on a cache line. A vector load that crosses lines costs two.
#![allow(unsafe_code)]

/// Numbers of a cache line.
const LINE: usize = 16;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A growing run of numbers, aligned to 64 bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    lines: Vec<Line>,
}

impl Lines {
    /// At least `count` zeros.
    pub(crate) fn zeros(count: usize) -> Self {
        let mut lines = Self::default();
        lines.grow(count);
        lines
    }

    /// A copy of `numbers`, zeros up to the end of its last line.
    pub(crate) fn of(numbers: &[f32]) -> Self {
        let mut lines = Self::zeros(numbers.len());
        lines.as_mut_slice()[..numbers.len()].copy_from_slice(numbers);
        lines
    }

    /// Makes room for `count` numbers; what is new is zero.
    pub(crate) fn grow(&mut self, count: usize) {
        let lines = count.div_ceil(LINE);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0.0; LINE]));
        }
    }

    /// All numbers, those of the last line included.
    pub(crate) fn as_slice(&self) -> &[f32] {
        // SAFETY: a `Line` is 16 numbers without padding, at the alignment of a number and more.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LINE) }
    }

    /// All numbers, to be written.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        let count = self.lines.len() * LINE;
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), count) }
    }
}

/// Bytes of a cache line.
const BYTES: usize = 64;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct ByteLine([i8; BYTES]);

/// Signed bytes, aligned to 64 bytes.
#[derive(Debug, Clone)]
pub(crate) struct ByteLines {
    lines: Vec<ByteLine>,
}

impl ByteLines {
    /// A copy of `bytes`, zeros up to the end of its last line.
    pub(crate) fn of(bytes: &[i8]) -> Self {
        let line = |bytes: &[i8]| {
            let mut line = ByteLine([0; BYTES]);
            line.0[..bytes.len()].copy_from_slice(bytes);
            line
        };
        Self {
            lines: bytes.chunks(BYTES).map(line).collect(),
        }
    }

    /// All bytes, those of the last line included.
    pub(crate) fn as_slice(&self) -> &[i8] {
        // SAFETY: a `ByteLine` is 64 bytes without padding.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * BYTES) }
    }
}
