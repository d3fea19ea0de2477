//! Composition root: configuration, wiring, listeners, shutdown.
