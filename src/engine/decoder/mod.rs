//! The chat model: a GGUF file behind a thread that writes answers. Callers
//! hand in conversations and receive a stream of events; how the model
//! computes is known to `network` alone, so it can be replaced. Must not know
//! where conversations come from or what becomes of the text.

mod answer_text;
mod architecture;
mod blueprint;
mod byte_pair;
mod device;
mod error;
mod gguf_writer;
mod made_numbers;
mod made_vocabulary;
mod model_file;
mod network;
mod queue;
mod reference;
mod rope;
mod sentence_piece;
mod shape;
mod synthetic;
mod template;
#[cfg(test)]
mod tests;
mod tiny;
mod tokenizer;
mod vocabulary;
mod weight_format;
mod worker;

pub use architecture::Architecture;
pub use error::DecoderError;
pub use synthetic::{SyntheticShape, write_synthetic};
pub use tiny::{write_tiny_model, write_tiny_model_as};
pub use weight_format::WeightFormat;

use crate::types::{FinishReason, Role, TokenUsage};
use candle_transformers::generation::Sampling;
use model_file::ModelFile;
use network::Network;
use queue::{Job, Queue};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use template::ChatTemplate;
use tokenizer::Tokenizer;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use worker::Worker;

/// How to load a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// Longest context wanted, in tokens; the model may hold less.
    pub context_tokens: usize,
    /// Threads for inference; 0: as many as there are cores. The inference
    /// library has one pool for the whole process, whose size it takes from
    /// `RAYON_NUM_THREADS` when the first model loads: another wish is logged
    /// and has no effect.
    pub threads: usize,
}

/// What is known about a loaded model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    pub name: String,
    pub file_name: String,
    pub architecture: String,
    /// As people write it: `Q4_K_M`.
    pub quantization: String,
    pub file_bytes: u64,
    /// Tokens of prompt and answer together.
    pub context_tokens: usize,
    pub parameters: Option<u64>,
}

/// A message of a conversation, as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    pub role: Role,
    pub content: String,
}

impl ChatMessage {
    /// A message of `role`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

/// What to write, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationRequest {
    pub messages: Vec<ChatMessage>,
    /// Most tokens of the answer.
    pub max_tokens: usize,
    /// 0: always the likeliest token.
    pub temperature: f32,
    /// Sample among the likeliest tokens that together reach this
    /// probability; 1 for all.
    pub top_p: f32,
    /// Sample among this many of the likeliest tokens; 0 for all.
    pub top_k: usize,
    pub seed: u64,
    /// Texts before which the answer ends.
    pub stop: Vec<String>,
}

/// What happens while an answer is written. `Done` and `Failed` are last.
#[derive(Debug, Clone, PartialEq)]
pub enum GenerationEvent {
    /// The model starts reading the prompt.
    Prefill {
        tokens: usize,
        /// How long that will take, judged by earlier prompts.
        seconds: Option<f32>,
    },
    /// The next piece of text.
    Token(String),
    Done {
        finish: FinishReason,
        usage: TokenUsage,
    },
    Failed(DecoderError),
}

/// An answer being written; dropping it stops the model within one step.
#[derive(Debug)]
pub struct Generation {
    events: UnboundedReceiver<GenerationEvent>,
}

impl Generation {
    /// The next event; `None` after the last one.
    pub async fn next(&mut self) -> Option<GenerationEvent> {
        self.events.recv().await
    }
}

/// A loaded chat model. When it is dropped, its thread finishes what was
/// accepted and ends.
pub struct ChatModel {
    info: ModelInfo,
    tokenizer: Arc<Tokenizer>,
    template: ChatTemplate,
    queue: Arc<Queue>,
}

impl ChatModel {
    /// Loads a model file and starts its thread. Takes seconds; blocks.
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, DecoderError> {
        let mut file = ModelFile::open(path)?;
        let architecture = architecture_of(&file)?;
        let context_tokens = Network::context_tokens(&file, architecture, options.context_tokens)?;
        let info = ModelInfo {
            name: file
                .text("general.name")
                .filter(|name| !name.trim().is_empty())
                .unwrap_or_else(|| file.name.trim_end_matches(".gguf"))
                .to_owned(),
            file_name: file.name.clone(),
            architecture: architecture.name().to_owned(),
            quantization: file.quantization(),
            file_bytes: file.bytes,
            context_tokens,
            parameters: file.parameters(),
        };
        let tokenizer = Arc::new(Tokenizer::take(&mut file)?);
        check_vocabulary(&file, &tokenizer)?;
        let vocabulary = &tokenizer.vocabulary;
        let text_of = |id: Option<u32>| id.map_or("", |id| vocabulary.text(id));
        let template = ChatTemplate::choose(
            file.text("tokenizer.chat_template"),
            vocabulary.id("<|im_start|>").is_some(),
            text_of(vocabulary.bos),
            text_of(vocabulary.eos),
        );
        check_threads(options.threads);
        let network = Network::load(file, architecture, context_tokens)?;
        let queue = Arc::new(Queue::default());
        let worker = Worker {
            network,
            tokenizer: Arc::clone(&tokenizer),
            queue: Arc::clone(&queue),
            context_tokens,
        };
        std::thread::Builder::new()
            .name("chat model".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| DecoderError::Internal(format!("no thread for it: {error}")))?;
        Ok(Self {
            info,
            tokenizer,
            template,
            queue,
        })
    }

    /// What is known about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// How many tokens a text has.
    pub fn count_tokens(&self, text: &str) -> usize {
        // Text that cannot be cut up is counted as if every byte were a token,
        // the most it can be.
        self.tokenizer
            .encode(text)
            .map_or(text.len(), |tokens| tokens.len())
    }

    /// How many tokens a conversation has, laid out for this model.
    pub fn count_prompt_tokens(&self, messages: &[ChatMessage]) -> Result<usize, DecoderError> {
        self.prompt(messages).map(|tokens| tokens.len())
    }

    /// Starts to answer a conversation, when the requests before it are done.
    pub fn generate(&self, request: GenerationRequest) -> Result<Generation, DecoderError> {
        let prompt = self.prompt(&request.messages)?;
        if prompt.len() >= self.info.context_tokens {
            return Err(DecoderError::PromptTooLong {
                tokens: prompt.len(),
                context: self.info.context_tokens,
            });
        }
        let sampling = sampling(&request)?;
        let mut stop = request.stop;
        stop.extend(self.template.stop.map(str::to_owned));
        let (sender, events) = unbounded_channel();
        self.queue.put(Job {
            prompt,
            limit: request.max_tokens,
            sampling,
            seed: request.seed,
            stop,
            events: sender,
        })?;
        Ok(Generation { events })
    }

    fn prompt(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, DecoderError> {
        let vocabulary = &self.tokenizer.vocabulary;
        let guarded: Vec<ChatMessage> = messages
            .iter()
            .map(|message| ChatMessage::new(message.role, vocabulary.guard(&message.content)))
            .collect();
        self.tokenizer
            .encode_prompt(&self.template.render(&guarded)?)
    }
}

impl Drop for ChatModel {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The model files in a folder, newest first. A missing folder has none.
pub fn installed(models_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(models_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_model = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        // A file that vanishes between listing and looking is not installed.
        let found = std::fs::metadata(&path).ok().filter(|_| is_model);
        if let Some(metadata) = found.filter(std::fs::Metadata::is_file) {
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push((std::cmp::Reverse(modified), path));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn architecture_of(file: &ModelFile) -> Result<Architecture, DecoderError> {
    let name = file
        .text("general.architecture")
        .ok_or_else(|| file.missing("general.architecture"))?;
    Architecture::parse(name).ok_or_else(|| DecoderError::UnsupportedArchitecture {
        file: file.name.clone(),
        found: name.to_owned(),
    })
}

/// A token without a row in the embedding would fail in the midst of an answer.
fn check_vocabulary(file: &ModelFile, tokenizer: &Tokenizer) -> Result<(), DecoderError> {
    let embedding = file
        .content
        .tensor_infos
        .get("token_embd.weight")
        .ok_or_else(|| file.missing("the tensor token_embd.weight"))?;
    let rows = embedding.shape.dims().first().copied().unwrap_or(0);
    let tokens = tokenizer.vocabulary.len();
    if rows < tokens {
        return Err(file.damaged(format!("it has {tokens} tokens, but embeds {rows}")));
    }
    Ok(())
}

fn check_threads(wanted: usize) {
    let pool = candle_core::utils::get_num_threads();
    if wanted != 0 && wanted != pool {
        tracing::warn!(
            wanted,
            pool,
            "inference uses the threads of the process's pool"
        );
    }
}

fn sampling(request: &GenerationRequest) -> Result<Sampling, DecoderError> {
    if !request.temperature.is_finite() || request.temperature < 0.0 {
        return Err(DecoderError::Invalid(format!(
            "a temperature of {} is not possible; it is 0 or more",
            request.temperature
        )));
    }
    if !(0.0..=1.0).contains(&request.top_p) {
        return Err(DecoderError::Invalid(format!(
            "a top_p of {} is not possible; it is between 0 and 1",
            request.top_p
        )));
    }
    let temperature = f64::from(request.temperature);
    // 0 asks for the smallest set of tokens, which is the likeliest one alone.
    let greedy = temperature < 1e-5 || request.top_p == 0.0 || request.top_k == 1;
    let p = f64::from(request.top_p);
    Ok(match (request.top_k, p < 1.0) {
        _ if greedy => Sampling::ArgMax,
        (0, false) => Sampling::All { temperature },
        (0, true) => Sampling::TopP { p, temperature },
        (k, false) => Sampling::TopK { k, temperature },
        (k, true) => Sampling::TopKThenTopP { k, p, temperature },
    })
}
