//! FLAC (RFC 9639), 16 bit mono, frame by frame with `flacenc`.

use flacenc::{
    component::{BitRepr, StreamInfo},
    config,
    error::{Verified, Verify},
    source::{Fill, FrameBuf},
};

use super::{Codec, pcm::quantise};
use crate::{error::AudioError, format::AudioFormat};

/// `fLaC`, then the header of a last metadata block of type 0 with 34 bytes, then STREAMINFO.
const STREAM_INFO_AT: usize = 8;
const AUDIO_AT: usize = STREAM_INFO_AT + 34;

pub(super) struct Flac {
    config: Verified<config::Encoder>,
    info: StreamInfo,
    block: FrameBuf,
    block_samples: usize,
    pending: Vec<i32>,
    frames: usize,
    sink: flacenc::bitsink::MemSink<u8>,
}

/// Samples in a block: about 0.1 to 0.2 s, so that a stream does not wait long for a block to fill.
fn block_samples(sample_rate_hz: u32) -> usize {
    match sample_rate_hz {
        0..=8_000 => 1_024,
        8_001..=24_000 => 2_048,
        _ => 4_096,
    }
}

impl Flac {
    pub(super) fn new(sample_rate_hz: u32) -> Result<Self, AudioError> {
        let block_samples = block_samples(sample_rate_hz);
        let mut settings = config::Encoder::default();
        settings.block_size = block_samples;
        settings.multithread = false;
        let config = settings
            .into_verified()
            .map_err(|(_, error)| failed(error))?;
        let mut info = StreamInfo::new(sample_rate_hz as usize, 1, 16).map_err(failed)?;
        // RFC 9639 section 8.2: the minimum does not count the last block. flacenc's own bookkeeping would write the
        // short last block there, and decoders that take equal sizes for a fixed-block stream then fail at the end.
        info.set_block_sizes(block_samples, block_samples)
            .map_err(failed)?;
        Ok(Self {
            config,
            info,
            block: FrameBuf::with_size(1, block_samples).map_err(failed)?,
            block_samples,
            pending: Vec::with_capacity(block_samples),
            frames: 0,
            sink: flacenc::bitsink::MemSink::new(),
        })
    }

    fn write_block(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        self.block.fill_interleaved(&self.pending).map_err(failed)?;
        let frame =
            flacenc::encode_fixed_size_frame(&self.config, &self.block, self.frames, &self.info)
                .map_err(failed)?;
        self.frames += 1;
        self.pending.clear();
        self.sink.clear();
        frame.write(&mut self.sink).map_err(failed)?;
        out.extend_from_slice(self.sink.as_slice());
        Ok(())
    }
}

impl Codec for Flac {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        out.extend_from_slice(b"fLaC\x80\x00\x00\x22");
        self.sink.clear();
        self.info.write(&mut self.sink).map_err(failed)?;
        let start = out.len();
        out.extend_from_slice(self.sink.as_slice());
        // Frame sizes are not known yet: zero says so.
        out[start + 4..start + 10].fill(0);
        Ok(())
    }

    fn encode(&mut self, mut samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        while !samples.is_empty() {
            let (head, tail) =
                samples.split_at(samples.len().min(self.block_samples - self.pending.len()));
            self.pending
                .extend(head.iter().map(|&sample| i32::from(quantise(sample))));
            samples = tail;
            if self.pending.len() == self.block_samples {
                self.write_block(out)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        if self.pending.is_empty() {
            Ok(())
        } else {
            self.write_block(out)
        }
    }
}

/// Writes the number of samples into the STREAMINFO of a complete file that [`Flac`] made. The number is read from the
/// last frame: its index times the block size, plus its own length. Other bytes are left alone.
pub(super) fn patch_header(complete: &mut [u8]) {
    if complete.len() < AUDIO_AT || &complete[..4] != b"fLaC" {
        return;
    }
    let block = u64::from(u16::from_be_bytes([
        complete[STREAM_INFO_AT],
        complete[STREAM_INFO_AT + 1],
    ]));
    let audio = &complete[AUDIO_AT..];
    // From the end: the sync code may occur inside a frame by chance, so both checksums decide.
    let last = (0..audio.len().saturating_sub(FRAME_HEADER_MAX / 2))
        .rev()
        .filter(|&at| audio[at] == 0xFF && audio[at + 1] == 0xF8)
        .find_map(|at| FrameHead::parse(&audio[at..]).filter(|_| crc16(&audio[at..]) == 0));
    let Some(last) = last else { return };
    let total = last.index * block + u64::from(last.samples);
    // 36 bits, the upper four share a byte with the sample size.
    let field = &mut complete[STREAM_INFO_AT + 13..STREAM_INFO_AT + 18];
    field[0] = (field[0] & 0xF0) | ((total >> 32) as u8 & 0x0F);
    field[1..].copy_from_slice(&(total as u32).to_be_bytes());
}

/// Bytes of the longest frame header: 4 fixed, 6 of index, 2 of block size, 2 of rate, 1 checksum, rounded up.
const FRAME_HEADER_MAX: usize = 16;

/// What [`patch_header`] needs of a frame header (RFC 9639 section 9.1).
struct FrameHead {
    index: u64,
    samples: u32,
}

impl FrameHead {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (size_code, rate_code) = (bytes.get(2)? >> 4, bytes.get(2)? & 0x0F);
        let mut at = 4;
        let mut take = |count: usize| {
            let field = bytes.get(at..at + count)?;
            at += count;
            Some(field)
        };
        // The frame index is written like a UTF-8 character of up to 31 bits.
        let lead = take(1)?[0];
        let (tail, mut index) = match lead.leading_ones() {
            0 => (0, u64::from(lead)),
            ones @ 2..=6 => (ones as usize - 1, u64::from(lead) & (0x7F >> ones)),
            _ => return None,
        };
        for &byte in take(tail)? {
            index = index << 6 | u64::from(byte & 0x3F);
        }
        let samples = match size_code {
            1 => 192,
            2..=5 => 576 << (size_code - 2),
            6 => u32::from(take(1)?[0]) + 1,
            7 => {
                let field = take(2)?;
                u32::from(u16::from_be_bytes([field[0], field[1]])) + 1
            }
            8..=15 => 256 << (size_code - 8),
            _ => return None,
        };
        take(match rate_code {
            12 => 1,
            13 | 14 => 2,
            15 => return None,
            _ => 0,
        })?;
        let checksum = take(1)?[0];
        let covered = &bytes[..at - 1];
        (crc8(covered) == checksum).then_some(Self { index, samples })
    }
}

/// CRC-8 of a frame header, polynomial 0x07.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            if crc & 0x80 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x07
            }
        })
    })
}

/// CRC-16 of a whole frame, polynomial 0x8005; zero over a frame with its own checksum at the end.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x8005
            }
        })
    })
}

fn failed(error: impl std::fmt::Display) -> AudioError {
    AudioError::encoder(AudioFormat::Flac, error)
}
