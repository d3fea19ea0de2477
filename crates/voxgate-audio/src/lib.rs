//! PCM, resampling, encoders and audio measurements. Pure and synchronous.
