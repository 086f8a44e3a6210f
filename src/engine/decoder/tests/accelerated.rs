//! The chat model over the accelerated network, which has the same scheduler,
//! prefix cache, sampler and drafts above it as the CPU's own.

use super::{GenerationRequest, OPTIONS, ask, read, tiny};
use crate::decoder::accelerated::tests::devices;
use crate::decoder::accelerated::{AcceleratedNetwork, Precision};
use crate::decoder::backend::{Backend, Placement};
use crate::decoder::{Architecture, ChatModel, DecoderError, LoadOptions};
use candle_core::Device;
use satchel_types::DeviceChoice;

fn load(architecture: Architecture, device: &Device) -> ChatModel {
    ChatModel::load_with(
        &tiny(architecture).path,
        None,
        &OPTIONS,
        |file, shape, room| {
            let network = AcceleratedNetwork::load(file, shape, room, device, Precision::Full)
                .map_err(DecoderError::Internal)?;
            let placement = Placement {
                device: format!("{device:?}"),
                note: None,
            };
            Ok((Backend::Accelerated(Box::new(network)), placement))
        },
    )
    .unwrap()
}

#[tokio::test]
async fn every_architecture_streams_the_same_greedy_answer_with_and_without_what_it_remembers() {
    for device in devices() {
        for architecture in Architecture::ALL {
            let model = load(architecture, &device);
            let first = read(model.generate(ask("Why?")).unwrap()).await;
            read(model.generate(ask("What else is there?")).unwrap()).await;
            let again = read(model.generate(ask("Why?")).unwrap()).await;
            assert_eq!(first.0, again.0, "{architecture:?}");
            assert!(!first.0.is_empty());
            assert_eq!((first.2.completion, first.2.reused), (24, 0));
            assert!(again.2.reused > 0, "{:?}", again.2);
        }
    }
}

#[tokio::test]
async fn answers_written_at_once_are_those_written_alone() {
    for device in devices() {
        let model = load(Architecture::Qwen3, &device);
        let questions: Vec<String> = (1..=6).map(|n| "why so ".repeat(n * n)).collect();
        let request = |question: &String| GenerationRequest {
            max_tokens: 40,
            ..ask(question)
        };
        let mut alone = Vec::new();
        for question in &questions {
            alone.push(read(model.generate(request(question)).unwrap()).await.0);
        }
        let started: Vec<_> = questions
            .iter()
            .map(|question| model.generate(request(question)).unwrap())
            .collect();
        for (generation, alone) in started.into_iter().zip(&alone) {
            assert_eq!(read(generation).await.0, *alone);
        }
    }
}

#[test]
fn model_that_finds_no_gpu_runs_on_the_cpu_and_says_why() {
    let tiny = tiny(Architecture::Llama);
    let has_gpu = devices().len() > 1;
    for device in [DeviceChoice::Auto, DeviceChoice::Cuda, DeviceChoice::Cpu] {
        let options = LoadOptions { device, ..OPTIONS };
        let model = ChatModel::load(&tiny.path, &options).unwrap();
        let Placement {
            device: found,
            note,
        } = model.info().placement.clone();
        if has_gpu && device != DeviceChoice::Cpu {
            assert!(found.ends_with("(CUDA)") && note.is_none(), "{found}");
        } else {
            assert_eq!(found, "CPU");
            let reasons = ["without the feature `cuda`", "no GPU can be used"];
            let is_reason = |note: String| reasons.iter().any(|reason| note.contains(reason));
            assert_eq!(note.is_some_and(is_reason), device != DeviceChoice::Cpu);
        }
    }
}
