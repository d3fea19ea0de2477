//! Loading ONNX graphs into rten, with edits made in memory on the way.
//!
//! Some published exports hold nodes rten has no kernel for, or lack an attribute we need. The file on
//! disk stays as its maker published it (its hash is what users verify); this module parses it, lets
//! the engine edit the graph, and hands rten the result. Weights are moved, never copied: each large
//! tensor becomes an in-memory "external data file" of the small re-serialised graph.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use rten::{Model, ModelOptions, NodeId};
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, GraphProto, ModelProto, NodeProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};

use voxgate_vocoder::ConvWeights;

use crate::error::LoadError;

/// Tensors below this size stay inside the graph: moving them out costs more than copying them.
const MOVE_OUT_BYTES: usize = 4096;

/// Loads a model after applying `edit` to its graph. `model_name` is what `voxgate models pull` calls it.
pub(crate) fn load(
    path: &Path,
    model_name: &str,
    edit: impl FnOnce(&mut GraphProto) -> Result<(), String>,
) -> Result<Model, LoadError> {
    let mut proto = parse(path, model_name)?;
    proto
        .graph
        .as_mut()
        .ok_or_else(|| "the file holds no graph".to_owned())
        .and_then(edit)
        .and_then(|()| build(proto))
        .map_err(|reason| LoadError::invalid(path, model_name, reason))
}

/// Reads a model file.
pub(crate) fn parse(path: &Path, model_name: &str) -> Result<ModelProto, LoadError> {
    let file = File::open(path).map_err(|error| LoadError::unreadable(path, model_name, &error))?;
    ModelProto::parse_file(file)
        .map_err(|error| LoadError::invalid(path, model_name, error.to_string()))
}

/// Makes a model that can run.
pub(crate) fn build(mut proto: ModelProto) -> Result<Model, String> {
    let mut options = ModelOptions::with_all_ops();
    let tensors = proto
        .graph
        .iter_mut()
        .flat_map(|graph| &mut graph.initializer);
    for (index, tensor) in tensors.enumerate() {
        let large = tensor
            .raw_data
            .as_ref()
            .is_some_and(|raw| raw.borrow().len() >= MOVE_OUT_BYTES);
        if large && let Some(raw) = tensor.raw_data.take() {
            // The runtime checks the extension even of files that exist only in memory.
            let name = format!("tensor-{index}.data");
            let bytes = raw.into_inner();
            refer_to(tensor, &name, bytes.len());
            options.external_data(&name, bytes);
        }
    }
    let skeleton = proto.write_buf().map_err(|error| error.to_string())?;
    options.load(skeleton).map_err(|error| error.to_string())
}

/// Makes a tensor point to a whole in-memory file.
fn refer_to(tensor: &mut TensorProto, name: &str, length: usize) {
    tensor.data_location = Some(DataLocation::EXTERNAL);
    tensor.external_data = [
        ("location", name.to_owned()),
        ("offset", "0".to_owned()),
        ("length", length.to_string()),
    ]
    .map(|(key, value)| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    })
    .into();
}

/// The id of the first of `names` that the loaded model has.
pub(crate) fn find_input(
    model: &Model,
    path: &Path,
    model_name: &str,
    names: &[&str],
) -> Result<NodeId, LoadError> {
    names
        .iter()
        .find_map(|name| model.find_node(name))
        .ok_or_else(|| {
            LoadError::invalid(
                path,
                model_name,
                format!("the graph has no input named {}", names.join(" or ")),
            )
        })
}

/// True for a node of this operator in this domain (`""` being ONNX's own).
pub(crate) fn is_op(node: &NodeProto, domain: &str, op_type: &str) -> bool {
    node.op_type.as_deref() == Some(op_type) && node.domain.as_deref().unwrap_or_default() == domain
}

/// The integer attribute of a node, or its default.
pub(crate) fn int_attribute(node: &NodeProto, name: &str, default: i64) -> i64 {
    node.attribute
        .iter()
        .find(|attribute| attribute.name.as_deref() == Some(name))
        .and_then(|attribute| attribute.i)
        .unwrap_or(default)
}

/// The float attribute of a node, or its default.
pub(crate) fn float_attribute(node: &NodeProto, name: &str, default: f32) -> f32 {
    node.attribute
        .iter()
        .find(|attribute| attribute.name.as_deref() == Some(name))
        .and_then(|attribute| attribute.f)
        .unwrap_or(default)
}

/// Sets a float attribute, replacing one of the same name.
pub(crate) fn set_float_attribute(node: &mut NodeProto, name: &str, value: f32) {
    node.attribute
        .retain(|attribute| attribute.name.as_deref() != Some(name));
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        f: Some(value),
        r#type: Some(AttributeType::FLOAT),
        ..AttributeProto::default()
    });
}

/// A node of ONNX's own domain.
pub(crate) fn node(op_type: &str, name: String, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: Some(name),
        op_type: Some(op_type.to_owned()),
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

/// An attribute that is a list of integers.
pub(crate) fn ints_attribute(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints: values,
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }
}

/// A scalar constant.
pub(crate) fn scalar(name: String, value: f32) -> TensorProto {
    TensorProto {
        name: Some(name),
        data_type: Some(DataType::FLOAT),
        float_data: vec![value],
        ..TensorProto::default()
    }
}

/// A constant list of integers.
pub(crate) fn integers(name: String, values: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name),
        dims: vec![values.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// Who makes which value of a graph, and its constants.
pub(crate) struct Wiring<'a> {
    makers: HashMap<&'a str, &'a NodeProto>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Wiring<'a> {
    pub(crate) fn new(graph: &'a GraphProto) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |o| (o.as_str(), node));
        Self {
            makers: graph.node.iter().flat_map(outputs).collect(),
            constants: graph
                .initializer
                .iter()
                .filter_map(|tensor| Some((tensor.name.as_deref()?, tensor)))
                .collect(),
        }
    }

    /// The node that computes a value.
    pub(crate) fn maker(&self, value: &str) -> Option<&'a NodeProto> {
        self.makers.get(value).copied()
    }

    /// The node that computes a value, if it is of this operator; the error says what stands there instead.
    pub(crate) fn maker_of(&self, value: &str, op_type: &str) -> Result<&'a NodeProto, String> {
        let maker = self.maker(value);
        maker
            .filter(|node| is_op(node, "", op_type))
            .ok_or_else(|| {
                let found = maker.and_then(|node| node.op_type.as_deref());
                format!(
                    "{} stands where {op_type} should",
                    found.unwrap_or("no node")
                )
            })
    }

    /// The shape of a constant.
    pub(crate) fn shape(&self, value: &str) -> Option<Vec<usize>> {
        let dims = &self.constants.get(value)?.dims;
        dims.iter().map(|&dim| usize::try_from(dim).ok()).collect()
    }

    /// The numbers of an f32 constant.
    pub(crate) fn numbers(&self, value: &str) -> Option<Vec<f32>> {
        let tensor = self.constants.get(value)?;
        if tensor.data_type != Some(DataType::FLOAT) {
            return None;
        }
        Some(match &tensor.raw_data {
            Some(raw) => raw
                .borrow()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&bytes| f32::from_le_bytes(bytes))
                .collect(),
            None => tensor.float_data.clone(),
        })
    }

    /// The numbers of an i64 constant.
    pub(crate) fn integers(&self, value: &str) -> Option<Vec<i64>> {
        let tensor = self.constants.get(value)?;
        if tensor.data_type != Some(DataType::INT64) {
            return None;
        }
        Some(match &tensor.raw_data {
            Some(raw) => raw
                .borrow()
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&bytes| i64::from_le_bytes(bytes))
                .collect(),
            None => tensor.int64_data.clone(),
        })
    }

    /// The values of an 8-bit constant.
    pub(crate) fn bytes(&self, value: &str) -> Option<Vec<i16>> {
        let tensor = self.constants.get(value)?;
        let signed = match tensor.data_type? {
            DataType::INT8 => true,
            DataType::UINT8 => false,
            _ => return None,
        };
        let widen = |byte: u8| {
            if signed {
                i16::from(byte.cast_signed())
            } else {
                i16::from(byte)
            }
        };
        Some(match &tensor.raw_data {
            Some(raw) => raw.borrow().iter().copied().map(widen).collect(),
            None => tensor
                .int32_data
                .iter()
                .map(|&value| value as i16)
                .collect(),
        })
    }

    /// The number of an f32 constant of one element.
    pub(crate) fn number(&self, value: &str) -> Option<f32> {
        match self.numbers(value)?.as_slice() {
            &[number] => Some(number),
            _ => None,
        }
    }

    /// A list attribute of a node; empty where there is none.
    pub(crate) fn ints(&self, node: &NodeProto, name: &str) -> Vec<i64> {
        node.attribute
            .iter()
            .find(|attribute| attribute.name.as_deref() == Some(name))
            .map(|attribute| attribute.ints.clone())
            .unwrap_or_default()
    }
}

/// Makes `outputs` the graph's outputs and drops all that they do not need, weights included.
///
/// # Errors
/// Where a node holds a graph of its own, which may read values without naming them; the graph is unchanged then.
pub(crate) fn keep_only(graph: &mut GraphProto, outputs: &[&str]) -> Result<(), String> {
    let mut attributes = graph.node.iter().flat_map(|node| &node.attribute);
    if attributes.any(|attribute| attribute.g.is_some()) {
        return Err("a node holds a graph of its own".to_owned());
    }
    let mut needed: HashSet<String> = outputs.iter().map(|&name| name.to_owned()).collect();
    let mut waiting: Vec<String> = needed.iter().cloned().collect();
    let mut kept = vec![false; graph.node.len()];
    let makers: HashMap<&str, usize> = graph
        .node
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.output.iter().map(move |o| (o.as_str(), index)))
        .collect();
    while let Some(value) = waiting.pop() {
        let Some(&index) = makers.get(value.as_str()) else {
            continue;
        };
        if std::mem::replace(&mut kept[index], true) {
            continue;
        }
        for input in &graph.node[index].input {
            if needed.insert(input.clone()) {
                waiting.push(input.clone());
            }
        }
    }
    let mut kept = kept.into_iter();
    graph.node.retain(|_| kept.next().unwrap_or(true));
    graph.initializer.retain(|tensor| {
        tensor
            .name
            .as_ref()
            .is_some_and(|name| needed.contains(name))
    });
    graph.output = outputs
        .iter()
        .map(|&name| ValueInfoProto {
            name: Some(name.to_owned()),
            r#type: None,
        })
        .collect();
    Ok(())
}

/// An input of a node.
pub(crate) fn input(node: &NodeProto, index: usize) -> Result<&str, String> {
    node.input
        .get(index)
        .map(String::as_str)
        .ok_or_else(|| format!("a {:?} of too few inputs", node.op_type))
}

/// The weights of a one-dimensional `Conv` or `ConvTranspose`, whose channels out are dimension `outputs`.
pub(crate) fn conv_weights(
    wiring: &Wiring<'_>,
    node: &NodeProto,
    outputs: usize,
) -> Result<ConvWeights, String> {
    let name = input(node, 1)?;
    let weights = wiring
        .numbers(name)
        .ok_or("convolution weights that are not f32")?;
    let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(name) => wiring.numbers(name).ok_or("a bias that is not f32")?,
        None => {
            let channels = wiring
                .shape(name)
                .and_then(|shape| shape.get(outputs).copied());
            vec![0.0; channels.unwrap_or_default()]
        }
    };
    conv_of(wiring, node, weights, bias, outputs)
}

/// The same for given numbers.
pub(crate) fn conv_of(
    wiring: &Wiring<'_>,
    node: &NodeProto,
    weights: Vec<f32>,
    bias: Vec<f32>,
    outputs: usize,
) -> Result<ConvWeights, String> {
    let shape = wiring.shape(input(node, 1)?).unwrap_or_default();
    let shape: [usize; 3] = shape
        .try_into()
        .map_err(|shape| format!("convolution weights of shape {shape:?}"))?;
    let one = |name: &str, default: i64| match wiring.ints(node, name).as_slice() {
        [] => Ok(default),
        [value] => Ok(*value),
        values => Err(format!("{name} of {values:?}")),
    };
    let size = |value: i64| usize::try_from(value).map_err(|_| "a negative size".to_owned());
    let pads = wiring.ints(node, "pads");
    let (&[before, behind] | &[before, behind, ..]) = pads.as_slice() else {
        return Err("a convolution without paddings".to_owned());
    };
    let plain = int_attribute(node, "group", 1) == 1
        && before == behind
        && (outputs == 1 || one("strides", 1)? == 1)
        && wiring.ints(node, "output_padding").iter().all(|&n| n == 0);
    if !plain {
        return Err("a grouped, strided or lopsided convolution".to_owned());
    }
    Ok(ConvWeights {
        weights,
        shape,
        bias,
        dilation: size(one("dilations", 1)?)?,
        padding: size(before)?,
    })
}
