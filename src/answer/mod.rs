//! From passages to an answer: quotes, grounded prompts, checks, rendering.
//! Must not search, store or run a chat model.

mod candidates;
mod chips;
mod cite;
mod courtesies;
mod ellipsis;
mod error;
mod evidence;
mod figures;
#[cfg(test)]
mod fixtures;
mod follow_up;
mod highlight;
mod judging;
mod leads;
mod listing;
mod listing_unspaced;
mod markdown;
mod mathematics;
mod overview;
mod patterns;
mod prompt;
mod prose;
mod quotes;
mod refusals;
mod render;
mod roles;
mod sanitise;
mod selection;
mod statements;
mod stream;
mod surroundings;
mod terms;
mod verify;
mod whole;

pub use cite::{Marker, MarkerFilter, complete_until, markers};
pub use error::AnswerError;
pub use follow_up::{Before, REWRITE, carried_over, is_faithful};
pub use judging::Judge;
pub use leads::{Leads, LeftUnread};
pub use listing::{ListLanguage, Listing, asks_for_list};
pub use overview::{
    OVERVIEW_PASSAGES, asks_for_overview, means_all_documents, names_document, overview,
    overview_language,
};
pub use prompt::{Prompt, PromptBudget, PromptReader, Turn, build, opening, turn};
pub use quotes::{NOTHING_FOUND, Quote, QuotedAnswer, quotes};
pub use render::render;
pub use selection::{
    NOT_IN_SELECTION, Reading, SelectionEvidence, read_selection, rests_on_selection, uncited,
};
pub use statements::Statements;
pub use stream::BlockStream;
pub use surroundings::{InContext, build_in_context, widened};
pub use verify::{Verified, refuses, verify, verify_judged};
pub use whole::{Part, WholeBudget, WholeRead, WholeReading};
