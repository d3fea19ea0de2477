//! Names, media types and sample rates of the output formats.

use std::{fmt, str::FromStr};

use crate::error::AudioError;

/// Output sample rates in Hz, ascending.
pub const SUPPORTED_SAMPLE_RATES: [u32; 6] = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

/// An audio format a client can ask for. Always one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AudioFormat {
    /// RIFF WAVE, 16-bit signed little-endian PCM.
    Wav,
    /// MPEG Layer III, constant bit rate.
    Mp3,
    /// Opus in Ogg (RFC 7845), variable bit rate.
    Opus,
    /// Native FLAC, 16 bit.
    Flac,
    /// AAC-LC in ADTS.
    Aac,
    /// Headerless 16-bit signed **little-endian** PCM.
    Pcm,
    /// Headerless G.711 µ-law.
    Ulaw,
    /// Headerless G.711 A-law.
    Alaw,
}

/// A format name that [`AudioFormat::from_str`] does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown audio format {0:?}; choose wav, mp3, opus, flac, aac, pcm, ulaw or alaw")]
pub struct UnknownFormat(pub String);

impl AudioFormat {
    /// Every format, in the order documentation lists them.
    pub const ALL: [Self; 8] = [
        Self::Wav,
        Self::Mp3,
        Self::Opus,
        Self::Flac,
        Self::Aac,
        Self::Pcm,
        Self::Ulaw,
        Self::Alaw,
    ];

    /// The canonical lower-case name, which [`AudioFormat::from_str`] reads back.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
            Self::Flac => "flac",
            Self::Aac => "aac",
            Self::Pcm => "pcm",
            Self::Ulaw => "ulaw",
            Self::Alaw => "alaw",
        }
    }

    /// The file name extension without the dot. `pcm` for raw samples, `ogg` for Opus in Ogg would mislead players that
    /// expect Vorbis there, so Opus files end in `opus` (RFC 7845 section 9).
    #[must_use]
    pub const fn extension(self) -> &'static str {
        self.as_str()
    }

    /// The media type for `Content-Type`, with the rate where the format has no header that tells it.
    ///
    /// `audio/L16` is big-endian in RFC 2586. The speech APIs that this product is compatible with use the name for
    /// little-endian samples, and their clients read them so; [`AudioFormat::Pcm`] follows them. µ-law at 8 kHz is
    /// `audio/basic` (RFC 2046); at other rates, and for A-law, the RTP names of RFC 4856 carry the rate.
    #[must_use]
    pub fn content_type(self, sample_rate_hz: u32) -> String {
        match self {
            Self::Wav => "audio/wav".to_owned(),
            Self::Mp3 => "audio/mpeg".to_owned(),
            Self::Opus => "audio/ogg".to_owned(),
            Self::Flac => "audio/flac".to_owned(),
            Self::Aac => "audio/aac".to_owned(),
            Self::Pcm => format!("audio/L16;rate={sample_rate_hz};channels=1"),
            Self::Ulaw if sample_rate_hz == 8_000 => "audio/basic".to_owned(),
            Self::Ulaw => format!("audio/PCMU;rate={sample_rate_hz}"),
            Self::Alaw => format!("audio/PCMA;rate={sample_rate_hz}"),
        }
    }

    /// Whether the bytes carry no header: a player must be told rate and encoding.
    #[must_use]
    pub const fn is_headerless(self) -> bool {
        matches!(self, Self::Pcm | Self::Ulaw | Self::Alaw)
    }
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AudioFormat {
    type Err = UnknownFormat;

    /// Reads a format name in any case, with `-` and `_` alike, and the names that vendors and ffmpeg use for it.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let folded = name.trim().to_ascii_lowercase().replace('-', "_");
        Ok(match folded.as_str() {
            "wav" | "wave" | "riff" => Self::Wav,
            "mp3" | "mpeg" => Self::Mp3,
            "opus" | "ogg" | "ogg_opus" | "oggopus" => Self::Opus,
            "flac" => Self::Flac,
            "aac" | "adts" => Self::Aac,
            "pcm" | "raw" | "pcm16" | "pcm_s16le" | "s16le" | "l16" | "linear16" => Self::Pcm,
            "ulaw" | "mulaw" | "u_law" | "mu_law" | "pcm_mulaw" | "pcm_ulaw" | "g711_ulaw"
            | "g711u" | "pcmu" => Self::Ulaw,
            "alaw" | "a_law" | "pcm_alaw" | "g711_alaw" | "g711a" | "pcma" => Self::Alaw,
            _ => return Err(UnknownFormat(name.to_owned())),
        })
    }
}

/// What the client is to receive: a format at a sample rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OutputSpec {
    /// The encoding.
    pub format: AudioFormat,
    /// Samples a second, one of [`SUPPORTED_SAMPLE_RATES`].
    pub sample_rate_hz: u32,
}

impl OutputSpec {
    /// Pairs a format with a rate.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedSampleRate`] for a rate outside [`SUPPORTED_SAMPLE_RATES`].
    pub fn new(format: AudioFormat, sample_rate_hz: u32) -> Result<Self, AudioError> {
        if SUPPORTED_SAMPLE_RATES.contains(&sample_rate_hz) {
            Ok(Self {
                format,
                sample_rate_hz,
            })
        } else {
            Err(AudioError::UnsupportedSampleRate(sample_rate_hz))
        }
    }

    /// The media type of this output, see [`AudioFormat::content_type`].
    #[must_use]
    pub fn content_type(&self) -> String {
        self.format.content_type(self.sample_rate_hz)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_round_trip() {
        for format in AudioFormat::ALL {
            assert_eq!(format.as_str().parse::<AudioFormat>().unwrap(), format);
            assert_eq!(format.to_string(), format.as_str());
        }
    }

    #[test]
    fn aliases_are_folded() {
        for (alias, format) in [
            ("OGG", AudioFormat::Opus),
            ("ogg-opus", AudioFormat::Opus),
            ("mu-law", AudioFormat::Ulaw),
            ("pcm_mulaw", AudioFormat::Ulaw),
            ("G711_ULAW", AudioFormat::Ulaw),
            ("PCMA", AudioFormat::Alaw),
            (" linear16 ", AudioFormat::Pcm),
            ("mpeg", AudioFormat::Mp3),
        ] {
            assert_eq!(alias.parse::<AudioFormat>().unwrap(), format, "{alias}");
        }
        assert_eq!(
            "m4a".parse::<AudioFormat>(),
            Err(UnknownFormat("m4a".to_owned()))
        );
        assert!("".parse::<AudioFormat>().is_err());
    }

    #[test]
    fn media_types_carry_the_rate_where_the_bytes_do_not() {
        assert_eq!(AudioFormat::Ulaw.content_type(8_000), "audio/basic");
        assert_eq!(
            AudioFormat::Ulaw.content_type(16_000),
            "audio/PCMU;rate=16000"
        );
        assert_eq!(
            AudioFormat::Pcm.content_type(24_000),
            "audio/L16;rate=24000;channels=1"
        );
        for format in AudioFormat::ALL
            .into_iter()
            .filter(|format| format.is_headerless())
        {
            assert!(format.content_type(22_050).contains("22050"), "{format}");
        }
    }

    #[test]
    fn only_supported_rates_make_a_spec() {
        for rate in SUPPORTED_SAMPLE_RATES {
            assert_eq!(
                OutputSpec::new(AudioFormat::Wav, rate)
                    .unwrap()
                    .sample_rate_hz,
                rate
            );
        }
        for rate in [0, 7_999, 11_025, 96_000, u32::MAX] {
            let error = OutputSpec::new(AudioFormat::Wav, rate).unwrap_err();
            assert!(error.to_string().contains("44100"), "{error}");
        }
    }
}
