//! What is cut off a graph and computed by ourselves, against the whole graph: with the real voice (in the folder that
//! `VOXGATE_TEST_MODELS` names) and with small graphs of other shapes.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::PathBuf;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, ValueInfoProto,
};
use voxgate_engine::{ClauseTiming, PcmSink};

use super::*;
use crate::tts::piper::config::VoiceConfig;
use crate::tts::piper::symbols::Symbols;
use crate::tts::{Finish, Part, speak};

#[derive(Default)]
struct Recorder {
    samples: Vec<f32>,
    pieces: usize,
    timings: Vec<ClauseTiming>,
}

impl PcmSink for Recorder {
    fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
        self.samples.extend_from_slice(samples);
        self.pieces += 1;
        ControlFlow::Continue(())
    }
    fn cancelled(&self) -> bool {
        false
    }
    fn clause(&mut self, timing: ClauseTiming) {
        self.timings.push(timing);
    }
}

/// Signal to noise in decibels, the noise being the difference.
fn signal_to_noise(signal: &[f32], other: &[f32]) -> f64 {
    let power = |numbers: &mut dyn Iterator<Item = f32>| -> f64 {
        numbers.map(|number| f64::from(number).powi(2)).sum()
    };
    let noise = power(&mut signal.iter().zip(other).map(|(a, b)| a - b));
    10.0 * (power(&mut signal.iter().copied()) / noise.max(1e-30)).log10()
}

struct Voice {
    folder: PathBuf,
    config: VoiceConfig,
}

impl Voice {
    fn joe() -> Self {
        let models = std::env::var_os("VOXGATE_TEST_MODELS").expect(
            "set VOXGATE_TEST_MODELS to a folder with the default models (`voxgate models pull` fills one; `make test` does both)",
        );
        let folder = PathBuf::from(models).join("piper-en_US-joe-medium");
        let json = std::fs::read(folder.join("en_US-joe-medium.onnx.json")).unwrap();
        let config = serde_json::from_slice(&json).unwrap();
        Self { folder, config }
    }

    fn load(&self, take: impl FnOnce(&mut GraphProto) -> Sound) -> VoiceModel {
        let threads = Arc::new(ThreadPool::with_num_threads(1));
        let path = self.folder.join("en_US-joe-medium.onnx");
        let rate = self.config.audio.sample_rate;
        VoiceModel::load_with(&path, "joe", false, rate, threads, take).unwrap()
    }

    fn say(&self, model: &VoiceModel, symbols: &str) -> Recorder {
        let alphabet = Symbols::new(&self.config.phoneme_id_map).unwrap();
        let part = Part {
            symbols: symbols.to_owned(),
            source: 3..9,
            pause_after_ms: 0,
            sentence_end: true,
        };
        let finish = Finish {
            rate_hz: self.config.audio.sample_rate,
            gain: 1.0,
            speed: 1.0,
        };
        let mut recorder = Recorder::default();
        speak(
            std::iter::once(Ok(part)),
            &finish,
            &mut recorder,
            |text, clause| {
                let encoded = alphabet.encode(text);
                model.speak(encoded, None, &self.config.inference, 1.0, clause)?;
                Ok(1)
            },
        )
        .unwrap();
        recorder
    }
}

const SENTENCES: [&str; 2] = [
    "ðə tɹˈeɪn tə ðə kˈoʊst lˈiːvz æt ɐ kwˈɔːɹɾɚ pˈæst nˈaɪn fɹʌm plˈætfɔːɹm fˈoːɹ.",
    "jˈɛs.",
];

#[test]
fn the_real_voice_sounds_as_its_whole_graph_does() {
    let voice = Voice::joe();
    let whole = voice.load(|_| Sound::Whole);
    let cut = voice.load(|graph| take_generator(graph).unwrap());
    assert!(
        matches!(&cut.sound, Sound::Latents { generator, durations: true, .. }
            if generator.condition_places() > 1),
        "the flow and the durations are found"
    );
    for sentence in SENTENCES {
        let expected = voice.say(&whole, sentence);
        let made = voice.say(&cut, sentence);
        assert_eq!(made.samples.len(), expected.samples.len());
        let worst = made.samples.iter().zip(&expected.samples);
        let worst = worst.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let decibels = signal_to_noise(&expected.samples, &made.samples);
        assert!(
            worst < 1e-3 && decibels > 70.0,
            "{sentence}: off by {worst}, {decibels:.1} dB"
        );
        assert!(
            made.pieces > expected.pieces,
            "sound comes window by window"
        );
    }
}

#[test]
fn symbols_of_the_real_voice_fill_the_sound() {
    let voice = Voice::joe();
    let cut = voice.load(|graph| take_generator(graph).unwrap());
    let made = voice.say(&cut, SENTENCES[0]);
    let [timing] = made.timings.as_slice() else {
        panic!("one clause, one timing");
    };
    assert_eq!(
        (&timing.source, timing.symbols.as_str()),
        (&(3..9), SENTENCES[0])
    );
    assert_eq!(timing.starts.len(), SENTENCES[0].chars().count());
    assert!(timing.starts.is_sorted());
    assert!(timing.starts[0] < 4_000, "{timing:?}");
    let end = timing.end as usize;
    assert!(
        end > made.samples.len() / 2 && end <= made.samples.len() + 8_000,
        "{end}"
    );
}

#[test]
fn every_random_node_gets_the_seed() {
    let mut graph = GraphProto {
        node: vec![
            graph::node("RandomNormalLike", "a".to_owned(), &["x"], "y"),
            graph::node("Add", "b".to_owned(), &["x", "y"], "z"),
        ],
        ..GraphProto::default()
    };
    seed_noise(&mut graph);
    assert_eq!(graph.node[0].attribute.len(), 1);
    assert!(graph.node[1].attribute.is_empty());
}

/// A generator written as exports write it, node by node.
struct Export {
    graph: GraphProto,
    seed: u32,
}

impl Export {
    fn new() -> Self {
        let value = |name: &str| ValueInfoProto {
            name: Some(name.to_owned()),
            r#type: None,
        };
        Self {
            graph: GraphProto {
                input: vec![value("z"), value("g")],
                output: vec![value("output")],
                ..GraphProto::default()
            },
            seed: 1,
        }
    }

    fn constant(&mut self, dims: &[i64], scale: f32) -> String {
        let name = format!("c{}", self.graph.initializer.len());
        let count = dims.iter().product::<i64>();
        let numbers = (0..count)
            .map(|_| {
                self.seed = self
                    .seed
                    .wrapping_mul(1_664_525)
                    .wrapping_add(1_013_904_223);
                (self.seed as f32 / u32::MAX as f32 * 2.0 - 1.0) * scale
            })
            .collect();
        self.graph.initializer.push(TensorProto {
            name: Some(name.clone()),
            dims: dims.to_vec(),
            data_type: Some(DataType::FLOAT),
            float_data: numbers,
            ..TensorProto::default()
        });
        name
    }

    fn push(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = format!("v{}", self.graph.node.len());
        self.graph.node.push(NodeProto {
            attribute: attributes,
            ..graph::node(op, output.clone(), inputs, &output)
        });
        output
    }

    fn conv(&mut self, from: &str, shape: [i64; 3], dilation: i64) -> String {
        let scale = 1.5 / ((shape[1] * shape[2]) as f32).sqrt();
        let (weights, bias) = (
            self.constant(&shape, scale),
            self.constant(&shape[..1], 0.1),
        );
        let padding = (shape[2] - 1) / 2 * dilation;
        let attributes = vec![
            graph::ints_attribute("dilations", vec![dilation]),
            graph::ints_attribute("kernel_shape", vec![shape[2]]),
            graph::ints_attribute("pads", vec![padding, padding]),
            graph::ints_attribute("strides", vec![1]),
        ];
        self.push("Conv", &[from, &weights, &bias], attributes)
    }

    fn leaky(&mut self, from: &str, slope: f32) -> String {
        let slope = AttributeProto {
            name: Some("alpha".to_owned()),
            f: Some(slope),
            r#type: Some(AttributeType::FLOAT),
            ..AttributeProto::default()
        };
        self.push("LeakyRelu", &[from], vec![slope])
    }

    /// Two stages; residual units of `convs` convolutions; with a condition from a speaker's vector, if asked for.
    fn generator(mut self, convs: usize, speakers: bool) -> Self {
        let mut x = self.conv("z", [32, 10, 7], 1);
        if speakers {
            let condition = self.conv("g", [32, 6, 1], 1);
            x = self.push("Add", &[&x, &condition], Vec::new());
        }
        for (channels, stride) in [(32_i64, 4_i64), (16, 2)] {
            let bent = self.leaky(&x, 0.1);
            let weights = self.constant(&[channels, channels / 2, 2 * stride], 0.2);
            let bias = self.constant(&[channels / 2], 0.1);
            let attributes = vec![
                graph::ints_attribute("kernel_shape", vec![2 * stride]),
                graph::ints_attribute("pads", vec![stride / 2, stride / 2]),
                graph::ints_attribute("strides", vec![stride]),
            ];
            let base = self.push("ConvTranspose", &[&bent, &weights, &bias], attributes);
            let mut sum: Option<String> = None;
            for taps in [3, 5, 7] {
                let mut through = base.clone();
                for dilation in [1, 3] {
                    let mut inner = through.clone();
                    for place in 0..convs {
                        let bent = self.leaky(&inner, 0.1);
                        let dilation = if place == 0 { dilation } else { 1 };
                        inner = self.conv(&bent, [channels / 2, channels / 2, taps], dilation);
                    }
                    through = self.push("Add", &[&inner, &through], Vec::new());
                }
                sum = Some(match sum {
                    Some(sum) => self.push("Add", &[&sum, &through], Vec::new()),
                    None => through,
                });
            }
            self.graph
                .initializer
                .push(graph::scalar("three".to_owned() + &x, 3.0));
            let three = "three".to_owned() + &x;
            x = self.push("Div", &[&sum.unwrap(), &three], Vec::new());
        }
        let bent = self.leaky(&x, 0.01);
        let post = self.conv(&bent, [1, 8, 7], 1);
        let output = self.push("Tanh", &[&post], Vec::new());
        self.graph.node.last_mut().unwrap().output = vec!["output".to_owned()];
        assert_ne!(output, "output");
        self
    }

    /// What the runtime makes of the whole graph, for the first of its outputs.
    fn run(&self, inputs: &[(&str, &[usize], Vec<f32>)]) -> Vec<f32> {
        let model = ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto {
                version: Some(15),
                ..OperatorSetIdProto::default()
            }],
            graph: Some(self.graph.clone()),
            ..ModelProto::default()
        };
        let model = rten::ModelOptions::with_all_ops()
            .load(model.write_buf().unwrap())
            .unwrap();
        let inputs = inputs
            .iter()
            .filter_map(|(name, shape, numbers)| {
                let value = Tensor::from_data(*shape, numbers.clone());
                Some((model.find_node(name)?, value.into()))
            })
            .collect();
        let [value] = model.run_n(inputs, [model.output_ids()[0]], None).unwrap();
        let value: Tensor<f32> = value.try_into().unwrap();
        value.into_data()
    }
}

#[test]
fn generators_of_both_types_and_of_several_speakers_are_found() {
    for (convs, speakers) in [(1, false), (2, false), (2, true)] {
        let export = Export::new().generator(convs, speakers);
        let latents: Vec<f32> = (0..10 * 30).map(|n| (n as f32 * 0.7).sin()).collect();
        let speaker: Vec<f32> = (0..6).map(|n| n as f32 * 0.2 - 0.5).collect();
        let inputs = [
            ("z", &[1, 10, 30][..], latents.clone()),
            ("g", &[1, 6, 1][..], speaker),
        ];
        let expected = export.run(&inputs);

        let found = generator::find(&export.graph).unwrap();
        assert_eq!(found.latents, "z");
        assert_eq!(found.condition.is_some(), speakers);
        let generator = HifiGan::new(&found.weights).unwrap();
        let mut stream = generator.stream(latents).unwrap();
        if let Some(condition) = found.condition {
            let mut before = Export::new();
            before.graph = export.graph.clone();
            graph::keep_only(&mut before.graph, &[&condition]).unwrap();
            assert_eq!(before.graph.node.len(), 1, "only the condition is left");
            stream.condition(0, &before.run(&inputs)).unwrap();
        }
        let made = stream.next_window(usize::MAX);
        assert_eq!(made.len(), expected.len());
        let worst = made.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        let worst = worst.fold(0.0, f32::max);
        assert!(
            worst < 1e-5,
            "{convs} convolutions, speakers {speakers}: off by {worst}"
        );
    }
}

#[test]
fn a_graph_that_is_something_else_runs_as_a_whole() {
    let mut export = Export::new().generator(1, false);
    for node in &mut export.graph.node {
        if graph::is_op(node, "", "Tanh") {
            node.op_type = Some("Sigmoid".to_owned());
        }
    }
    let before = export.graph.node.len();
    let refusal = match take_generator(&mut export.graph) {
        Ok(_) => "taken".to_owned(),
        Err(reason) => reason,
    };
    assert!(
        refusal.contains("Sigmoid stands where Tanh should"),
        "{refusal}"
    );
    assert_eq!(export.graph.node.len(), before);
    assert_eq!(export.graph.output[0].name.as_deref(), Some("output"));
}
