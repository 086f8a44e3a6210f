//! How much of what was found a chat model is given: what its context holds,
//! and what it reads soon enough. Must not search.

use super::history::Past;
use super::writing::{WritingDefaults, WritingOptions, generation_request};
use super::{Inner, Service};
use crate::answer::{InContext, PromptBudget, PromptReader, build_in_context};
use crate::engine::decoder::{ChatMessage, ChatModel, Generation, Thinking};
use crate::error::Fault;
use crate::types::{LeftOut, Neighbour, Passage, RecordedModel, RecordedWriting, Role};
use std::cell::Cell;
use std::sync::Arc;

/// How many passages are left out so that the answer starts soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// None, however long reading takes.
    None,
    /// As many as the speed of the model asks for.
    Measured,
    /// As many as another time.
    Again(usize),
}

/// Which chunks beside its passages a prompt may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Surroundings {
    None,
    /// As many as there is room for.
    Fitting,
    /// Those of another time.
    Again(Vec<u64>),
}

/// What a prompt is made of.
pub(super) struct Material {
    pub(super) question: String,
    pub(super) system: Option<String>,
    pub(super) passages: Vec<Passage>,
    pub(super) past: Past,
    pub(super) haste: Haste,
    pub(super) surroundings: Surroundings,
    pub(super) writing: WritingOptions,
    pub(super) defaults: WritingDefaults,
}

/// An answer that has begun.
pub(super) struct Begun {
    /// The prompt, and what stands in it.
    pub(super) shown: InContext,
    pub(super) past: Past,
    pub(super) generation: Generation,
    /// What the model was not given.
    pub(super) left_out: Option<LeftOut>,
    /// All that tells this writing from another.
    pub(super) recorded: RecordedWriting,
}

/// A model, and how long it may read.
struct Hurried<'a> {
    model: &'a ChatModel,
    thinking: Thinking,
    /// `None`: as long as it takes.
    seconds: Option<f32>,
    /// Passages that are still to be left out, whatever the speed is.
    to_leave_out: Cell<usize>,
}

impl PromptReader for Hurried<'_> {
    fn count(&self, text: &str) -> usize {
        self.model.count_tokens(text)
    }

    fn is_quick(&self, messages: &[(Role, String)]) -> bool {
        if let Some(fewer) = self.to_leave_out.get().checked_sub(1) {
            self.to_leave_out.set(fewer);
            return false;
        }
        let Some(longest) = self.seconds else {
            return true;
        };
        let estimate = self.model.estimate(&laid_out(messages), self.thinking);
        // What cannot be estimated is refused or measured when it is read.
        let seconds = estimate.ok().and_then(|estimate| estimate.seconds);
        seconds.is_none_or(|seconds| seconds <= longest)
    }
}

fn laid_out(messages: &[(Role, String)]) -> Vec<ChatMessage> {
    let messages = messages.iter();
    messages
        .map(|(role, content)| ChatMessage::new(*role, content.as_str()))
        .collect()
}

impl Service {
    /// Makes the prompt and hands it to the model.
    pub(super) async fn begin(
        &self,
        model: &Arc<ChatModel>,
        material: Material,
    ) -> Result<Begun, Fault> {
        let model = Arc::clone(model);
        let (answer_tokens, seconds) = {
            let config = &self.inner.config;
            (config.answer_tokens, config.first_token_seconds)
        };
        self.blocking(move |inner| {
            let neighbours = inner.neighbours(&material)?;
            begin(&model, material, &neighbours, answer_tokens, seconds)
        })
        .await
    }
}

impl Inner {
    /// The chunks beside the passages that the prompt may show.
    fn neighbours(&self, material: &Material) -> Result<Vec<Neighbour>, Fault> {
        if material.surroundings == Surroundings::None {
            return Ok(Vec::new());
        }
        let passages = material.passages.iter();
        let keys: Vec<u64> = passages.map(|passage| passage.chunk_key).collect();
        let mut neighbours = self.store.neighbours(&keys)?;
        if let Surroundings::Again(shown) = &material.surroundings {
            neighbours.retain(|neighbour| shown.contains(&neighbour.chunk_key));
        }
        Ok(neighbours)
    }
}

/// What the model has room for, if `answer_tokens` are what an answer may have.
pub(super) fn prompt_budget(
    model: &ChatModel,
    writing: &WritingOptions,
    answer_tokens: usize,
) -> PromptBudget {
    let context_tokens = model.info().context_tokens;
    PromptBudget {
        context_tokens,
        // A small context is shared out evenly.
        answer_tokens: writing.most_tokens(answer_tokens).min(context_tokens / 2),
    }
}

fn begin(
    model: &ChatModel,
    material: Material,
    neighbours: &[Neighbour],
    answer_tokens: usize,
    seconds: f32,
) -> Result<Begun, Fault> {
    let budget = prompt_budget(model, &material.writing, answer_tokens);
    let context_tokens = budget.context_tokens;
    let reader = Hurried {
        model,
        thinking: material.writing.thinking(material.defaults.thinking),
        seconds: (seconds > 0.0 && material.haste == Haste::Measured).then_some(seconds),
        to_leave_out: Cell::new(match material.haste {
            Haste::Again(passages) => passages,
            Haste::None | Haste::Measured => 0,
        }),
    };
    let shown = build_in_context(
        &material.question,
        &material.past.turns,
        &material.passages,
        neighbours,
        material.system.as_deref(),
        budget,
        &reader,
    )?;
    let prompt = &shown.prompt;
    let request = generation_request(
        laid_out(&prompt.messages),
        budget.answer_tokens,
        &material.writing,
        material.defaults,
    );
    let sampling = request.sampling.clone();
    let generation = model.generate(request)?;
    let info = model.info();
    let recorded = RecordedWriting {
        model: RecordedModel {
            name: info.name.clone(),
            fingerprint: info.fingerprint.clone(),
        },
        file: info.file_name.clone(),
        quantization: info.quantization.clone(),
        device: info.placement.device.clone(),
        context_tokens,
        prompt_sha256: generation.prompt().sha256.clone(),
        prompt_tokens: generation.prompt().tokens,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        seed: sampling.seed,
        max_tokens: budget.answer_tokens,
        thinking_tokens: material.writing.thinking_tokens,
        slow_passages: prompt.slow_passages,
        parts: Vec::new(),
        earlier: material.past.messages.clone(),
        raw: None,
    };
    let left_out = LeftOut {
        for_time: prompt.slow_passages,
        for_context: prompt.dropped_passages,
        for_bound: 0,
        of: material.passages.len(),
        seconds,
    };
    Ok(Begun {
        left_out: (left_out.passages() > 0).then_some(left_out),
        shown,
        past: material.past,
        generation,
        recorded,
    })
}
