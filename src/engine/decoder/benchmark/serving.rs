//! What people notice of a model that serves them: how soon a follow-up is
//! answered, and how long running answers stand still while somebody else's
//! prompt is read. Goes through the scheduler, as a server's requests do.

use crate::decoder::error::DecoderError;
use crate::decoder::{
    ChatMessage, ChatModel, Generation, GenerationEvent, GenerationRequest, LoadOptions, Thinking,
};
use crate::sampler::SamplingOptions;
use satchel_types::Role;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Tokens of the conversation that is followed up.
const CONVERSATION_TOKENS: usize = 3000;

/// Tokens of the prompt that comes between running answers.
const ARRIVING_TOKENS: usize = 2048;

/// Answers that are being written when it comes.
const RUNNING_ANSWERS: usize = 8;

/// Tokens that each of them has written by then.
const WARM_TOKENS: usize = 16;

/// Tokens of an answer before it is followed up.
const ANSWER_TOKENS: usize = 16;

/// What was measured.
#[derive(Debug, Clone)]
pub struct ServingBenchmark {
    pub follow_up: FollowUp,
    pub arrival: Arrival,
}

/// A conversation's first question, and its second.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// Tokens of the first prompt.
    pub conversation_tokens: usize,
    /// Tokens of the second prompt that did not have to be read again.
    pub reused_tokens: usize,
    /// Until the first token of each answer.
    pub first_turn_seconds: f64,
    pub follow_up_seconds: f64,
}

/// A long prompt that comes while answers are being written.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Answers that are being written.
    pub streams: usize,
    pub prompt_tokens: usize,
    /// Until the first token of the answer to the prompt.
    pub first_token_seconds: f64,
    /// Longest time between two tokens of a running answer before the prompt
    /// came, and while it was read.
    pub longest_gap_before_seconds: f64,
    pub longest_gap_seconds: f64,
}

/// Measures a model file as a server would use it.
pub fn benchmark_serving(
    path: &Path,
    options: &LoadOptions,
) -> Result<ServingBenchmark, DecoderError> {
    let room = CONVERSATION_TOKENS + 1096;
    let options = LoadOptions {
        context_tokens: options.context_tokens.max(room),
        ..options.clone()
    };
    let model = ChatModel::load(path, &options)?;
    if model.info().context_tokens < room {
        return Err(DecoderError::Invalid(format!(
            "the model reads {} tokens at most; the measurement of serving needs {room}",
            model.info().context_tokens
        )));
    }
    Ok(ServingBenchmark {
        follow_up: follow_up(&model)?,
        arrival: arrival(&model)?,
    })
}

fn follow_up(model: &ChatModel) -> Result<FollowUp, DecoderError> {
    let mut messages = vec![ChatMessage::new(
        Role::User,
        text(model, CONVERSATION_TOKENS, 1),
    )];
    let first = answer(model, messages.clone(), ANSWER_TOKENS)?;
    messages.push(ChatMessage::new(Role::Assistant, first.text));
    messages.push(ChatMessage::new(Role::User, text(model, 12, 2)));
    let second = answer(model, messages, 1)?;
    Ok(FollowUp {
        conversation_tokens: first.prompt_tokens,
        reused_tokens: second.reused_tokens,
        first_turn_seconds: first.first_token.as_secs_f64(),
        follow_up_seconds: second.first_token.as_secs_f64(),
    })
}

fn arrival(model: &ChatModel) -> Result<Arrival, DecoderError> {
    let running = (0..RUNNING_ANSWERS)
        .map(|n| {
            let prompt = vec![ChatMessage::new(Role::User, text(model, 24, 3 + n))];
            // As long as the context allows, as when nobody says how long.
            model.generate(request(prompt, usize::MAX, n as u64))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let warm = AtomicUsize::new(0);
    let (reading, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let gaps = Mutex::new((Duration::ZERO, Duration::ZERO));
    let prompt = vec![ChatMessage::new(
        Role::User,
        text(model, ARRIVING_TOKENS, 3 + RUNNING_ANSWERS),
    )];
    let arrived = std::thread::scope(|scope| {
        for generation in running {
            scope.spawn(|| watch(generation, &warm, &reading, &over, &gaps));
        }
        while warm.load(Ordering::Acquire) < RUNNING_ANSWERS {
            std::thread::sleep(Duration::from_millis(5));
        }
        reading.store(true, Ordering::Release);
        let arrived = answer(model, prompt, 1);
        over.store(true, Ordering::Release);
        arrived
    })?;
    let (before, during) = gaps
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Arrival {
        streams: RUNNING_ANSWERS,
        prompt_tokens: arrived.prompt_tokens,
        first_token_seconds: arrived.first_token.as_secs_f64(),
        longest_gap_before_seconds: before.as_secs_f64(),
        longest_gap_seconds: during.as_secs_f64(),
    })
}

/// Notes the longest time between two tokens of an answer, before and while the
/// prompt is read. The first tokens don't count: the other answers only begin.
fn watch(
    mut generation: Generation,
    warm: &AtomicUsize,
    reading: &AtomicBool,
    over: &AtomicBool,
    gaps: &Mutex<(Duration, Duration)>,
) {
    let (mut tokens, mut last) = (0, Instant::now());
    let (mut before, mut during) = (Duration::ZERO, Duration::ZERO);
    while let Some(event) = generation.events.blocking_recv() {
        let ended = matches!(
            event,
            GenerationEvent::Done { .. } | GenerationEvent::Failed(_)
        );
        if !matches!(event, GenerationEvent::Token { .. }) && !ended {
            continue;
        }
        let gap = last.elapsed();
        last = Instant::now();
        tokens += 1;
        match reading.load(Ordering::Acquire) {
            true => during = during.max(gap),
            false if tokens > WARM_TOKENS / 2 => before = before.max(gap),
            false => {}
        }
        // An answer that ends early must not keep the measurement waiting.
        if tokens == WARM_TOKENS || (ended && tokens < WARM_TOKENS) {
            warm.fetch_add(1, Ordering::Release);
        }
        if ended || over.load(Ordering::Acquire) {
            break;
        }
    }
    let mut all = gaps
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    *all = (all.0.max(before), all.1.max(during));
}

/// An answer and what it took.
struct Answered {
    prompt_tokens: usize,
    reused_tokens: usize,
    first_token: Duration,
    text: String,
}

fn answer(
    model: &ChatModel,
    messages: Vec<ChatMessage>,
    max_tokens: usize,
) -> Result<Answered, DecoderError> {
    let begun = Instant::now();
    let mut generation = model.generate(request(messages, max_tokens, 0))?;
    let mut answered = Answered {
        prompt_tokens: 0,
        reused_tokens: 0,
        first_token: Duration::ZERO,
        text: String::new(),
    };
    while let Some(event) = generation.events.blocking_recv() {
        match event {
            GenerationEvent::Prefill { tokens, reused, .. } => {
                (answered.prompt_tokens, answered.reused_tokens) = (tokens, reused);
                continue;
            }
            GenerationEvent::Reading { .. } => continue,
            GenerationEvent::Token { text, .. } => answered.text.push_str(&text),
            GenerationEvent::Failed(error) => return Err(error),
            GenerationEvent::Thinking(_) | GenerationEvent::Done { .. } => {}
        }
        if answered.first_token.is_zero() {
            answered.first_token = begun.elapsed();
        }
    }
    Ok(answered)
}

/// Drawn from the whole distribution, so that random weights do not repeat
/// themselves and no draft comes into play.
fn request(messages: Vec<ChatMessage>, max_tokens: usize, seed: u64) -> GenerationRequest {
    GenerationRequest {
        messages,
        max_tokens,
        sampling: SamplingOptions {
            temperature: 1.0,
            seed,
            // A token is told even if it is part of a character only.
            top_logprobs: Some(0),
            ..SamplingOptions::default()
        },
        stop: Vec::new(),
        thinking: Thinking::Off,
        deadline: None,
    }
}

/// Made-up words of about so many tokens; another `salt` gives other words.
fn text(model: &ChatModel, tokens: usize, salt: usize) -> String {
    let word = |n: usize| {
        let n = (n + salt * 7919).wrapping_mul(2_654_435_761) >> 7;
        let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
        format!(" {}{}", letter(n), letter(n / 26))
    };
    let words = |count: usize| (0..count).map(word).collect::<String>();
    // How many tokens a word has depends on the vocabulary.
    let sample = model.count_tokens(&words(256)).max(1);
    words((tokens * 256).div_ceil(sample))
}
