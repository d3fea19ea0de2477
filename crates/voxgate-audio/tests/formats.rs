//! Every format at every rate, judged by an independent decoder: ffmpeg, and `flac -t` and hound where they apply.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use proptest::prelude::*;
use support::{decode_with_ffmpeg, encode, spec, speech_like};
use voxgate_audio::{
    AudioError, AudioFormat, Encoder, SUPPORTED_SAMPLE_RATES, finalise,
    measure::{Measurement, measure},
};

/// What a format's own framing may add to the duration: MP3 and AAC pad with their delay and a last frame.
fn padding_seconds(format: AudioFormat, rate: u32) -> f64 {
    match format {
        AudioFormat::Mp3 => 4.0 * 1152.0 / f64::from(rate),
        AudioFormat::Aac => 3.0 * 1024.0 / f64::from(rate),
        _ => 0.001,
    }
}

/// The level above which a rate can say nothing is not compared: the reference is resampled the same way.
fn reference_at(rate: u32, input: &[f32]) -> Measurement {
    let mut resampled = Vec::new();
    let mut resampler = voxgate_audio::Resampler::new(24_000, rate).unwrap();
    resampler.push(input, &mut resampled).unwrap();
    resampler.finish(&mut resampled).unwrap();
    measure(&resampled, rate)
}

#[test]
fn every_format_at_every_rate_decodes_with_the_right_length_and_level() {
    let input = speech_like(24_000, 3.0);
    for format in AudioFormat::ALL {
        for rate in SUPPORTED_SAMPLE_RATES {
            let (mut bytes, summary) = encode(spec(format, rate), 24_000, &input, 5_000);
            assert_eq!(summary.duration_ms, 3_000);
            assert_eq!(summary.samples_out, u64::from(rate) * 3);
            assert_eq!(summary.bytes, bytes.len() as u64);
            // Only these two have a header that `finalise` corrects.
            let corrected = matches!(format, AudioFormat::Wav | AudioFormat::Flac);
            for complete in if corrected {
                vec![false, true]
            } else {
                vec![false]
            } {
                if complete {
                    finalise(format, &mut bytes);
                }
                let decoded = decode_with_ffmpeg(format, rate, &bytes);
                let seconds = decoded.len() as f64 / f64::from(rate);
                let late = seconds - 3.0;
                assert!(
                    (-0.001..=padding_seconds(format, rate)).contains(&late),
                    "{format} at {rate} Hz lasts {seconds:.3} s"
                );
                let (got, wanted) = (measure(&decoded, rate), reference_at(rate, &input));
                let wanted_rms = wanted.rms_dbfs + 10.0 * (3.0 / seconds).log10();
                assert!(
                    (got.rms_dbfs - wanted_rms).abs() < 1.0,
                    "{format} at {rate} Hz: {:.2} dB, wanted {wanted_rms:.2} dB",
                    got.rms_dbfs
                );
                assert_eq!(
                    (got.clipped_samples, got.non_finite_samples),
                    (0, 0),
                    "{format} at {rate} Hz"
                );
            }
        }
    }
}

#[test]
fn lossless_formats_return_the_very_samples_in_step() {
    let input = speech_like(24_000, 1.0);
    for format in [AudioFormat::Wav, AudioFormat::Flac, AudioFormat::Pcm] {
        let (bytes, _) = encode(spec(format, 24_000), 24_000, &input, 777);
        let decoded = decode_with_ffmpeg(format, 24_000, &bytes);
        assert_eq!(decoded.len(), input.len(), "{format}");
        for (n, (wanted, got)) in input.iter().zip(&decoded).enumerate() {
            assert!(
                (wanted - got).abs() < 1.0 / 16_000.0,
                "{format}, sample {n}: {wanted} became {got}"
            );
        }
    }
}

#[test]
fn opus_is_aligned_to_the_sample() {
    // Pre-skip and end position are right only if the decoded audio lies on the input.
    let input = speech_like(48_000, 1.5);
    let (bytes, _) = encode(spec(AudioFormat::Opus, 48_000), 48_000, &input, 4_096);
    let decoded = decode_with_ffmpeg(AudioFormat::Opus, 48_000, &bytes);
    assert_eq!(decoded.len(), input.len());
    let correlation = |shift: i64| -> f64 {
        (2_000..input.len() as i64 - 2_000)
            .map(|n| f64::from(input[n as usize]) * f64::from(decoded[(n + shift) as usize]))
            .sum()
    };
    let best = (-400..=400)
        .max_by(|&a, &b| correlation(a).total_cmp(&correlation(b)))
        .unwrap();
    assert!(best.abs() <= 2, "decoded audio is {best} samples off");
}

#[test]
fn flac_passes_the_reference_decoder_and_tells_its_length() {
    for (rate, length) in [
        (8_000, 8_000),
        (24_000, 100_001),
        (48_000, 4_096 * 2),
        (22_050, 2_049),
        (16_000, 1),
    ] {
        let (mut bytes, summary) = encode(
            spec(AudioFormat::Flac, rate),
            rate,
            &speech_like(rate, 6.0)[..length],
            999,
        );
        support::flac_test(&bytes);
        finalise(AudioFormat::Flac, &mut bytes);
        support::flac_test(&bytes);
        let total = u64::from(bytes[21] & 0x0F) << 32
            | u64::from(u32::from_be_bytes(bytes[22..26].try_into().unwrap()));
        assert_eq!(
            (total, summary.samples_out),
            (length as u64, length as u64),
            "{rate} Hz"
        );
        assert_eq!(
            bytes[8..10],
            bytes[10..12],
            "minimum and maximum block size differ"
        );
    }
}

#[test]
fn a_finalised_wav_is_read_by_hound() {
    let input = speech_like(24_000, 0.5);
    let (mut bytes, _) = encode(spec(AudioFormat::Wav, 16_000), 24_000, &input, 100);
    finalise(AudioFormat::Wav, &mut bytes);
    let reader = hound::WavReader::new(bytes.as_slice()).unwrap();
    let spec = reader.spec();
    assert_eq!(
        (spec.channels, spec.sample_rate, spec.bits_per_sample),
        (1, 16_000, 16)
    );
    assert_eq!(reader.duration(), 8_000);
}

#[test]
fn empty_and_tiny_streams_are_valid_files() {
    for format in AudioFormat::ALL {
        for rate in [8_000, 22_050, 48_000] {
            for input in [&[][..], &[0.5]] {
                let (mut bytes, summary) = encode(spec(format, rate), 24_000, input, 1);
                assert!(summary.duration_ms <= 1, "{format}");
                finalise(format, &mut bytes);
                if input.is_empty()
                    && matches!(
                        format,
                        AudioFormat::Flac | AudioFormat::Aac | AudioFormat::Mp3
                    )
                {
                    continue; // no frame at all: nothing for a decoder to find
                }
                let decoded = if bytes.is_empty() {
                    Vec::new()
                } else {
                    decode_with_ffmpeg(format, rate, &bytes)
                };
                let seconds = decoded.len() as f64 / f64::from(rate);
                // ffmpeg does not trim the end of an Opus stream that is one packet long, as RFC 7845 4.5 asks.
                let allowed = if format == AudioFormat::Opus {
                    0.02
                } else {
                    padding_seconds(format, rate)
                };
                assert!(
                    seconds <= allowed + 0.001,
                    "{format} at {rate} Hz lasts {seconds} s"
                );
            }
        }
    }
}

#[test]
fn broken_samples_become_silence_or_saturate() {
    let mut input = speech_like(24_000, 1.0);
    input[100..200].fill(f32::NAN);
    input[5_000..5_100].fill(f32::INFINITY);
    input[6_000..6_100].fill(f32::NEG_INFINITY);
    input[7_000] = f32::MAX;
    input[7_001] = -1e30;
    for format in AudioFormat::ALL {
        for rate in [8_000, 24_000, 44_100] {
            let (bytes, _) = encode(spec(format, rate), 24_000, &input, 3_000);
            let decoded = decode_with_ffmpeg(format, rate, &bytes);
            assert!(
                decoded
                    .iter()
                    .all(|sample| sample.is_finite() && sample.abs() < 2.0),
                "{format} at {rate} Hz"
            );
            assert!(decoded.len() >= rate as usize * 99 / 100);
        }
    }
}

#[test]
fn one_huge_chunk_is_the_same_as_many() {
    let input = speech_like(24_000, 60.0);
    for format in [
        AudioFormat::Wav,
        AudioFormat::Mp3,
        AudioFormat::Opus,
        AudioFormat::Flac,
        AudioFormat::Aac,
    ] {
        let (whole, _) = encode(spec(format, 16_000), 24_000, &input, usize::MAX);
        let (pieces, _) = encode(spec(format, 16_000), 24_000, &input, 12_345);
        assert!(whole == pieces, "{format}");
    }
}

#[test]
fn bytes_leave_while_the_audio_still_comes() {
    for format in AudioFormat::ALL {
        let mut encoder = Encoder::new(spec(format, 24_000), 24_000).unwrap();
        let mut out = Vec::new();
        for _ in 0..40 {
            encoder.push(&speech_like(24_000, 0.5), &mut out).unwrap();
            if format == AudioFormat::Aac {
                // Another process; it is given the time that a real engine would take.
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        let streamed = out.len();
        encoder.finish(&mut out).unwrap();
        assert!(
            streamed * 10 > out.len() * 8,
            "{format}: {streamed} of {} bytes before the end",
            out.len()
        );
    }
}

#[test]
fn a_finished_encoder_refuses_more() {
    let mut encoder = Encoder::new(spec(AudioFormat::Wav, 8_000), 8_000).unwrap();
    let mut out = Vec::new();
    encoder.finish(&mut out).unwrap();
    assert!(matches!(
        encoder.push(&[0.0], &mut out),
        Err(AudioError::Finished)
    ));
    assert!(matches!(
        encoder.finish(&mut out),
        Err(AudioError::Finished)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn cutting_into_chunks_changes_no_byte(
        format in prop::sample::select(&[
            AudioFormat::Wav, AudioFormat::Mp3, AudioFormat::Opus, AudioFormat::Flac, AudioFormat::Pcm, AudioFormat::Ulaw,
            AudioFormat::Alaw,
        ]),
        rate in prop::sample::select(&SUPPORTED_SAMPLE_RATES),
        length in 0_usize..20_000,
        chunk in 1_usize..9_000,
    ) {
        let input = &speech_like(24_000, 1.0)[..length];
        let (whole, _) = encode(spec(format, rate), 24_000, input, usize::MAX);
        let (pieces, _) = encode(spec(format, rate), 24_000, input, chunk);
        prop_assert!(whole == pieces);
    }

    #[test]
    fn any_float_bits_are_survived(bits in prop::collection::vec(any::<u32>(), 0..4_000)) {
        let input: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        for format in [AudioFormat::Wav, AudioFormat::Mp3, AudioFormat::Opus, AudioFormat::Flac, AudioFormat::Ulaw] {
            encode(spec(format, 44_100), 24_000, &input, 1_000);
        }
    }
}
