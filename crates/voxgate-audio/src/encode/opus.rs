//! Opus in Ogg (RFC 6716, RFC 7845), by libopus.

use ogg::writing::{PacketWriteEndInfo, PacketWriter};
use opusic_c::{Application, Bitrate, Channels, SampleRate};

use super::Codec;
use crate::{error::AudioError, format::AudioFormat};

/// Opus time is counted in samples at 48 kHz whatever the encoder runs at.
const GRANULE_RATE_HZ: u32 = 48_000;

/// Packets of 20 ms in one Ogg page: 200 ms is what a player waits for at most, at 1.5 kbit/s for page headers.
const PACKETS_PER_PAGE: u32 = 10;

/// The largest packet libopus recommends room for.
const MAX_PACKET_BYTES: usize = 4_000;

/// The logical stream's number in the container. Constant, so that the same audio gives the same bytes; numbers need to
/// differ only between streams in one file.
const SERIAL: u32 = 0x564F_5847;

pub(super) struct Opus {
    encoder: opusic_c::Encoder,
    pages: PacketWriter<'static, Vec<u8>>,
    /// The rate the client asked for, told in the header as the rate of the original.
    nominal_rate_hz: u32,
    encoder_rate_hz: u32,
    frame_samples: usize,
    /// Encoder delay in samples at 48 kHz, which a decoder drops.
    pre_skip: u16,
    pending: Vec<f32>,
    packet: Vec<u8>,
    /// The packet last encoded, held back so that the final one can carry the end mark.
    held: Option<Vec<u8>>,
    samples_in: u64,
    packets_written: u64,
    packets_in_page: u32,
}

/// The rate libopus is run at for an output rate: its own rates stay, the two CD rates go up to the next it has.
pub(super) const fn encoder_rate_hz(output_rate_hz: u32) -> u32 {
    match output_rate_hz {
        22_050 => 24_000,
        44_100 => 48_000,
        rate => rate,
    }
}

impl Opus {
    pub(super) fn new(nominal_rate_hz: u32) -> Result<Self, AudioError> {
        let encoder_rate_hz = encoder_rate_hz(nominal_rate_hz);
        let (rate, bits_per_second) = match encoder_rate_hz {
            8_000 => (SampleRate::Hz8000, 32_000),
            16_000 => (SampleRate::Hz16000, 40_000),
            24_000 => (SampleRate::Hz24000, 48_000),
            48_000 => (SampleRate::Hz48000, 64_000),
            other => return Err(AudioError::UnsupportedSampleRate(other)),
        };
        let mut encoder =
            opusic_c::Encoder::new(Channels::Mono, rate, Application::Audio).map_err(failed)?;
        encoder
            .set_bitrate(Bitrate::Value(bits_per_second))
            .map_err(failed)?;
        encoder.set_vbr(true).map_err(failed)?;
        // No hint that this is voice: libopus would then hold on to its speech coder, which costs four times as much
        // and is meant for lower bit rates than these.
        let look_ahead = encoder.get_look_ahead().map_err(failed)?;
        let pre_skip =
            u16::try_from(look_ahead * (GRANULE_RATE_HZ / encoder_rate_hz)).map_err(failed)?;
        let frame_samples = encoder_rate_hz as usize / 50;
        Ok(Self {
            encoder,
            pages: PacketWriter::new(Vec::new()),
            nominal_rate_hz,
            encoder_rate_hz,
            frame_samples,
            pre_skip,
            pending: Vec::with_capacity(frame_samples),
            packet: Vec::with_capacity(MAX_PACKET_BYTES),
            held: None,
            samples_in: 0,
            packets_written: 0,
            packets_in_page: 0,
        })
    }

    fn encode_pending(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        self.packet.clear();
        self.encoder
            .encode_float_to_vec(&self.pending, &mut self.packet)
            .map_err(failed)?;
        self.pending.clear();
        if let Some(previous) = self.held.replace(self.packet.clone()) {
            self.packets_written += 1;
            self.packets_in_page += 1;
            let end = if self.packets_in_page == PACKETS_PER_PAGE {
                self.packets_in_page = 0;
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            // The position at the end of this packet, delay included (RFC 7845 section 4).
            let position = self.packets_written * u64::from(GRANULE_RATE_HZ / 50);
            self.write(previous, end, position, out)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        packet: Vec<u8>,
        end: PacketWriteEndInfo,
        granule_position: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), AudioError> {
        self.pages
            .write_packet(packet, SERIAL, end, granule_position)
            .map_err(failed)?;
        out.append(self.pages.inner_mut());
        Ok(())
    }

    /// `OpusHead`, RFC 7845 section 5.1.
    fn identification_header(&self) -> Vec<u8> {
        let mut header = Vec::with_capacity(19);
        header.extend_from_slice(b"OpusHead");
        header.push(1); // version
        header.push(1); // channels
        header.extend_from_slice(&self.pre_skip.to_le_bytes());
        header.extend_from_slice(&self.nominal_rate_hz.to_le_bytes());
        header.extend_from_slice(&0_i16.to_le_bytes()); // output gain
        header.push(0); // channel mapping family
        header
    }
}

impl Codec for Opus {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        let head = self.identification_header();
        self.write(head, PacketWriteEndInfo::EndPage, 0, out)?;
        self.write(comment_header(), PacketWriteEndInfo::EndPage, 0, out)
    }

    fn encode(&mut self, mut samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        self.samples_in += samples.len() as u64;
        while self.pending.len() + samples.len() >= self.frame_samples {
            let (head, tail) = samples.split_at(self.frame_samples - self.pending.len());
            self.pending.extend_from_slice(head);
            samples = tail;
            self.encode_pending(out)?;
        }
        self.pending.extend_from_slice(samples);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        let step = u64::from(GRANULE_RATE_HZ / self.encoder_rate_hz);
        // The end of the audio as the decoder counts it. Packets must reach at least that far: the decoder is late by
        // the encoder's delay, so silence follows the last sample. An empty stream gets one packet, all of it skipped.
        let end = u64::from(self.pre_skip) + self.samples_in * step;
        let frame = self.frame_samples as u64 * step;
        let packets_due = end.div_ceil(frame).max(1);
        while self.packets_written + u64::from(self.held.is_some()) < packets_due {
            self.pending.resize(self.frame_samples, 0.0);
            self.encode_pending(out)?;
        }
        match self.held.take() {
            Some(last) => self.write(last, PacketWriteEndInfo::EndStream, end, out),
            None => Ok(()),
        }
    }
}

/// `OpusTags`, RFC 7845 section 5.2.
fn comment_header() -> Vec<u8> {
    let vendor = opusic_c::version();
    let comments = [concat!("ENCODER=voxgate ", env!("CARGO_PKG_VERSION"))];
    let mut header = Vec::with_capacity(64 + vendor.len());
    let mut put = |text: &str| {
        header.extend_from_slice(&(text.len() as u32).to_le_bytes());
        header.extend_from_slice(text.as_bytes());
    };
    put(vendor);
    let mut list = (comments.len() as u32).to_le_bytes().to_vec();
    for comment in comments {
        list.extend_from_slice(&(comment.len() as u32).to_le_bytes());
        list.extend_from_slice(comment.as_bytes());
    }
    let mut packet = b"OpusTags".to_vec();
    packet.append(&mut header);
    packet.append(&mut list);
    packet
}

fn failed(error: impl std::fmt::Debug) -> AudioError {
    AudioError::encoder(AudioFormat::Opus, format_args!("{error:?}"))
}
