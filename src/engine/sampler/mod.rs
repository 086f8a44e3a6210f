//! From the scores of a model to the text of an answer, without a model and
//! without a thread: the choice of tokens ([`Sampler`]), answers that keep to a
//! schema ([`Constraint`]), drafts from the prompt ([`PromptLookup`]), whether a
//! small model's drafts pay ([`DraftPayoff`]), and text
//! that is cut where it should be ([`AnswerStream`]). All of it belongs to one
//! answer, but for [`TokenTable`], which belongs to a model.
//!
//! Must not know the network, the tokenizer or the queue.

mod answer_stream;
mod characters;
mod constraint;
mod draft_payoff;
mod error;
mod history;
mod options;
mod payoff;
mod prompt_lookup;
mod random;
mod shortlist;
mod stop;
mod thinking;
mod token_choice;
mod weights;

#[cfg(test)]
mod constraint_tests;
#[cfg(test)]
mod distribution_tests;
#[cfg(test)]
mod speculation_tests;
#[cfg(test)]
mod stream_tests;

pub use answer_stream::{AnswerPiece, AnswerStream};
pub use characters::Characters;
pub use constraint::{Constraint, TokenTable};
pub use draft_payoff::DraftPayoff;
pub use error::SamplerError;
pub use options::SamplingOptions;
pub use prompt_lookup::PromptLookup;
pub use stop::{Emit, StopFilter};
pub use thinking::{Split, ThinkingFilter, ThinkingTags};
pub use token_choice::{Sampled, Sampler, Verified};
