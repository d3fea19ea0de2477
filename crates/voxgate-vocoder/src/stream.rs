//! A network of convolutions that is computed piece by piece, with nothing computed twice.
//!
//! Owns the bookkeeping of streaming: each signal keeps just the rows that some layer still needs. Asking for the output
//! up to a row asks, layer by layer backwards, for what is needed of each input, and then computes exactly the rows that
//! are missing. Before its first and behind its last row a signal is silent, so the result is that of one run over
//! everything, to the last bit.

use std::time::{Duration, Instant};

use crate::conv::{Conv, Output};
use crate::isa::Isa;
use crate::kernel::lines::Lines;
use crate::kernel::pointwise;

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

/// What a layer computes of the rows of its input.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Conv(Conv),
    /// The tangent of the first half of the channels times the sigmoid of the second half.
    Gate {
        /// Channels out.
        channels: usize,
    },
}

impl Operation {
    /// Output rows that are computed together; progress counts in these.
    fn wide(&self) -> usize {
        match self {
            Self::Conv(conv) => conv.wide(),
            Self::Gate { .. } => 1,
        }
    }

    /// The first input row that wide row `index` reads (before row 0 where negative).
    fn first_row(&self, index: usize) -> isize {
        match self {
            Self::Conv(conv) => conv.first_row(index),
            Self::Gate { .. } => index as isize,
        }
    }

    /// The input row behind the last one that the first `count` wide rows read.
    fn end_row(&self, count: usize) -> isize {
        match self {
            Self::Conv(conv) => conv.end_row(count),
            Self::Gate { .. } => count as isize,
        }
    }

    /// Floating-point operations of one wide row; those of gates are not worth counting.
    fn operations(&self) -> usize {
        match self {
            Self::Conv(conv) => conv.operations(),
            Self::Gate { .. } => 0,
        }
    }
}

/// One operation and what is fused to it. A convolution makes `(conv(input) + residual [+ raw]) · scale`, stored as it is
/// in `raw` and behind a leaky ReLU in `activated`; a gate is stored in `raw` alone.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) operation: Operation,
    pub(crate) input: SignalId,
    pub(crate) residual: Option<SignalId>,
    pub(crate) raw: Option<SignalId>,
    pub(crate) accumulate: bool,
    pub(crate) scale: f32,
    pub(crate) activated: Option<(SignalId, f32)>,
    /// Once begun, computes as many rows at once as it has already, up to this many, though fewer are asked for: weights
    /// that do not fit into the cache are then read less often. 0 for none.
    pub(crate) ahead: usize,
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
        let operations = |layer: &Layer| match &layer.operation {
            Operation::Conv(conv) => {
                let rate = self.signals[layer.input].rate * conv.rate();
                (conv.operations() * rate).div_ceil(conv.wide())
            }
            Operation::Gate { .. } => 0,
        };
        self.layers.iter().map(operations).sum()
    }
}

/// The kept rows of one signal.
#[derive(Debug, Clone, Default)]
struct Window {
    /// At least the kept rows; what is behind them is stale.
    numbers: Lines,
    stride: usize,
    /// The first kept row.
    start: isize,
    /// Kept rows.
    count: usize,
}

impl Window {
    fn end(&self) -> isize {
        self.start + self.count as isize
    }

    /// Makes rows up to `end` exist, to be written by the caller.
    fn reach(&mut self, end: isize) {
        if end > self.end() {
            self.count = (end - self.start) as usize;
            self.numbers.grow(self.count * self.stride);
        }
    }

    /// Makes rows up to `end` exist; new ones are silent.
    fn reach_silent(&mut self, end: isize) {
        let had = self.count * self.stride;
        self.reach(end);
        let has = self.count * self.stride;
        self.numbers.as_mut_slice()[had..has].fill(0.0);
    }

    /// Forgets the rows before `row`.
    fn forget(&mut self, row: isize) {
        let rows = (row.min(self.end()) - self.start).max(0) as usize;
        let held = self.count * self.stride;
        let numbers = self.numbers.as_mut_slice();
        numbers.copy_within(rows * self.stride..held, 0);
        self.count -= rows;
        self.start += rows as isize;
    }

    fn offset(&self, row: isize) -> usize {
        (row - self.start) as usize * self.stride
    }

    /// The rows from `row` on.
    fn rows(&self, row: isize) -> &[f32] {
        &self.numbers.as_slice()[self.offset(row)..self.count * self.stride]
    }

    /// The rows from `row` on, to be written.
    fn rows_mut(&mut self, row: isize) -> &mut [f32] {
        let offset = self.offset(row);
        &mut self.numbers.as_mut_slice()[offset..self.count * self.stride]
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
                    .map(|layer| layer.operation.first_row(0).min(0))
                    .min()
                    .unwrap_or(0);
                Window {
                    numbers: Lines::zeros(before.unsigned_abs() * signal.stride),
                    stride: signal.stride,
                    start: before,
                    count: before.unsigned_abs(),
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

    /// Computes the output up to input frame `to` (at most all there are), `step` frames at a time, and returns the rows
    /// not returned before. `fill` writes one input frame into a row.
    pub(crate) fn advance(
        &mut self,
        network: &Network,
        to: usize,
        step: usize,
        mut fill: impl FnMut(usize, &mut [f32]),
    ) -> &mut [f32] {
        let output = network.signals.len() - 1;
        let rate = network.signals[output].rate;
        let target = to.min(self.frames) * rate;
        let mut reached = self.taken;
        while reached < target {
            reached = target.min(reached + step.max(1) * rate);
            self.forget(network);
            self.compute(network, reached, &mut fill);
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

    /// Computes what the output needs up to row `target`.
    fn compute(
        &mut self,
        network: &Network,
        target: usize,
        fill: &mut impl FnMut(usize, &mut [f32]),
    ) {
        let counts = self.needed(network, target);
        for (index, layer) in network.layers.iter().enumerate() {
            let (begin, end) = (self.done[index], counts[index]);
            if end <= begin {
                continue;
            }
            let reads = layer.operation.end_row(end);
            if layer.input == 0 {
                let window = &mut self.windows[0];
                let had = window.end().max(0);
                let there = reads.min(self.frames as isize);
                window.reach_silent(there);
                for row in had..there {
                    let stride = window.stride;
                    fill(row as usize, &mut window.rows_mut(row)[..stride]);
                }
            }
            // Behind the last row a signal is silent.
            self.windows[layer.input].reach_silent(reads);
            let started = Instant::now();
            self.run(layer, index, begin, end);
            self.times[index] += started.elapsed();
            self.done[index] = end;
        }
    }

    /// Numbers there is room for.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.windows
            .iter()
            .map(|window| window.numbers.as_slice().len())
            .sum()
    }

    /// Floating-point operations done and time spent, by layer.
    pub(crate) fn costs(&self, network: &Network) -> Vec<(usize, Duration)> {
        let operations = network
            .layers
            .iter()
            .map(|layer| layer.operation.operations());
        operations
            .zip(&self.done)
            .map(|(each, done)| each * done)
            .zip(self.times.iter().copied())
            .collect()
    }

    fn run(&mut self, layer: &Layer, index: usize, begin: usize, end: usize) {
        let wide = layer.operation.wide();
        let (first, last) = ((begin * wide) as isize, (end * wide) as isize);
        let mut take = |signal: SignalId| {
            let mut window = std::mem::take(&mut self.windows[signal]);
            window.reach(last);
            (signal, window)
        };
        let mut raw = layer.raw.map(&mut take);
        let mut activated = layer.activated.map(|(signal, _)| take(signal));
        let input = &self.windows[layer.input];
        match &layer.operation {
            Operation::Conv(conv) => conv.run(
                self.isa,
                end - begin,
                input.rows(conv.first_row(begin)),
                self.biases[index].as_deref().unwrap_or(conv.bias()),
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
            ),
            Operation::Gate { channels } => {
                if let Some((_, window)) = &mut raw {
                    let stride = window.stride;
                    let rows = window.rows_mut(first).chunks_exact_mut(stride);
                    let read = input.rows(first).chunks_exact(input.stride);
                    for (row, read) in rows.zip(read) {
                        let (bent, opening) = read.split_at(*channels);
                        pointwise::gate(
                            self.isa,
                            bent,
                            &opening[..*channels],
                            &mut row[..*channels],
                        );
                    }
                }
            }
        }
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
            let (wide, done) = (layer.operation.wide(), self.done[index]);
            let all = |id: SignalId| self.frames * network.signals[id].rate;
            let mut count = wanted.div_ceil(wide).max(done);
            if count > done && layer.ahead > 0 {
                let last = layer
                    .raw
                    .into_iter()
                    .chain(layer.activated.map(|(id, _)| id))
                    .last();
                let most = last.map_or(0, all).div_ceil(wide);
                count = count.max((done + done.min(layer.ahead)).min(most));
            }
            counts[index] = count;
            let made = count * wide;
            for id in layer
                .residual
                .into_iter()
                .chain(layer.raw.filter(|_| layer.accumulate))
            {
                rows[id] = rows[id].max(made.min(all(id)));
            }
            let reads = layer.operation.end_row(count).max(0).unsigned_abs();
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
                let written = (done * layer.operation.wide()) as isize;
                if layer.input == id {
                    keep = keep.min(layer.operation.first_row(done));
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
