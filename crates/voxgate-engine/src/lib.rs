//! Engine traits, worker threads, admission and the fake engine.
