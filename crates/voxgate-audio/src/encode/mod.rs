//! One streaming encoder over all formats: clean the samples, resample, hand them to the codec.

mod ffmpeg;
mod flac;
pub(crate) mod g711;
mod mp3;
mod opus;
mod pcm;
pub mod wav;

use crate::{
    error::AudioError,
    format::{AudioFormat, OutputSpec},
    resample::{Resampler, scale_round},
};

/// What one codec does with mono samples in −1.0..=1.0 at its own rate. Implementations append to `out` and keep
/// nothing of it.
trait Codec: Send {
    /// Bytes that stand before any audio.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError>;
    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError>;
    /// Whatever is still owed; called once, last.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError>;
}

/// What an encoder produced, known at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedSummary {
    /// Samples at the output rate, without a codec's own padding.
    pub samples_out: u64,
    /// Length of the audio in milliseconds, rounded to the nearest.
    pub duration_ms: u64,
    /// Bytes appended in all.
    pub bytes: u64,
}

/// A streaming encoder: push samples at the engine's rate, take bytes in the client's format.
///
/// Samples outside −1.0..=1.0 saturate; NaN and infinities become silence. No sample is allocated for; buffers are
/// reused from chunk to chunk. The bytes do not depend on how the samples were cut into chunks.
pub struct Encoder {
    spec: OutputSpec,
    input_rate_hz: u32,
    resampler: Resampler,
    codec: Box<dyn Codec>,
    clean: Vec<f32>,
    resampled: Vec<f32>,
    samples_in: u64,
    bytes: u64,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Fresh,
    Running,
    Finished,
}

/// Samples worked on at a time, so that a huge chunk needs no huge buffers.
const WORK_SAMPLES: usize = 16 * 1024;

impl Encoder {
    /// An encoder from samples at `input_rate_hz` to `spec`.
    ///
    /// # Errors
    /// An unsupported rate on either side, or [`AudioError::ToolMissing`] where the format needs a program or library
    /// that is not installed.
    pub fn new(spec: OutputSpec, input_rate_hz: u32) -> Result<Self, AudioError> {
        let spec = OutputSpec::new(spec.format, spec.sample_rate_hz)?;
        let rate = spec.sample_rate_hz;
        let codec_rate_hz = if spec.format == AudioFormat::Opus {
            opus::encoder_rate_hz(rate)
        } else {
            rate
        };
        let codec: Box<dyn Codec> = match spec.format {
            AudioFormat::Wav => Box::new(wav::Wav::new(rate)),
            AudioFormat::Pcm => Box::new(pcm::Pcm),
            AudioFormat::Ulaw => Box::new(g711::G711::ulaw()),
            AudioFormat::Alaw => Box::new(g711::G711::alaw()),
            AudioFormat::Mp3 => mp3::open(rate)?,
            AudioFormat::Opus => Box::new(opus::Opus::new(rate)?),
            AudioFormat::Flac => Box::new(flac::Flac::new(rate)?),
            AudioFormat::Aac => Box::new(ffmpeg::Ffmpeg::aac(rate)?),
        };
        Ok(Self {
            spec,
            input_rate_hz,
            resampler: Resampler::new(input_rate_hz, codec_rate_hz)?,
            codec,
            clean: Vec::new(),
            resampled: Vec::new(),
            samples_in: 0,
            bytes: 0,
            state: State::Fresh,
        })
    }

    /// The output this encoder was made for.
    #[must_use]
    pub fn spec(&self) -> OutputSpec {
        self.spec
    }

    /// Encodes a chunk of mono samples and appends whatever bytes are ready to `out`, possibly none.
    ///
    /// # Errors
    /// [`AudioError::Finished`] after [`Encoder::finish`]; [`AudioError::Encoder`] if the codec fails.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        let before = out.len();
        self.begin(out)?;
        self.samples_in += samples.len() as u64;
        for work in samples.chunks(WORK_SAMPLES) {
            self.clean.clear();
            self.clean
                .extend(work.iter().map(|&sample| sanitise(sample)));
            self.resampled.clear();
            self.resampler.push(&self.clean, &mut self.resampled)?;
            self.encode_resampled(out)?;
        }
        self.bytes += (out.len() - before) as u64;
        Ok(())
    }

    /// Flushes resampler and codec, appends the last bytes and tells what was made.
    ///
    /// # Errors
    /// As [`Encoder::push`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<EncodedSummary, AudioError> {
        let before = out.len();
        self.begin(out)?;
        self.resampled.clear();
        self.resampler.finish(&mut self.resampled)?;
        self.encode_resampled(out)?;
        self.state = State::Finished;
        self.codec.finish(out)?;
        self.bytes += (out.len() - before) as u64;
        Ok(EncodedSummary {
            samples_out: scale_round(
                self.samples_in,
                self.spec.sample_rate_hz,
                self.input_rate_hz,
            ),
            duration_ms: scale_round(self.samples_in, 1_000, self.input_rate_hz),
            bytes: self.bytes,
        })
    }

    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        match self.state {
            State::Fresh => {
                self.state = State::Running;
                self.codec.begin(out)
            }
            State::Running => Ok(()),
            State::Finished => Err(AudioError::Finished),
        }
    }

    fn encode_resampled(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        // The resampler may overshoot full scale at a steep edge.
        for sample in &mut self.resampled {
            *sample = sample.clamp(-1.0, 1.0);
        }
        if self.resampled.is_empty() {
            Ok(())
        } else {
            self.codec.encode(&self.resampled, out)
        }
    }
}

fn sanitise(sample: f32) -> f32 {
    if sample.is_finite() {
        sample.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

/// Corrects the header of a **complete** file: lengths that a stream could not know when it began.
///
/// Call it on all bytes of one encoder, from the first to the last. WAV gets its two sizes, FLAC its number of samples;
/// the other formats have no such field and are left as they are.
pub fn finalise(format: AudioFormat, complete: &mut [u8]) {
    match format {
        AudioFormat::Wav => wav::patch_header(complete),
        AudioFormat::Flac => flac::patch_header(complete),
        _ => {}
    }
}
