//! The only outbound HTTP: address policy, caps, timeouts.
