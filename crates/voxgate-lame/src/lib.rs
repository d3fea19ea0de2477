//! MP3 encoding by the system's `libmp3lame`, loaded at run time.
//!
//! LAME is LGPL. Linking it into the product would put conditions on the binary, so nothing of it is linked or shipped:
//! the shared library that the operating system provides is opened when the first encoder is made, and
//! [`LameError::NotInstalled`] says so where there is none. The crate owns the binding and its safety, nothing else; it
//! is the one place with unsafe code for it.

mod api;

use std::ffi::c_int;

use api::{Api, Handle};

/// Why an MP3 encoder could not be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LameError {
    /// No usable `libmp3lame` was found; the text lists what was tried.
    #[error("libmp3lame is not installed ({0})")]
    NotInstalled(String),
    /// The library refused the sample rate or bit rate.
    #[error("libmp3lame does not accept {sample_rate_hz} Hz at {kbit_s} kbit/s")]
    Rejected {
        /// The sample rate asked for.
        sample_rate_hz: u32,
        /// The bit rate asked for.
        kbit_s: u32,
    },
    /// The library could not allocate its state.
    #[error("libmp3lame is out of memory")]
    OutOfMemory,
    /// An encoding call failed with LAME's own code (−1 to −4 in `lame.h`).
    #[error("libmp3lame failed with code {0}")]
    Failed(i32),
}

/// A streaming mono MP3 encoder with a constant bit rate.
///
/// It writes no Xing/LAME information frame: that frame stands first and holds the length, which a stream does not know.
pub struct Lame {
    api: &'static Api,
    handle: Handle,
}

impl Lame {
    /// An encoder of mono audio at `sample_rate_hz` (an MPEG rate: 8000 to 48000) into `kbit_s`.
    ///
    /// # Errors
    /// [`LameError::NotInstalled`] without the library, [`LameError::Rejected`] for rates MP3 does not have.
    pub fn new(sample_rate_hz: u32, kbit_s: u32) -> Result<Self, LameError> {
        let api = Api::get()?;
        let handle = Handle::new(api).ok_or(LameError::OutOfMemory)?;
        let mut lame = Self { api, handle };
        let rejected = LameError::Rejected {
            sample_rate_hz,
            kbit_s,
        };
        let (rate, kbit) = match (c_int::try_from(sample_rate_hz), c_int::try_from(kbit_s)) {
            (Ok(rate), Ok(kbit)) => (rate, kbit),
            _ => return Err(rejected),
        };
        lame.api
            .configure(&mut lame.handle, rate, kbit)
            .map_err(|()| rejected)?;
        Ok(lame)
    }

    /// Encodes samples in −1.0..=1.0 and appends the finished frames to `out`.
    ///
    /// # Errors
    /// [`LameError::Failed`] with the library's code.
    pub fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), LameError> {
        // A bounded piece at a time: the worst-case output of a call grows with its input.
        samples
            .chunks(8 * 1152)
            .try_for_each(|piece| self.api.encode(&mut self.handle, piece, out))
    }

    /// Appends the last frames. The encoder must not be used for more samples afterwards.
    ///
    /// # Errors
    /// [`LameError::Failed`] with the library's code.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), LameError> {
        self.api.flush(&mut self.handle, out)
    }
}

/// The version of the library found, such as `3.100`.
///
/// # Errors
/// [`LameError::NotInstalled`] without the library.
pub fn version() -> Result<String, LameError> {
    Ok(Api::get()?.version())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn encodes_frames_that_begin_with_the_sync_word() {
        let mut lame = Lame::new(24_000, 64).unwrap();
        let tone: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.1).sin() * 0.5).collect();
        let mut out = Vec::new();
        lame.encode(&tone, &mut out).unwrap();
        let before_flush = out.len();
        lame.finish(&mut out).unwrap();
        assert!(
            before_flush > 10_000,
            "frames leave while the stream runs: {before_flush}"
        );
        assert_eq!(out[0], 0xFF);
        assert_eq!(out[1] & 0xE0, 0xE0);
        // 64 kbit/s for two seconds, plus the encoder's own delay and padding.
        assert!((16_000..18_000).contains(&out.len()), "{}", out.len());
    }

    #[test]
    fn bad_rates_are_refused_not_fatal() {
        assert!(matches!(Lame::new(0, 64), Err(LameError::Rejected { .. })));
        assert!(matches!(
            Lame::new(u32::MAX, 64),
            Err(LameError::Rejected { .. })
        ));
    }

    #[test]
    fn many_encoders_live_side_by_side_on_threads() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let (mut lame, mut out) = (Lame::new(16_000, 48).unwrap(), Vec::new());
                        lame.encode(&[0.25; 5_000], &mut out).unwrap();
                        lame.finish(&mut out).unwrap();
                        assert!(!out.is_empty());
                    }
                });
            }
        });
    }

    #[test]
    fn the_version_is_readable() {
        assert!(version().unwrap().starts_with(|c: char| c.is_ascii_digit()));
    }
}
