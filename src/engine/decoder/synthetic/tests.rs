use super::*;
use crate::decoder::CacheRoom;
use crate::decoder::accelerated::{AcceleratedNetwork, Precision};
use crate::decoder::model_file::ModelFile;
use crate::decoder::network::Segment;
use crate::decoder::shape::Shape;
use candle_core::Device;
use std::collections::{HashMap, HashSet};

const FORMATS: [WeightFormat; 4] = [
    WeightFormat::Q4KM,
    WeightFormat::Q8_0,
    WeightFormat::Q4_0,
    WeightFormat::F16,
];

fn small(shape: SyntheticShape) -> Blueprint {
    let hidden = match shape {
        // The smallest model's width is not a multiple of 256 either.
        SyntheticShape::Qwen25_05B => 320,
        _ => 256,
    };
    Blueprint {
        layers: 8,
        hidden,
        feed_forward: 512,
        heads: 8,
        kv_heads: 2,
        head: hidden / 8,
        rotated: hidden / 8,
        ..shape.blueprint()
    }
}

fn types(shape: SyntheticShape, format: WeightFormat) -> HashMap<String, GgmlDType> {
    let blueprint = shape.blueprint();
    let plan = blueprint.tensors(shape.vocabulary().tokens.len());
    plan.iter()
        .map(|tensor| header(tensor, blueprint.layers, format))
        .map(|header| (header.name, header.kind))
        .collect()
}

fn count(types: &HashMap<String, GgmlDType>, kind: GgmlDType) -> usize {
    types.values().filter(|found| **found == kind).count()
}

#[test]
fn small_synthetic_models_open_and_run_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synthetic.gguf");
    for shape in SyntheticShape::ALL {
        for format in FORMATS {
            let blueprint = small(shape);
            let vocabulary = MadeVocabulary::of_size(shape.vocabulary().dialect(), 1000);
            write_blueprint(&path, &blueprint, &vocabulary, format).unwrap();
            let file = ModelFile::open(&path).unwrap();
            assert_eq!(file.quantization(), format.name());
            let read = Shape::read(&file, blueprint.architecture).unwrap();
            assert_eq!((read.vocabulary, read.layers.len()), (1000, 8));
            assert!(read.tied_output);
            for precision in [Precision::Full, Precision::AsStored] {
                let room = CacheRoom {
                    context: 64,
                    tokens: 64,
                };
                let device = Device::Cpu;
                let network =
                    AcceleratedNetwork::load(&file, read.clone(), room, &device, precision);
                let segment = Segment {
                    tokens: &[1, 2, 999],
                    position: 0,
                    blocks: &[0],
                    logits: 3,
                };
                let mut network = network.unwrap();
                let logits = network.forward(&[segment]).unwrap();
                assert_eq!(logits.len(), 3000);
                assert!(
                    logits
                        .iter()
                        .all(|logit| logit.is_finite() && logit.abs() < 100.0)
                );
            }
        }
    }
}

#[test]
fn weights_are_spread_around_zero_as_after_training() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synthetic.gguf");
    let mut seen = HashSet::new();
    for (shape, format) in FORMATS
        .map(|format| (SyntheticShape::Llama32_1B, format))
        .into_iter()
        .chain([(SyntheticShape::Qwen25_05B, WeightFormat::Q4KM)])
    {
        let vocabulary = MadeVocabulary::of_size(Dialect::ChatMl, 600);
        write_blueprint(&path, &small(shape), &vocabulary, format).unwrap();
        let file = ModelFile::open(&path).unwrap();
        for (name, info) in &file.content.tensor_infos {
            if info.ggml_dtype == GgmlDType::F32 {
                continue;
            }
            let mut reader = file.reader.get_ref();
            let tensor = file
                .content
                .tensor(&mut reader, name, &Device::Cpu)
                .unwrap();
            let tensor = tensor
                .dequantize(&Device::Cpu)
                .unwrap()
                .flatten_all()
                .unwrap();
            let numbers = tensor.to_vec1::<f32>().unwrap();
            let count = numbers.len() as f32;
            let mean = numbers.iter().sum::<f32>() / count;
            let deviation = (numbers.iter().map(|n| n * n).sum::<f32>() / count).sqrt();
            let kind = info.ggml_dtype;
            assert!(mean.abs() < 0.001, "{kind:?} {name}: mean {mean}");
            assert!(
                (deviation - 0.02).abs() < 0.001,
                "{kind:?} {name}: {deviation}"
            );
            seen.insert(kind);
        }
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[test]
fn tensor_types_are_those_of_llama_cpp() {
    // As llama.cpp reports them of the real models' files.
    let qwen = types(SyntheticShape::Qwen25_05B, WeightFormat::Q4KM);
    assert_eq!(qwen["token_embd.weight"], GgmlDType::Q8_0);
    assert_eq!(qwen["blk.0.attn_v.weight"], GgmlDType::Q8_0);
    assert_eq!(qwen["blk.3.attn_v.weight"], GgmlDType::Q5_0);
    assert_eq!(qwen["blk.0.ffn_down.weight"], GgmlDType::Q6K);
    assert_eq!(count(&qwen, GgmlDType::F32), 121);
    assert_eq!(count(&qwen, GgmlDType::Q5_0), 132);
    assert_eq!(count(&qwen, GgmlDType::Q8_0), 13);
    assert_eq!(count(&qwen, GgmlDType::Q4K), 12);
    assert_eq!(count(&qwen, GgmlDType::Q6K), 12);
    let llama = types(SyntheticShape::Llama32_1B, WeightFormat::Q4KM);
    assert_eq!(count(&llama, GgmlDType::F32), 34);
    assert_eq!(count(&llama, GgmlDType::Q4K), 96);
    assert_eq!(count(&llama, GgmlDType::Q6K), 17);
    let plain = types(SyntheticShape::Qwen25_15B, WeightFormat::Q4_0);
    assert_eq!(plain["token_embd.weight"], GgmlDType::Q6K);
    assert_eq!(plain["blk.27.ffn_down.weight"], GgmlDType::Q4_0);
}

#[test]
fn vocabulary_has_the_real_size_and_every_token_once() {
    for shape in SyntheticShape::ALL {
        let vocabulary = shape.vocabulary();
        let distinct: HashSet<&String> = vocabulary.tokens.iter().collect();
        assert_eq!(distinct.len(), vocabulary.tokens.len());
        let metadata = vocabulary.metadata();
        let merges = metadata
            .iter()
            .find(|(key, _)| key == "tokenizer.ggml.merges");
        let merges = merges.unwrap().1.to_vec().unwrap();
        for merge in merges {
            let (left, right) = merge.to_string().unwrap().split_once(' ').unwrap();
            let merged = format!("{left}{right}");
            for token in [left, right, merged.as_str()] {
                assert!(distinct.contains(&token.to_owned()), "{token}");
            }
        }
    }
    assert_eq!(
        SyntheticShape::Qwen25_05B.vocabulary().tokens.len(),
        151_936
    );
    assert_eq!(
        SyntheticShape::Llama32_1B.vocabulary().tokens.len(),
        128_256
    );
}

#[test]
fn other_formats_are_refused_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synthetic.gguf");
    let error = write_synthetic(&path, SyntheticShape::Qwen25_05B, WeightFormat::Q3K).unwrap_err();
    assert!(error.to_string().contains("not made in Q3_K"), "{error}");
    assert!(!path.exists());
    for shape in SyntheticShape::ALL {
        assert_eq!(
            SyntheticShape::parse(&shape.name().to_uppercase()),
            Some(shape)
        );
    }
    assert_eq!(WeightFormat::parse("q4_k_m"), Some(WeightFormat::Q4KM));
}
