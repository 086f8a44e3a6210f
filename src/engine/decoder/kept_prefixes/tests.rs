//! Kept beginnings of prompts, as a restart finds them.

use super::*;
use crate::decoder::{
    Architecture, ChatMessage, ChatModel, GenerationEvent, GenerationRequest, Thinking,
    TokenLogprob, write_tiny_model,
};
use crate::sampler::SamplingOptions;
use satchel_types::Role;
use std::time::Duration;

const ROOM: u64 = 64 << 20;

/// How much of the prompt was known, and the likeliest first tokens.
type Told = (u64, Vec<TokenLogprob>);

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        place.write_model("one", 7);
        place
    }

    fn model(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.gguf"))
    }

    fn write_model(&self, name: &str, seed: u64) {
        write_tiny_model(&self.model(name), Architecture::Qwen2, seed).unwrap();
    }

    fn kept(&self, name: &str) -> PathBuf {
        let file = format!("prefixes/{name}.gguf.prefixes");
        self.folder.path().join(file)
    }

    fn options(&self, bytes: u64) -> LoadOptions {
        LoadOptions {
            device: satchel_types::DeviceChoice::Cpu,
            context_tokens: 512,
            threads: 1,
            kv_cache: KvCache::F16,
            kept_prefixes: Some(KeptPrefixes {
                folder: self.folder.path().join("prefixes"),
                bytes,
            }),
        }
    }

    fn load(&self, name: &str, options: &LoadOptions) -> ChatModel {
        ChatModel::load(&self.model(name), options).unwrap()
    }

    /// Asks a model the same twice and lets go of it; both answers.
    async fn use_model(&self, name: &str, options: &LoadOptions) -> [Told; 2] {
        let model = self.load(name, options);
        let told = [ask(&model).await, ask(&model).await];
        let_go(model);
        told
    }
}

fn let_go(model: ChatModel) {
    let ending = model.ending();
    drop(model);
    if let Some(ending) = ending {
        assert!(ending.wait(Duration::from_secs(20)));
    }
}

async fn ask(model: &ChatModel) -> Told {
    let text = "What does the contract say about the notice period? ".repeat(2);
    let request = GenerationRequest {
        messages: vec![ChatMessage::new(Role::User, &text)],
        max_tokens: 1,
        sampling: SamplingOptions {
            top_logprobs: Some(5),
            ..SamplingOptions::default()
        },
        stop: Vec::new(),
        thinking: Thinking::Off,
        deadline: None,
    };
    let mut generation = model.generate(request).unwrap();
    let mut told = Vec::new();
    loop {
        match generation.next().await.unwrap() {
            GenerationEvent::Token { logprobs, .. } => told.extend(logprobs),
            GenerationEvent::Done { usage, .. } => return (usage.reused, told),
            GenerationEvent::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn prompt_is_known_after_a_restart_and_scores_the_same() {
    for kv_cache in [KvCache::F16, KvCache::Q8_0] {
        let place = Place::new();
        let options = LoadOptions {
            kv_cache,
            ..place.options(ROOM)
        };
        let [_, before] = place.use_model("one", &options).await;
        assert!(before.0 >= 64 && !before.1.is_empty(), "{before:?}");
        let model = place.load("one", &options);
        assert_eq!(ask(&model).await, before);
        let_go(model);
    }
}

#[tokio::test]
async fn prompt_that_was_asked_once_is_not_kept() {
    let place = Place::new();
    let model = place.load("one", &place.options(ROOM));
    ask(&model).await;
    let_go(model);
    assert!(!place.kept("one").exists());
}

#[tokio::test]
async fn damaged_and_foreign_files_are_removed_and_change_nothing() {
    let place = Place::new();
    let options = place.options(ROOM);
    let [first, _] = place.use_model("one", &options).await;
    let good = fs::read(place.kept("one")).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let end = good.len();
    let damaged = [
        Vec::new(),
        b"not a cache".to_vec(),
        good[..end / 2].to_vec(),
        [&good[..], b"more"].concat(),
        flipped(3),
        flipped(20),
        flipped(48),
        flipped(60),
        flipped(HEADER + RECORD + 1000),
        flipped(end - 1),
    ];
    for bytes in damaged {
        fs::write(place.kept("one"), &bytes).unwrap();
        let model = place.load("one", &options);
        assert_eq!(ask(&model).await, first, "{} bytes", bytes.len());
        assert!(!place.kept("one").exists());
        let_go(model);
    }
    // The same file is refused by other settings and by another model.
    place.write_model("two", 8);
    for (name, kv_cache, context_tokens) in [
        ("one", KvCache::Q8_0, 512),
        ("one", KvCache::F16, 400),
        ("two", KvCache::F16, 512),
    ] {
        fs::write(place.kept(name), &good).unwrap();
        let options = LoadOptions {
            kv_cache,
            context_tokens,
            ..options.clone()
        };
        let model = place.load(name, &options);
        assert_eq!(ask(&model).await.0, 0, "{name} {kv_cache:?}");
        let_go(model);
    }
    fs::write(place.kept("one"), &good).unwrap();
    let model = place.load("one", &options);
    assert!(ask(&model).await.0 > 0, "the file itself is good");
    let_go(model);
}

#[tokio::test]
async fn files_stay_within_their_space_and_go_when_it_is_taken_away() {
    let place = Place::new();
    place.write_model("two", 8);
    place.use_model("one", &place.options(ROOM)).await;
    let whole = fs::metadata(place.kept("one")).unwrap().len();
    let tight = place.options(whole - 1);
    let [_, (reused, _)] = place.use_model("one", &tight).await;
    assert!(fs::metadata(place.kept("one")).unwrap().len() < whole);
    let model = place.load("one", &tight);
    assert_eq!(ask(&model).await.0, reused - 32, "its end was left out");
    let_go(model);
    place.use_model("two", &tight).await;
    assert!(place.kept("two").exists() && !place.kept("one").exists());
    let model = place.load("two", &place.options(0));
    assert!(model.ending().is_none() && !place.kept("two").exists());
}
