//! Use cases: identity, organisations, invitations, usage, limits, mail, speech.
