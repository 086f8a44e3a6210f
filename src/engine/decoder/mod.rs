//! The chat model: a GGUF file behind a thread that writes answers. Callers
//! hand in conversations and receive a stream of events. Must not know where
//! conversations come from or what becomes of the text.

#[cfg(any(test, feature = "cuda"))]
mod accelerated;
mod architecture;
mod backend;
mod benchmark;
mod blueprint;
mod drafter;
mod error;
mod gguf_writer;
mod inspection;
mod kept_prefixes;
mod made_numbers;
mod made_vocabulary;
mod model_file;
mod network;
mod pass_costs;
mod prefix;
mod queue;
mod request;
mod rope;
mod scheduler;
mod sequence;
mod shape;
mod synthetic;
#[cfg(test)]
mod tests;
mod tiny;
mod weight_format;

pub use crate::tokens::ChatMessage;
pub use architecture::Architecture;
pub use backend::Placement;
pub use benchmark::{Benchmark, BenchmarkPlan, ServingBenchmark, benchmark, benchmark_serving};
pub use error::DecoderError;
pub use inspection::{FileFacts, TemplateFacts, inspect};
pub use kept_prefixes::KeptPrefixes;
pub use queue::{Ending, ModelActivity};
pub use request::{
    Generation, GenerationEvent, GenerationRequest, PrefillEstimate, PromptFacts, Thinking,
    TokenLogprob,
};
pub use satchel_types::KvCache;
pub use synthetic::{SyntheticShape, write_synthetic};
pub use tiny::{write_tiny_model, write_tiny_model_as};
pub use weight_format::WeightFormat;

use crate::sampler::{
    AnswerStream, Characters, Constraint, Sampler, SamplerError, SamplingOptions, StopFilter,
    ThinkingFilter, ThinkingTags, TokenTable,
};
use crate::tokens::{ChatTemplate, Prompt, RenderOptions, Tokenizer};
use backend::Backend;
use drafter::Drafter;
use kept_prefixes::Keeper;
use model_file::ModelFile;
use network::{BLOCK_TOKENS, Cache};
use pass_costs::PassCosts;
use prefix::SharedPrefixes;
use queue::{Job, Queue};
use satchel_types::DeviceChoice;
use scheduler::Scheduler;
use shape::Shape;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc::unbounded_channel;

/// Memory that keys and values may take, unless a single context needs more.
const CACHE_BYTES: usize = 2 << 30;

/// Contexts that the cache holds at most.
const CACHE_CONTEXTS: usize = 8;

/// How to load a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// Longest context wanted, in tokens; the model may hold less.
    pub context_tokens: usize,
    /// Threads for inference; 0: as many as there are cores.
    pub threads: usize,
    /// What it is to run on.
    pub device: DeviceChoice,
    /// How keys and values are kept.
    pub kv_cache: KvCache,
    /// Where beginnings of prompts outlast a restart; none: nowhere.
    pub kept_prefixes: Option<KeptPrefixes>,
}

/// What keys and values are kept for.
#[derive(Debug, Clone, Copy)]
struct CacheRoom {
    /// Longest sequence, in tokens.
    context: usize,
    /// Tokens of all sequences, where the memory allows.
    tokens: usize,
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
    /// SHA-256 in hexadecimal digits of what tells the file from others: its
    /// header, its size and samples of its weights.
    pub fingerprint: String,
    /// Tokens of prompt and answer together.
    pub context_tokens: usize,
    pub parameters: Option<u64>,
    pub placement: Placement,
}

/// A loaded chat model. When it is dropped, its thread finishes what was
/// accepted and ends.
pub struct ChatModel {
    info: ModelInfo,
    tokenizer: Arc<Tokenizer>,
    template: ChatTemplate,
    queue: Arc<Queue>,
    prefixes: SharedPrefixes,
    /// Rows of the scores: the tokens, and what pads them.
    vocabulary: usize,
    /// Whether beginnings of prompts are kept at its end.
    keeps: bool,
    /// Made when the first constrained answer is asked for.
    table: OnceLock<Result<Arc<TokenTable>, SamplerError>>,
}

impl ChatModel {
    /// Loads a model file and starts its thread. Takes seconds; blocks.
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, DecoderError> {
        Self::load_with_draft(path, None, options)
    }

    /// The same, with a small model of the same tokens that drafts for it.
    pub fn load_with_draft(
        path: &Path,
        draft: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<Self, DecoderError> {
        Self::load_with(path, draft, options, |file, shape, room| {
            Backend::load(file, shape, room, options)
        })
    }

    /// The same, where the caller decides what the network runs on.
    fn load_with(
        path: &Path,
        draft: Option<&Path>,
        options: &LoadOptions,
        load: impl FnOnce(&ModelFile, Shape, CacheRoom) -> Result<(Backend, Placement), DecoderError>,
    ) -> Result<Self, DecoderError> {
        let mut file = ModelFile::open(path)?;
        let architecture = architecture_of(&file)?;
        let shape = Shape::read(&file, architecture)?;
        let context_tokens = match options.context_tokens.min(shape.context) {
            0 => {
                let reason = "a context of 0 tokens holds no prompt".to_owned();
                return Err(DecoderError::Invalid(reason));
            }
            context => context,
        };
        let tokenizer = Tokenizer::take(&mut file.content.metadata)
            .map_err(|error| DecoderError::of_tokens(&file.name, error))?;
        let tokenizer = Arc::new(tokenizer);
        let vocabulary = shape.vocabulary;
        check_vocabulary(&file, &tokenizer, vocabulary)?;
        let template = ChatTemplate::choose(file.text("tokenizer.chat_template"), &tokenizer);
        let room = CacheRoom {
            context: context_tokens,
            tokens: cache_tokens(&shape, options.kv_cache, context_tokens),
        };
        let (backend, placement) = load(&file, shape, room)?;
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
            fingerprint: file.fingerprint()?,
            context_tokens,
            parameters: file.parameters(),
            placement,
        };
        let drafter = draft
            .map(|draft| Drafter::load(draft, &tokenizer, room, options))
            .transpose()?;
        let keeper = Keeper::new(&file, options, context_tokens);
        let keeps = keeper.is_some();
        let queue = Arc::new(Queue::default());
        let prefixes = SharedPrefixes::new(backend.blocks());
        let scheduler = Scheduler {
            drafter,
            backend,
            prefixes: prefixes.clone(),
            tokenizer: Arc::clone(&tokenizer),
            queue: Arc::clone(&queue),
            running: Vec::new(),
            suspended: VecDeque::new(),
            costs: PassCosts::default(),
            keeper,
        };
        std::thread::Builder::new()
            .name("chat model".to_owned())
            .spawn(move || scheduler.run())
            .map_err(|error| DecoderError::Internal(format!("no thread for it: {error}")))?;
        Ok(Self {
            info,
            tokenizer,
            template,
            queue,
            prefixes,
            vocabulary,
            keeps,
            table: OnceLock::new(),
        })
    }

    /// What is known about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// What the model has done and does.
    pub fn activity(&self) -> ModelActivity {
        let cache = self.prefixes.occupancy();
        ModelActivity {
            cache_blocks: cache.blocks,
            cache_blocks_used: cache.used,
            cache_blocks_kept: cache.kept,
            ..self.queue.activity()
        }
    }

    /// What to wait for after the model was dropped, if it still has
    /// something to write to the disk then.
    pub fn ending(&self) -> Option<Ending> {
        self.keeps.then(|| Ending::of(&self.queue))
    }

    /// What was read until now is not kept over a restart: some of it was erased.
    pub fn keep_nothing(&self) {
        self.queue.keep_nothing();
    }

    /// How long the model will take to read so many tokens, once it has read some.
    pub fn prefill_seconds(&self, tokens: usize) -> Option<f32> {
        self.queue.prefill_seconds(tokens)
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
        self.prompt(messages, Thinking::Off)
            .map(|prompt| prompt.tokens.len())
    }

    /// What reading a conversation would take now: what is cached costs nothing.
    pub fn estimate(
        &self,
        messages: &[ChatMessage],
        thinking: Thinking,
    ) -> Result<PrefillEstimate, DecoderError> {
        let prompt = self.prompt(messages, thinking)?;
        let tokens = prompt.tokens.len();
        let reused = self.prefixes.known(&prompt.tokens);
        Ok(PrefillEstimate {
            tokens,
            reused,
            seconds: self.queue.prefill_seconds(tokens - reused),
        })
    }

    /// Reads a conversation for no answer, for `longest` at most: its beginning
    /// is cached, and how fast the model reads is known. Blocks.
    pub fn warm_up(
        &self,
        messages: Vec<ChatMessage>,
        longest: Duration,
    ) -> Result<(), DecoderError> {
        let mut generation = self.generate(GenerationRequest {
            messages,
            max_tokens: 1,
            sampling: SamplingOptions::default(),
            stop: Vec::new(),
            thinking: Thinking::Off,
            deadline: Some(Instant::now() + longest),
        })?;
        while generation.events.blocking_recv().is_some() {}
        Ok(())
    }

    /// Starts to answer a conversation; it is written together with others.
    pub fn generate(&self, request: GenerationRequest) -> Result<Generation, DecoderError> {
        let prompt = self.prompt(&request.messages, request.thinking)?;
        let context = self.info.context_tokens;
        let tokens = prompt.tokens.len();
        if tokens >= context {
            return Err(DecoderError::PromptTooLong { tokens, context });
        }
        let constraint = match &request.sampling.json_schema {
            Some(schema) => Some(Constraint::json_schema(schema, self.table()?)?),
            None => None,
        };
        let mut sampler = Sampler::new(&request.sampling, constraint, &prompt.tokens)?;
        let mut stop = request.stop;
        stop.extend(self.template.stop().map(str::to_owned));
        let (thinking, close_thinking) = self.thinking(&prompt, request.thinking)?;
        if prompt.is_thinking {
            sampler.hold_constraint(close_thinking.last().copied());
        }
        let characters = Characters::new(self.tokenizer.starts_with_space());
        let facts = PromptFacts::of(&prompt.tokens);
        let (sender, events) = unbounded_channel();
        self.queue.put(Job {
            prompt: prompt.tokens,
            limit: request.max_tokens.min(context - tokens),
            sampler,
            stream: AnswerStream::new(characters, thinking, StopFilter::new(&stop)),
            close_thinking,
            deadline: request.deadline,
            events: sender,
        })?;
        Ok(Generation {
            events,
            prompt: facts,
        })
    }

    /// The prompt of a conversation. A model that is not to think, but whose
    /// template cannot tell it, finds its thinking closed already.
    fn prompt(&self, messages: &[ChatMessage], thinking: Thinking) -> Result<Prompt, DecoderError> {
        let options = RenderOptions {
            add_generation_prompt: true,
            enable_thinking: (thinking == Thinking::Off).then_some(false),
            tools: &[],
        };
        let refused = |error| DecoderError::of_tokens(&self.info.file_name, error);
        let mut prompt = self
            .tokenizer
            .prompt(&self.template, messages, &options)
            .map_err(refused)?;
        let tags = self.template.thinking();
        if let (Thinking::Off, Some(tags)) = (thinking, tags.filter(|tags| !tags.can_switch_off)) {
            if !prompt.is_thinking {
                prompt.tokens.extend(self.tag(tags.open)?);
            }
            prompt.tokens.extend(self.tag(tags.close)?);
            prompt.is_thinking = false;
        }
        Ok(prompt)
    }

    /// How the thinking of an answer is taken apart, and what closes it.
    fn thinking(
        &self,
        prompt: &Prompt,
        thinking: Thinking,
    ) -> Result<(Option<ThinkingFilter>, Vec<u32>), DecoderError> {
        let Some(tags) = self.template.thinking() else {
            return Ok((None, Vec::new()));
        };
        let budget = match thinking {
            Thinking::Default => None,
            Thinking::Off => Some(0),
            Thinking::Bounded(tokens) => Some(tokens),
        };
        let close = self.tag(tags.close)?;
        let tags = ThinkingTags {
            open: tags.open.to_owned(),
            close: tags.close.to_owned(),
        };
        let filter = ThinkingFilter::new(tags, prompt.is_thinking, budget);
        Ok((Some(filter), close))
    }

    /// The tokens of a mark of thinking.
    fn tag(&self, text: &str) -> Result<Vec<u32>, DecoderError> {
        match self.tokenizer.id_of(text) {
            Some(token) => Ok(vec![token]),
            None => self
                .tokenizer
                .encode(text)
                .map_err(|error| DecoderError::of_tokens(&self.info.file_name, error)),
        }
    }

    /// The vocabulary, prepared for constrained answers.
    fn table(&self) -> Result<&Arc<TokenTable>, DecoderError> {
        let table = self.table.get_or_init(|| {
            let ids = 0..self.vocabulary as u32;
            let bytes = |id| match self.tokenizer.is_control(id) {
                true => Vec::new(),
                false => self.tokenizer.bytes_of(id),
            };
            let ends: Vec<u32> = ids
                .clone()
                .filter(|id| self.tokenizer.is_end(*id))
                .collect();
            TokenTable::new(ids.map(bytes).collect(), &ends)
        });
        table.as_ref().map_err(|error| error.clone().into())
    }
}

impl Drop for ChatModel {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Tokens that the cache holds.
fn cache_tokens(shape: &Shape, format: KvCache, context: usize) -> usize {
    let affordable = CACHE_BYTES / Cache::bytes_per_token(shape, format).max(1);
    let wanted = affordable.min(context.saturating_mul(CACHE_CONTEXTS));
    // A block more, because a sequence may end within one.
    wanted.max(context) + BLOCK_TOKENS
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
fn check_vocabulary(
    file: &ModelFile,
    tokenizer: &Tokenizer,
    rows: usize,
) -> Result<(), DecoderError> {
    let tokens = tokenizer.vocabulary_size();
    if rows < tokens {
        return Err(file.damaged(format!("it has {tokens} tokens, but embeds {rows}")));
    }
    Ok(())
}
