//! Whole documents that a chat model reads before it answers a question about
//! them: part by part where one prompt has no room for them. Must not write the
//! answer, nor decide what the model is told.

use super::answering::Answering;
use super::fitting::prompt_budget;
use super::generating::progress;
use super::overview::WholeDocuments;
use super::search::{SearchOutcome, Standing};
use super::tokens::hex;
use super::writing::{WritingDefaults, WritingOptions, generation_request};
use crate::answer::{Part, WholeBudget, WholeReading};
use crate::engine::decoder::{ChatMessage, ChatModel, Generation, GenerationEvent, Thinking};
use crate::error::Fault;
use crate::types::{
    FinishReason, LeftOut, PartsRead, Passage, PromptReading, RecordedPart, TokenUsage,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Parts that are read for one answer. With the usual context of 4,096 tokens that
/// is a book of about 250 pages, which two cores read with a model of 1.5 billion
/// parameters in about a quarter of an hour: few wait longer.
const MOST_PARTS: usize = 32;

/// The same for more documents than a few: what each begins with is read in some
/// minutes, and who asks for no document in particular does not wait for longer.
const MOST_PARTS_OF_MANY: usize = 8;

/// The same for who wants all passages, however long it takes: a bound on what
/// one question can cost, beyond any book.
const MOST_PARTS_OF_ALL: usize = 512;

/// The same for somebody without a login, who shall not keep the model busy for
/// all others.
const MOST_PARTS_OF_VISITOR: usize = 4;

/// Tokens that a passage has at least, as far as it is a matter of how many are
/// looked up; and passages that are the beginning of a document.
const SHORT_PASSAGE: usize = 64;
const BEGINNING: usize = 3;

/// Tokens of the notes on one part, which is eight lines. With what marks their
/// passages in a prompt, the notes on seven parts have room in one of 4,096 tokens.
const NOTES_TOKENS: usize = 256;

/// Notes are to say what is there: the likeliest words alone.
const DEFAULTS: WritingDefaults = WritingDefaults {
    temperature: 0.0,
    top_p: 1.0,
    seed: 0,
    thinking: Thinking::Off,
};

/// What reading whole documents came to, beside the passages to answer from.
#[derive(Default)]
pub(super) struct Whole {
    /// The passages with notes in place of their text; `None`: with their text.
    pub(super) given: Option<Vec<Passage>>,
    /// `None`: there was room for all in one prompt.
    pub(super) read: Option<PartsRead>,
    pub(super) parts: Vec<RecordedPart>,
    /// Passages of the documents.
    of: usize,
    /// Those for which there was no room in any part.
    too_long: usize,
    /// Those for which there were not enough parts.
    beyond: usize,
    /// Which documents nothing was read of, in words.
    pub(super) unread: Option<String>,
}

impl Whole {
    /// The tokens that the parts and their notes took.
    pub(super) fn usage(&self) -> TokenUsage {
        self.read.map(|read| read.usage).unwrap_or_default()
    }

    /// What the model did not get to see, with what was left out of the answer's
    /// prompt.
    pub(super) fn left_out(&self, of_prompt: Option<LeftOut>) -> Option<LeftOut> {
        let of_prompt = of_prompt.unwrap_or_default();
        let left_out = LeftOut {
            for_context: of_prompt.for_context + self.too_long,
            for_bound: self.beyond,
            of: self.of.max(of_prompt.of),
            ..of_prompt
        };
        (left_out.passages() > 0).then_some(left_out)
    }

    /// Notes what became of a part.
    fn note(&mut self, part: &Part, facts: (String, usize), written: &Written) {
        let read = self.read.get_or_insert_default();
        read.parts += 1;
        read.usage += written.usage;
        let of_notes = part.reading.of_notes;
        if !of_notes {
            read.passages += part.passages;
        }
        let (prompt_sha256, prompt_tokens) = facts;
        self.parts.push(RecordedPart {
            first_chunk: part.first_chunk,
            passages: part.passages,
            of_notes,
            prompt_sha256,
            prompt_tokens,
            notes_sha256: hex(&Sha256::digest(&written.text)),
        });
    }
}

/// What a model wrote about a part.
struct Written {
    text: String,
    is_cut: bool,
    usage: TokenUsage,
}

impl Answering {
    /// Where whole documents were found, what an answer about them is to be
    /// written from, with the passages that it may rest on in place of those that
    /// stood for the documents. `None`: nobody waits for it any more.
    pub(super) async fn read_whole(
        &self,
        model: &Arc<ChatModel>,
        found: SearchOutcome,
    ) -> Result<Option<(SearchOutcome, Option<Whole>)>, Fault> {
        let Standing::Documents(documents) = &found.standing else {
            return Ok(Some((found, None)));
        };
        let (of, language) = (documents.of, documents.language);
        let question = self.question_alone(&found).to_owned();
        let documents = documents.clone();
        let all = documents.passages;
        let mut reading = self.open_whole(model, documents, question).await?;
        let opened = (reading.passages(), reading.documents());
        let mut whole = Whole {
            of: all.max(opened.0),
            ..Whole::default()
        };
        while let Some(part) = reading.part() {
            let generation = self.begin_part(model, &part).await?;
            let prompt = generation.prompt();
            let facts = (prompt.sha256.clone(), prompt.tokens);
            let Some(written) = self.notes_on(&part, generation).await? else {
                return Ok(None);
            };
            whole.note(&part, facts, &written);
            let model = Arc::clone(model);
            let count_and_take = move || {
                let count = |text: &str| model.count_tokens(text);
                reading.take(&written.text, written.is_cut, &count);
                reading
            };
            reading = self.service.blocking(move |_| Ok(count_and_take())).await?;
        }
        let mut read = reading.finish();
        // Of very many documents not all passages are looked up.
        whole.too_long = read.too_long;
        whole.beyond = read.beyond + (whole.of - opened.0);
        read.unread.documents += of.saturating_sub(opened.1);
        whole.unread = read.unread.note(language);
        if read.passages.is_empty() {
            // Nothing was worth a note: the beginnings of the sections stand for
            // the documents, and the model says that they do not answer.
            return Ok(Some((found, Some(whole))));
        }
        whole.given = read.given;
        let found = SearchOutcome {
            passages: read.passages,
            ..found
        };
        Ok(Some((found, Some(whole))))
    }

    /// The documents with these keys, divided into what the model has room for.
    async fn open_whole(
        &self,
        model: &Arc<ChatModel>,
        documents: WholeDocuments,
        question: String,
    ) -> Result<WholeReading, Fault> {
        let answer_tokens = self.service.config().answer_tokens;
        let prompt = prompt_budget(model, &self.writing, answer_tokens);
        let budget = WholeBudget {
            context_tokens: prompt.context_tokens,
            answer_tokens: prompt.answer_tokens,
            notes_tokens: self.notes_tokens(model),
            most_parts: match self.options.all_passages {
                _ if self.caller.is_visitor() => MOST_PARTS_OF_VISITOR,
                true => MOST_PARTS_OF_ALL,
                false if documents.are_many() => MOST_PARTS_OF_MANY,
                false => MOST_PARTS,
            },
        };
        let most = budget.most_parts * (budget.context_tokens / SHORT_PASSAGE).max(1);
        let system = self.accepted.session.system_prompt.clone();
        let model = Arc::clone(model);
        self.service
            .blocking(move |inner| {
                let WholeDocuments { keys, passages, .. } = &documents;
                let passages = match most / keys.len().max(1) {
                    _ if !documents.are_many() || *passages <= most => {
                        inner.retriever.all_of(keys)?
                    }
                    share if share <= BEGINNING => {
                        let keys = &keys[..keys.len().min(most)];
                        inner.retriever.beginnings(keys, share.max(1) as u32)?
                    }
                    _ => inner.retriever.overview(keys, most)?,
                };
                let count = |text: &str| model.count_tokens(text);
                let system = system.as_deref();
                Ok(WholeReading::new(
                    &question, system, passages, budget, &count,
                ))
            })
            .await
    }

    /// Most tokens of the notes on one part: a small context is shared out, and
    /// where answers are to be short, so are notes.
    fn notes_tokens(&self, model: &ChatModel) -> usize {
        let longest = NOTES_TOKENS.min(self.service.config().answer_tokens);
        longest.min(model.info().context_tokens / 8)
    }

    /// Asks the model for notes on a part. It waits its turn as all others do.
    async fn begin_part(&self, model: &Arc<ChatModel>, part: &Part) -> Result<Generation, Fault> {
        let messages = part.messages.iter();
        let messages = messages.map(|(role, text)| ChatMessage::new(*role, text.as_str()));
        let options = WritingOptions {
            seed: self.writing.seed,
            ..WritingOptions::default()
        };
        let most = self.notes_tokens(model);
        let request = generation_request(messages.collect(), most, &options, DEFAULTS);
        let model = Arc::clone(model);
        self.service
            .blocking(move |_| Ok(model.generate(request)?))
            .await
    }

    /// Hears the notes on a part to their end; `None`: nobody waits for them.
    async fn notes_on(
        &self,
        part: &Part,
        mut generation: Generation,
    ) -> Result<Option<Written>, Fault> {
        let mut text = String::new();
        let mut reading = PromptReading {
            sources: part.passages,
            part: Some(part.reading),
            ..PromptReading::default()
        };
        loop {
            // Dropping the generation on the way out stops the model.
            match self.heard(&mut generation).await {
                Some(
                    event @ (GenerationEvent::Prefill { .. } | GenerationEvent::Reading { .. }),
                ) => {
                    reading = progress(reading, &event);
                    self.tell_reading(reading).await;
                }
                Some(GenerationEvent::Token { text: token, .. }) => text.push_str(&token),
                Some(GenerationEvent::Thinking(_)) => {}
                Some(GenerationEvent::Done { finish, usage }) => {
                    return Ok(Some(Written {
                        text,
                        is_cut: finish == FinishReason::Length,
                        usage,
                    }));
                }
                Some(GenerationEvent::Failed(error)) => return Err(error.into()),
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Whole;
    use crate::types::LeftOut;

    #[test]
    fn what_a_bound_cut_is_told_with_what_had_no_room_in_the_prompt() {
        let of_prompt = LeftOut {
            for_context: 2,
            of: 12,
            seconds: 5.0,
            ..LeftOut::default()
        };
        let whole = Whole {
            of: 900,
            ..Whole::default()
        };
        assert_eq!(whole.left_out(None), None);
        let left_out = whole.left_out(Some(of_prompt)).unwrap();
        assert_eq!((left_out.for_context, left_out.of), (2, 900));
        let cut = Whole {
            too_long: 1,
            beyond: 300,
            ..whole
        };
        let left_out = cut.left_out(Some(of_prompt)).unwrap();
        assert_eq!((left_out.for_context, left_out.for_bound), (3, 300));
        assert_eq!(cut.left_out(None).unwrap().of, 900);
        assert_eq!(Whole::default().left_out(Some(of_prompt)), Some(of_prompt));
    }
}
