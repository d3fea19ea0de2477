//! The graph edits rten needs for Kokoro exports. Nodes are found by pattern, so that exports
//! whose nodes are named otherwise load as well; a graph without the pattern is left as it is.

use rten_onnx::onnx::GraphProto;

use crate::tts::graph::{
    float_attribute, int_attribute, integers, ints_attribute, is_op, node, scalar,
};

/// Far below any spectral value of speech, far above the smallest normal f32.
const EPSILON: f32 = 1e-20;

/// Applies the edits that must come before anything is looked for in the graph.
pub(super) fn apply(graph: &mut GraphProto) -> Result<(), String> {
    split_fused_matmuls(graph)?;
    guard_phase_division(graph);
    Ok(())
}

/// `com.microsoft.FusedMatMul` with a transposed side → `Transpose`, then `MatMul`.
/// ONNX Runtime's optimiser fused them when the model was quantised; the operands are `[batch, rows, columns]`.
fn split_fused_matmuls(graph: &mut GraphProto) -> Result<(), String> {
    let nodes = std::mem::take(&mut graph.node);
    for mut fused in nodes {
        if !is_op(&fused, "com.microsoft", "FusedMatMul") {
            graph.node.push(fused);
            continue;
        }
        let batch_moved = int_attribute(&fused, "transBatchA", 0) != 0
            || int_attribute(&fused, "transBatchB", 0) != 0;
        let scaled = (float_attribute(&fused, "alpha", 1.0) - 1.0).abs() > f32::EPSILON;
        if batch_moved || scaled {
            return Err("it holds a FusedMatMul with alpha or batch transposition".to_owned());
        }
        for (side, attribute) in ["transA", "transB"].into_iter().enumerate() {
            if int_attribute(&fused, attribute, 0) == 0 {
                continue;
            }
            let Some(operand) = fused.input.get_mut(side) else {
                return Err("it holds a FusedMatMul without operands".to_owned());
            };
            let turned = format!("{operand}/voxgate_{attribute}");
            let mut transpose = node("Transpose", turned.clone(), &[operand], &turned);
            transpose
                .attribute
                .push(ints_attribute("perm", vec![0, 2, 1]));
            *operand = turned;
            graph.node.push(transpose);
        }
        fused.domain = None;
        fused.op_type = Some("MatMul".to_owned());
        fused.attribute.clear();
        graph.node.push(fused);
    }
    Ok(())
}

/// Adds [`EPSILON`] to the divisor of each `Div` that feeds an `Atan`: the generator computes the phase
/// of its STFT as atan(imaginary / real), which is 0/0 in digital silence and would fill the waveform with NaN.
fn guard_phase_division(graph: &mut GraphProto) {
    let ratios: Vec<String> = graph
        .node
        .iter()
        .filter(|node| is_op(node, "", "Atan"))
        .flat_map(|node| node.input.iter().cloned())
        .collect();
    let epsilon = "voxgate_phase_epsilon".to_owned();
    let nodes = std::mem::take(&mut graph.node);
    let mut guarded = false;
    for mut division in nodes {
        let feeds_atan = is_op(&division, "", "Div")
            && division.output.iter().any(|output| ratios.contains(output));
        if feeds_atan && let Some(divisor) = division.input.get_mut(1) {
            let safe = format!("{divisor}/voxgate_nonzero");
            graph
                .node
                .push(node("Add", safe.clone(), &[divisor, &epsilon], &safe));
            *divisor = safe;
            guarded = true;
        }
        graph.node.push(division);
    }
    if guarded {
        graph.initializer.push(scalar(epsilon, EPSILON));
    }
}

/// Puts an explicit `Pad` with the input's zero point in front of each padded `ConvInteger`.
///
/// rten 0.27 pads with byte 0, which stands for the least number of the clause, not for zero: that sets off the first and
/// last frames of every convolution, heard as a burst of noise at the edges of clauses.
pub(super) fn pad_with_zero_points(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    for mut conv in nodes {
        let padded = is_op(&conv, "", "ConvInteger");
        let pads = conv
            .attribute
            .iter_mut()
            .find(|attribute| padded && attribute.name.as_deref() == Some("pads"))
            .map(|attribute| &mut attribute.ints);
        let zero_point = conv.input.get(2).filter(|name| !name.is_empty()).cloned();
        if let Some(pads) = pads
            && pads.iter().any(|&pad| pad != 0)
            && let Some(zero_point) = zero_point
            && let Some(read) = conv.input.first_mut()
        {
            let (before, behind) = pads.split_at(pads.len() / 2);
            // Batch and channels are not padded.
            let all = [&[0, 0], before, &[0, 0], behind].concat();
            let name = format!("voxgate_pads_{all:?}");
            if !graph
                .initializer
                .iter()
                .any(|known| known.name.as_ref() == Some(&name))
            {
                graph.initializer.push(integers(name.clone(), &all));
            }
            pads.fill(0);
            let output = format!("{}/voxgate_padded", conv.output.join("/"));
            let inputs = [read.as_str(), &name, &zero_point];
            graph
                .node
                .push(node("Pad", output.clone(), &inputs, &output));
            *read = output;
        }
        graph.node.push(conv);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rten_onnx::onnx::{AttributeProto, NodeProto};

    use super::*;

    fn int(name: &str, value: i64) -> AttributeProto {
        AttributeProto {
            name: Some(name.to_owned()),
            i: Some(value),
            ..AttributeProto::default()
        }
    }

    fn graph(nodes: Vec<NodeProto>) -> GraphProto {
        GraphProto {
            node: nodes,
            ..GraphProto::default()
        }
    }

    #[test]
    fn a_fused_matmul_becomes_transpose_and_matmul() {
        let mut fused = node("FusedMatMul", "any name".to_owned(), &["a", "b"], "c");
        fused.domain = Some("com.microsoft".to_owned());
        fused.attribute = vec![int("transA", 1), int("transB", 0)];
        let mut graph = graph(vec![fused]);
        apply(&mut graph).unwrap();
        let [transpose, matmul] = graph.node.as_slice() else {
            panic!("two nodes expected");
        };
        assert!(is_op(transpose, "", "Transpose"));
        assert_eq!(transpose.attribute[0].ints, [0, 2, 1]);
        assert!(is_op(matmul, "", "MatMul"));
        assert_eq!(matmul.input, [transpose.output[0].as_str(), "b"]);
        assert_eq!(matmul.output, ["c"]);
    }

    #[test]
    fn a_scaled_fused_matmul_is_refused_not_computed_wrongly() {
        let mut fused = node("FusedMatMul", "n".to_owned(), &["a", "b"], "c");
        fused.domain = Some("com.microsoft".to_owned());
        fused.attribute = vec![int("transBatchA", 1)];
        assert!(apply(&mut graph(vec![fused])).is_err());
    }

    #[test]
    fn only_the_division_before_atan_is_guarded() {
        let mut graph = graph(vec![
            node("Div", "1".to_owned(), &["y", "x"], "ratio"),
            node("Div", "2".to_owned(), &["y", "x"], "other"),
            node("Atan", "3".to_owned(), &["ratio"], "phase"),
        ]);
        apply(&mut graph).unwrap();
        let ops: Vec<_> = graph
            .node
            .iter()
            .map(|node| node.op_type.as_deref().unwrap())
            .collect();
        assert_eq!(ops, ["Add", "Div", "Div", "Atan"]);
        assert_eq!(graph.node[1].input[1], graph.node[0].output[0]);
        assert_eq!(graph.node[2].input[1], "x");
        assert_eq!(graph.initializer.len(), 1);
    }

    #[test]
    fn a_padded_convolution_of_bytes_is_padded_with_its_zero_point() {
        let mut conv = node("ConvInteger", "c".to_owned(), &["x", "w", "zero"], "y");
        conv.attribute = vec![ints_attribute("pads", vec![2, 1])];
        let mut plain = node("ConvInteger", "d".to_owned(), &["y", "w", "zero"], "z");
        plain.attribute = vec![ints_attribute("pads", vec![0, 0])];
        let mut graph = graph(vec![conv, plain]);
        pad_with_zero_points(&mut graph);
        let [pad, conv, plain] = graph.node.as_slice() else {
            panic!("three nodes expected");
        };
        assert!(is_op(pad, "", "Pad"));
        assert_eq!(
            (pad.input[0].as_str(), pad.input[2].as_str()),
            ("x", "zero")
        );
        assert_eq!(graph.initializer[0].name.as_ref(), Some(&pad.input[1]));
        assert_eq!(graph.initializer[0].int64_data, [0, 0, 2, 0, 0, 1]);
        assert_eq!(
            (&conv.input[0], conv.attribute[0].ints.as_slice()),
            (&pad.output[0], &[0, 0][..])
        );
        assert_eq!(plain.input[0], "y");
    }
}
