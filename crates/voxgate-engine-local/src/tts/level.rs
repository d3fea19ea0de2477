//! Loudness: one fixed gain per voice and a limiter that keeps peaks below full scale.
//!
//! A gain that followed each clause would make loud and quiet clauses alike and pump at joins; a fixed one keeps
//! the voice's own dynamics and needs no look-ahead.

/// Samples up to this magnitude pass the limiter unchanged.
const KNEE: f32 = 0.75;
/// No sample leaves the limiter above this magnitude (about −0.2 dBFS, room for a lossy encoder's overshoot).
const CEILING: f32 = 0.98;

/// Applies `gain`, then bends what is above the knee towards the ceiling. Memoryless, so equal input gives equal output.
pub(super) fn apply(samples: &mut [f32], gain: f32) {
    for sample in samples {
        let amplified = *sample * gain;
        let magnitude = amplified.abs();
        *sample = if magnitude <= KNEE {
            amplified
        } else {
            let room = CEILING - KNEE;
            (KNEE + room * ((magnitude - KNEE) / room).tanh()).copysign(amplified)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_samples_are_only_scaled() {
        let mut samples = [0.1, -0.2, 0.0];
        apply(&mut samples, 2.0);
        assert_eq!(samples, [0.2, -0.4, 0.0]);
    }

    #[test]
    fn loud_samples_stay_below_the_ceiling_and_in_order() {
        let mut samples = [0.5, 0.9, 1.5, -4.0];
        apply(&mut samples, 1.5);
        assert!(samples.iter().all(|sample| sample.abs() <= CEILING));
        assert!(samples[0] < samples[1] && samples[1] < samples[2]);
        assert!(samples[3] < -0.97);
    }
}
