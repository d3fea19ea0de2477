//! Joins, pauses and the shape of silence, on made-up sound.

use super::*;

const RATE: usize = 24_000;

#[derive(Default)]
struct Recorder(Vec<f32>, Vec<(ClauseTiming, usize)>);

impl PcmSink for Recorder {
    fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
        self.0.extend_from_slice(samples);
        ControlFlow::Continue(())
    }
    fn cancelled(&self) -> bool {
        false
    }
    fn clause(&mut self, timing: ClauseTiming) {
        self.1.push((timing, self.0.len()));
    }
}

fn ms(milliseconds: usize) -> usize {
    milliseconds * RATE / 1000
}

fn tone(milliseconds: usize) -> Vec<f32> {
    (0..ms(milliseconds))
        .map(|n| 0.3 * (n as f32 * 0.05).cos())
        .collect()
}

fn between_silence(before_ms: usize, sound: Vec<f32>, after_ms: usize) -> Vec<f32> {
    let mut samples = vec![0.0; ms(before_ms)];
    samples.extend(sound);
    samples.resize(samples.len() + ms(after_ms), 0.0);
    samples
}

fn join(clauses: Vec<(Vec<f32>, u32)>, speed: f32) -> Vec<f32> {
    let mut recorder = Recorder::default();
    let mut joiner = Joiner::new(&mut recorder, RATE as u32, 1.0, speed);
    for (samples, pause) in clauses {
        assert!(joiner.push(&samples).is_continue());
        assert!(joiner.end(pause).is_continue());
    }
    recorder.0
}

fn longest_silence(samples: &[f32]) -> usize {
    samples
        .split(|sample| sample.abs() > 0.001)
        .map(<[f32]>::len)
        .max()
        .unwrap_or(0)
}

#[test]
fn silence_of_the_model_is_replaced_by_the_pause_asked_for() {
    let joined = join(
        vec![
            (between_silence(400, tone(500), 900), 350),
            (between_silence(700, tone(500), 600), 350),
        ],
        1.0,
    );
    let expected = ms(LEAD_MS + 500 + 350 + 500 + TAIL_MS);
    assert!(
        joined.len().abs_diff(expected) <= 2 * ms(WINDOW_MS),
        "{}",
        joined.len()
    );
    assert!(longest_silence(&joined).abs_diff(ms(350)) <= ms(20));
}

#[test]
fn joins_have_no_steps() {
    let joined = join(vec![(tone(300), 0), (tone(300), 150), (tone(300), 0)], 1.0);
    // The steepest slope of the tone itself is 0.3 × 0.05 = 0.015 a sample.
    assert!(
        joined
            .windows(2)
            .all(|pair| (pair[1] - pair[0]).abs() < 0.02)
    );
    assert_eq!(joined.first(), Some(&0.0));
    assert_eq!(joined.last(), Some(&0.0));
}

#[test]
fn slow_speech_pauses_longer_but_never_too_long() {
    let clauses = || vec![(tone(300), 350), (tone(300), 0)];
    let normal = longest_silence(&join(clauses(), 1.0));
    let slow = longest_silence(&join(clauses(), 0.5));
    assert!(slow > normal + ms(200));
    let paragraph = vec![(tone(300), 5_000), (tone(300), 0)];
    assert!(longest_silence(&join(paragraph, 0.5)) <= ms(LONGEST_SILENCE_MS + 20));
}

#[test]
fn a_long_silence_inside_a_clause_is_shortened() {
    let mut samples = between_silence(0, tone(300), 2_500);
    samples.extend(tone(300));
    let joined = join(vec![(samples, 0)], 1.0);
    let silence = longest_silence(&joined);
    assert!(
        silence.abs_diff(ms(LONGEST_SILENCE_MS)) <= ms(20),
        "{silence}"
    );
    assert!(joined.len() > ms(600 + 1_000));
}

#[test]
fn a_silent_clause_leaves_nothing() {
    assert!(join(vec![(vec![0.0; RATE], 350)], 1.0).is_empty());
    assert!(join(vec![(Vec::new(), 350)], 1.0).is_empty());
}

#[test]
fn the_size_of_the_pieces_changes_nothing() {
    let mut gapped = between_silence(300, tone(400), 2_000);
    gapped.extend(between_silence(0, tone(200), 333));
    let clauses = [
        gapped,
        between_silence(120, tone(7), 90),
        tone(3),
        vec![0.0; 1_000],
        tone(250),
    ];
    let in_pieces = |size: usize| {
        let mut recorder = Recorder::default();
        let mut joiner = Joiner::new(&mut recorder, RATE as u32, 1.3, 1.0);
        for clause in &clauses {
            for piece in clause.chunks(size) {
                assert!(joiner.push(piece).is_continue());
            }
            assert!(joiner.end(200).is_continue());
        }
        recorder.0
    };
    let whole = in_pieces(usize::MAX);
    for size in [1, 57, 120, 1_000, 5_000] {
        assert!(in_pieces(size) == whole, "pieces of {size}");
    }
}

#[test]
fn speech_is_handed_on_while_the_clause_goes_on() {
    let mut recorder = Recorder::default();
    let mut joiner = Joiner::new(&mut recorder, RATE as u32, 1.0, 1.0);
    assert!(
        joiner
            .push(&between_silence(100, tone(100), 0))
            .is_continue()
    );
    assert_eq!(joiner.pushed as usize, ms(LEAD_MS + 100 - FADE_MS));
    // A silence is kept back beyond the tail until it is known what follows.
    assert!(joiner.push(&vec![0.0; ms(500)]).is_continue());
    assert_eq!(
        joiner.pushed as usize,
        ms(LEAD_MS + 100 + TAIL_MS - FADE_MS)
    );
    assert!(joiner.push(&tone(100)).is_continue());
    assert_eq!(
        joiner.pushed as usize,
        ms(LEAD_MS + 100 + 500 + 100 - FADE_MS)
    );
}

#[test]
fn symbols_are_where_they_are_heard() {
    let mut recorder = Recorder::default();
    let mut joiner = Joiner::new(&mut recorder, RATE as u32, 1.0, 1.0);
    for clause in 0..2 {
        // Two symbols: 400 ms of silence, then sound for 100 ms and for 200 ms.
        let times = SymbolTimes {
            symbols: "ab".to_owned(),
            lead: ms(400) as u64,
            lengths: vec![ms(100) as u64, ms(200) as u64],
        };
        joiner.times(clause..clause + 1, times);
        assert!(
            joiner
                .push(&between_silence(400, tone(300), 300))
                .is_continue()
        );
        assert!(joiner.end(350).is_continue());
    }
    let [(first, at_first), (second, at_second)] = recorder.1.as_slice() else {
        panic!("two timings expected");
    };
    assert_eq!((*at_first, &first.source), (0, &(0..1)));
    assert_eq!(first.symbols, "ab");
    let heard = |begin: usize| vec![begin as u64, (begin + ms(100)) as u64];
    assert_eq!(first.starts, heard(ms(LEAD_MS)));
    assert_eq!(first.end as usize, ms(LEAD_MS + 300));
    // The second one's first sample comes behind the pause.
    assert_eq!(*at_second, ms(300 + 350));
    assert_eq!(second.starts, heard(ms(300 + 350 + LEAD_MS)));
    // There is sound where the symbols are said to begin.
    for start in [&first.starts[0], &second.starts[0]] {
        let around = &recorder.0[*start as usize - 10..];
        assert!(around[..10].iter().all(|sample| sample.abs() < 1e-6));
        assert!(around[10..60].iter().any(|sample| sample.abs() > 0.1));
    }
}
