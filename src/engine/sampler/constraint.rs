//! Answers that follow a JSON schema: `llguidance` says for each step which
//! tokens keep the answer on a path that the schema allows. The only file that
//! names that library.

use super::SamplerError;
use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use std::sync::Arc;

/// Longer tokens, runs of spaces mostly, are of no use in JSON, and the
/// library's tree of tokens does not hold them.
const LONGEST_TOKEN: usize = 200;
/// White space between two parts of a JSON text. It has a bound because small
/// models otherwise like to write nothing else.
const WHITE_SPACE: &str = r"[ \t\n]{1,24}";
/// The library follows schemas by recursion, so their depth has a bound; that
/// of parsed JSON is the same.
const DEEPEST_SCHEMA: usize = 128;
/// Larger schemas take seconds to prepare, and most then turn out to be too
/// large for the library's parser.
const LARGEST_SCHEMA: usize = 4000;
/// The key under which the library takes options inside a schema.
const LIBRARY_OPTIONS: &str = "x-guidance";

/// A vocabulary prepared for constraints: made once for a model and shared.
pub struct TokenTable {
    factory: ParserFactory,
}

impl TokenTable {
    /// Takes the bytes of each token, in the order of ids, and the ids of the
    /// tokens that end an answer. Control tokens have no bytes; they are never
    /// part of constrained text.
    pub fn new(mut tokens: Vec<Vec<u8>>, ends: &[u32]) -> Result<Arc<Self>, SamplerError> {
        let refuse = |reason: String| Err(SamplerError::Vocabulary(reason));
        let Some(first_end) = ends.first() else {
            return refuse("it has no token that ends an answer".to_owned());
        };
        for end in ends {
            match tokens.get_mut(*end as usize) {
                Some(bytes) => bytes.clear(),
                None => return refuse(format!("it has no token {end}")),
            }
        }
        for bytes in &mut tokens {
            if bytes.len() > LONGEST_TOKEN {
                bytes.clear();
            }
        }
        let info = TokRxInfo::new(tokens.len() as u32, *first_end);
        let trie = TokTrie::from(&info, &tokens).with_eos_tokens(ends);
        // The library is told that it does not know how text is cut into
        // tokens, so the model chooses among all ways to write what must come.
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = match ParserFactory::new_simple(&environment) {
            Ok(factory) => factory,
            Err(error) => return refuse(sentence(&error)),
        };
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        Ok(Arc::new(Self { factory }))
    }
}

/// What one answer must keep to, and how far it has come.
#[derive(Clone)]
pub struct Constraint {
    matcher: Matcher,
}

impl Constraint {
    /// Only JSON that `schema` describes. The error says what the schema has
    /// that is not supported, or why it is wrong.
    pub fn json_schema(schema: &Value, table: &TokenTable) -> Result<Self, SamplerError> {
        let refuse = |reason: String| Err(SamplerError::Schema(reason));
        match parts(schema, DEEPEST_SCHEMA) {
            None => return refuse(format!("it is nested more than {DEEPEST_SCHEMA} deep")),
            Some(parts) if parts > LARGEST_SCHEMA => {
                return refuse(format!(
                    "it has {parts} parts; {LARGEST_SCHEMA} are possible"
                ));
            }
            Some(_) => {}
        }
        let mut schema = match schema {
            Value::Bool(true) => json!({}),
            other => other.clone(),
        };
        let Some(keys) = schema.as_object_mut() else {
            return refuse("a schema is an object".to_owned());
        };
        let options = json!({ "whitespace_pattern": WHITE_SPACE });
        keys.insert(LIBRARY_OPTIONS.to_owned(), options);
        let grammar = TopLevelGrammar::from_json_schema(schema);
        let parser = table.factory.create_parser(grammar);
        let mut matcher = Matcher::new(parser);
        // What cannot be followed at all is known from the first step.
        match matcher.compute_mask() {
            Ok(_) => Ok(Self { matcher }),
            Err(error) => refuse(sentence(&error)),
        }
    }

    /// Takes away the scores of all tokens that must not come next.
    pub(super) fn mask(&mut self, logits: &mut [f32]) -> Result<(), SamplerError> {
        let allowed = self.matcher.compute_mask_or_eos().map_err(broken)?;
        let mut words = allowed.as_slice().iter();
        for scores in logits.chunks_mut(u32::BITS as usize) {
            let word = words.next().copied().unwrap_or_default();
            if word == 0 {
                scores.fill(f32::NEG_INFINITY);
                continue;
            }
            for (bit, score) in scores.iter_mut().enumerate() {
                if word >> bit & 1 == 0 {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
        Ok(())
    }

    /// How many of `tokens` may follow, one after the other.
    pub(super) fn allowed(&mut self, tokens: &[u32]) -> Result<usize, SamplerError> {
        if self.matcher.is_stopped() {
            return Ok(0);
        }
        self.matcher.validate_tokens(tokens).map_err(broken)
    }

    /// Goes on behind `token`. Behind the end of the JSON only end tokens are
    /// allowed, and they change nothing.
    pub(super) fn accept(&mut self, token: u32) -> Result<(), SamplerError> {
        if self.matcher.is_stopped() && !self.matcher.is_error() {
            return Ok(());
        }
        self.matcher.consume_token(token).map_err(broken)
    }
}

fn broken(error: impl std::fmt::Display) -> SamplerError {
    SamplerError::Constraint(sentence(&error))
}

/// How many values a schema consists of; nothing if they are nested deeper
/// than allowed.
fn parts(value: &Value, deepest: usize) -> Option<usize> {
    let inner: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(keys) => keys.values().collect(),
        _ => return Some(1),
    };
    let deepest = deepest.checked_sub(1)?;
    let inner = inner.into_iter().map(|value| parts(value, deepest));
    inner.sum::<Option<usize>>().map(|inner| inner + 1)
}

/// The library's messages in a line: without the state of its parser behind
/// them, and of those that show a place in an expression only what is wrong.
fn sentence(error: &impl std::fmt::Display) -> String {
    let message = error.to_string();
    let wrong = message
        .lines()
        .find_map(|line| line.strip_prefix("error: "));
    let first = message.lines().find(|line| !line.trim().is_empty());
    let line = wrong.or(first).unwrap_or("the reason is not known");
    match line.trim() {
        "NoExtensionBias" => "no JSON satisfies it".to_owned(),
        line => line.to_owned(),
    }
}
