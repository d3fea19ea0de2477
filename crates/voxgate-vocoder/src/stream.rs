//! A network of convolutions that is computed piece by piece, with nothing computed twice.
//!
//! Owns the bookkeeping of streaming: each signal keeps just the rows that some layer still needs. Asking for the output
//! up to a row asks, layer by layer backwards, for what is needed of each input, and then computes exactly the rows that
//! are missing. Before its first and behind its last row a signal is silent, so the result is that of one run over
//! everything, to the last bit.

use std::time::{Duration, Instant};

use crate::conv::{Conv, Output};
use crate::isa::Isa;

/// Index of a signal in its [`Network`].
pub(crate) type SignalId = usize;

/// A signal: rows of channels at a fixed number of rows per frame of the network's input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal {
    /// Numbers from one row to the next.
    pub(crate) stride: usize,
    /// Rows per input frame.
    pub(crate) rate: usize,
}

/// One convolution and what is fused to it: `(conv(input) + residual [+ raw]) · scale`, stored as it is in `raw` and
/// behind a leaky ReLU in `activated`.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) conv: Conv,
    pub(crate) input: SignalId,
    pub(crate) residual: Option<SignalId>,
    pub(crate) raw: Option<SignalId>,
    pub(crate) accumulate: bool,
    pub(crate) scale: f32,
    pub(crate) activated: Option<(SignalId, f32)>,
}

/// Layers in an order in which each reads only what earlier ones write. Signal 0 is the input, the last one the output.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) signals: Vec<Signal>,
    pub(crate) layers: Vec<Layer>,
}

impl Network {
    /// Adds a signal.
    pub(crate) fn signal(&mut self, stride: usize, rate: usize) -> SignalId {
        self.signals.push(Signal { stride, rate });
        self.signals.len() - 1
    }

    /// Floating-point operations per input frame.
    pub(crate) fn operations(&self) -> usize {
        let operations = |layer: &Layer| {
            let rate = self.signals[layer.input].rate * layer.conv.rate();
            (layer.conv.operations() * rate).div_ceil(layer.conv.wide())
        };
        self.layers.iter().map(operations).sum()
    }
}

/// The kept rows of one signal.
#[derive(Debug, Clone, Default)]
struct Window {
    numbers: Vec<f32>,
    stride: usize,
    /// Row of the first number.
    start: isize,
}

impl Window {
    fn end(&self) -> isize {
        self.start + (self.numbers.len() / self.stride) as isize
    }

    /// Makes rows up to `end` exist; new ones are silent.
    fn reach(&mut self, end: isize) {
        if end > self.end() {
            let rows = (end - self.start) as usize;
            self.numbers.resize(rows * self.stride, 0.0);
        }
    }

    /// Forgets the rows before `row`.
    fn forget(&mut self, row: isize) {
        let rows = (row.min(self.end()) - self.start).max(0);
        let gone = rows as usize * self.stride;
        self.numbers.copy_within(gone.., 0);
        self.numbers.truncate(self.numbers.len() - gone);
        self.start += rows;
    }

    fn offset(&self, row: isize) -> usize {
        (row - self.start) as usize * self.stride
    }

    fn rows(&self, row: isize) -> &[f32] {
        &self.numbers[self.offset(row)..]
    }

    fn rows_mut(&mut self, row: isize) -> &mut [f32] {
        let offset = self.offset(row);
        &mut self.numbers[offset..]
    }
}

/// Where one computation of a network has got to.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    isa: Isa,
    /// Input frames there are in all.
    frames: usize,
    windows: Vec<Window>,
    /// Wide rows computed, by layer.
    done: Vec<usize>,
    /// Rows of the output that were handed out.
    taken: usize,
    /// For each layer, what stands in for its own bias.
    biases: Vec<Option<Vec<f32>>>,
    /// Time spent, by layer.
    times: Vec<Duration>,
}

impl Progress {
    /// At the beginning of `frames` input frames.
    pub(crate) fn new(network: &Network, frames: usize, isa: Isa) -> Self {
        let windows = network
            .signals
            .iter()
            .enumerate()
            .map(|(id, signal)| {
                let before = network
                    .layers
                    .iter()
                    .filter(|layer| layer.input == id)
                    .map(|layer| layer.conv.first_row(0).min(0))
                    .min()
                    .unwrap_or(0);
                Window {
                    numbers: vec![0.0; before.unsigned_abs() * signal.stride],
                    stride: signal.stride,
                    start: before,
                }
            })
            .collect();
        Self {
            isa,
            frames,
            windows,
            done: vec![0; network.layers.len()],
            taken: 0,
            biases: vec![None; network.layers.len()],
            times: vec![Duration::ZERO; network.layers.len()],
        }
    }

    /// Uses another bias for a layer.
    pub(crate) fn set_bias(&mut self, layer: usize, bias: Vec<f32>) {
        self.biases[layer] = Some(bias);
    }

    /// Computes the output up to input frame `to` (at most all there are) and returns the rows not returned before.
    /// `fill` writes one input frame into a row.
    pub(crate) fn advance(
        &mut self,
        network: &Network,
        to: usize,
        mut fill: impl FnMut(usize, &mut [f32]),
    ) -> &mut [f32] {
        self.forget(network);
        let to = to.min(self.frames);
        let output = network.signals.len() - 1;
        let target = to * network.signals[output].rate;
        let counts = self.needed(network, target);

        for (index, layer) in network.layers.iter().enumerate() {
            let (begin, end) = (self.done[index], counts[index]);
            if end <= begin {
                continue;
            }
            let reads = layer.conv.end_row(end);
            if layer.input == 0 {
                let window = &mut self.windows[0];
                let had = window.end().max(0);
                let there = reads.min(self.frames as isize);
                window.reach(there);
                for row in had..there {
                    let stride = window.stride;
                    fill(row as usize, &mut window.rows_mut(row)[..stride]);
                }
            }
            // Behind the last row a signal is silent.
            self.windows[layer.input].reach(reads);
            let started = Instant::now();
            self.run(layer, index, begin, end);
            self.times[index] += started.elapsed();
            self.done[index] = end;
        }
        let window = &mut self.windows[output];
        let rows = target.saturating_sub(self.taken) * window.stride;
        let from = self.taken as isize;
        self.taken = self.taken.max(target);
        match rows {
            0 => &mut [],
            _ => &mut window.rows_mut(from)[..rows],
        }
    }

    /// Numbers held at present.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.windows.iter().map(|window| window.numbers.len()).sum()
    }

    /// Floating-point operations done and time spent, by layer.
    pub(crate) fn costs(&self, network: &Network) -> Vec<(usize, Duration)> {
        let operations = network.layers.iter().map(|layer| layer.conv.operations());
        operations
            .zip(&self.done)
            .map(|(each, done)| each * done)
            .zip(self.times.iter().copied())
            .collect()
    }

    fn run(&mut self, layer: &Layer, index: usize, begin: usize, end: usize) {
        let wide = layer.conv.wide();
        let (first, last) = ((begin * wide) as isize, (end * wide) as isize);
        let mut take = |signal: SignalId| {
            let mut window = std::mem::take(&mut self.windows[signal]);
            window.reach(last);
            (signal, window)
        };
        let mut raw = layer.raw.map(&mut take);
        let mut activated = layer.activated.map(|(signal, _)| take(signal));
        layer.conv.run(
            self.isa,
            end - begin,
            self.windows[layer.input].rows(layer.conv.first_row(begin)),
            self.biases[index].as_deref().unwrap_or(layer.conv.bias()),
            Output {
                residual: layer
                    .residual
                    .map(|signal| self.windows[signal].rows(first)),
                raw: raw.as_mut().map(|(_, window)| window.rows_mut(first)),
                accumulate: layer.accumulate,
                scale: layer.scale,
                activated: activated
                    .as_mut()
                    .zip(layer.activated)
                    .map(|((_, window), (_, slope))| (window.rows_mut(first), slope)),
            },
        );
        for (signal, window) in raw.into_iter().chain(activated) {
            self.windows[signal] = window;
        }
    }

    /// Wide rows that each layer must have computed for the output to reach row `target`.
    fn needed(&self, network: &Network, target: usize) -> Vec<usize> {
        let mut rows = vec![0_usize; network.signals.len()];
        if let Some(output) = rows.last_mut() {
            *output = target;
        }
        let mut counts = vec![0; network.layers.len()];
        for (index, layer) in network.layers.iter().enumerate().rev() {
            let signals = layer
                .raw
                .into_iter()
                .chain(layer.activated.map(|(id, _)| id));
            let wanted = signals.map(|id| rows[id]).max().unwrap_or(0);
            let count = wanted.div_ceil(layer.conv.wide()).max(self.done[index]);
            counts[index] = count;
            let made = count * layer.conv.wide();
            let all = |id: SignalId| self.frames * network.signals[id].rate;
            for id in layer
                .residual
                .into_iter()
                .chain(layer.raw.filter(|_| layer.accumulate))
            {
                rows[id] = rows[id].max(made.min(all(id)));
            }
            let reads = layer.conv.end_row(count).max(0).unsigned_abs();
            rows[layer.input] = rows[layer.input].max(reads.min(all(layer.input)));
        }
        counts
    }

    /// Drops the rows that nobody reads any more.
    fn forget(&mut self, network: &Network) {
        for (id, window) in self.windows.iter_mut().enumerate() {
            let output = network.signals.len() - 1;
            let mut keep = if id == output {
                self.taken as isize
            } else {
                isize::MAX
            };
            for (layer, &done) in network.layers.iter().zip(&self.done) {
                let written = (done * layer.conv.wide()) as isize;
                if layer.input == id {
                    keep = keep.min(layer.conv.first_row(done));
                }
                if layer.residual == Some(id) || layer.raw == Some(id) {
                    keep = keep.min(written);
                }
                if layer.activated.is_some_and(|(signal, _)| signal == id) {
                    keep = keep.min(written);
                }
            }
            window.forget(keep);
        }
    }
}
