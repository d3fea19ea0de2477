//! Text front end of speech synthesis: normalisation, sentences, phonemes.
