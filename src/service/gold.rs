//! The gold set: questions with the passages that answer them, as people say by
//! marking a passage or by a good verdict, and questions that the documents do
//! not answer. Taken from who asked, read by
//! administrators, measured by `satchel eval --gold`.

use super::tokens::hex;
use super::{Caller, Inner, Service};
use crate::error::Fault;
use crate::store::JudgedAnswer;
use crate::types::{
    DatasetId, DocumentId, JudgedPassage, Judgement, JudgementId, Message, MessageId, SessionId,
    Time, UserId, char_len, slice_chars,
};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Grade of a passage that somebody marked.
const MARKED: u32 = 2;
/// Grade of one that an answer cites which somebody found good.
const CITED: u32 = 1;

/// A place of a document that is to be marked.
#[derive(Debug, Clone)]
pub struct MarkedPlace {
    pub document_id: DocumentId,
    /// Which of the document's stored pages the passage is on, 1 for the first.
    pub page: u32,
    /// First character in the page's text.
    pub start: usize,
    /// One past the last character in the page's text.
    pub end: usize,
}

/// A question with what answers it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldQuestion {
    /// As it was searched for.
    pub question: String,
    pub session_id: SessionId,
    pub answer_id: MessageId,
    pub user_id: UserId,
    /// None: the documents do not answer it.
    pub passages: Vec<GoldPassage>,
}

/// A passage that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldPassage {
    pub document_id: DocumentId,
    pub dataset_id: DatasetId,
    pub filename: String,
    /// Where its words are now: page, first character and one past the last.
    /// `None`: the document no longer has them.
    pub place: Option<(u32, usize, usize)>,
    pub sha256: String,
    /// How surely it answers: 2 if it was marked, 1 if a good answer cites it.
    pub grade: u32,
    pub judged_at: Time,
}

impl Service {
    /// Stores what the caller says of the question of an answer it was given: that
    /// this place answers it, or, without one, that the documents do not.
    pub async fn judge(
        &self,
        caller: &Caller,
        answer: MessageId,
        marked: Option<MarkedPlace>,
    ) -> Result<Judgement, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let answer = inner.own_answer(&caller, &answer)?;
            let passage = match &marked {
                Some(place) => Some(inner.passage_at(&caller, place)?),
                None => None,
            };
            let judgement = Judgement {
                id: JudgementId::generate(),
                answer_id: answer.id,
                user_id: caller.user_id,
                passage,
                created_at: Time::now(),
            };
            Ok(inner
                .store
                .insert_judgement(&caller.tenant_id, &judgement)?)
        })
        .await
    }

    /// What the caller said of the question of one of its answers, in order.
    pub async fn judgements(
        &self,
        caller: &Caller,
        answer: &MessageId,
    ) -> Result<Vec<Judgement>, Fault> {
        let (caller, answer) = (caller.clone(), answer.clone());
        self.blocking(move |inner| {
            let answer = inner.own_answer(&caller, &answer)?;
            Ok(inner
                .store
                .judgements(&caller.tenant_id, Some(&answer.id))?)
        })
        .await
    }

    /// Takes one of them back.
    pub async fn take_judgement_back(
        &self,
        caller: &Caller,
        answer: &MessageId,
        id: &JudgementId,
    ) -> Result<(), Fault> {
        let (caller, answer, id) = (caller.clone(), answer.clone(), id.clone());
        self.blocking(move |inner| {
            let answer = inner.own_answer(&caller, &answer)?;
            let tenant = &caller.tenant_id;
            Ok(inner.store.delete_judgement(tenant, &answer.id, &id)?)
        })
        .await
    }

    /// The tenant's gold set, for its administrators.
    pub async fn gold_set(&self, caller: &Caller) -> Result<Vec<GoldQuestion>, Fault> {
        caller.require_admin()?;
        let tenant = caller.tenant_id.clone();
        self.blocking(move |inner| {
            let mut marked: HashMap<MessageId, Vec<Judgement>> = HashMap::new();
            for judgement in inner.store.judgements(&tenant, None)? {
                let of_answer = marked.entry(judgement.answer_id.clone()).or_default();
                of_answer.push(judgement);
            }
            let mut questions = Vec::new();
            for answer in inner.store.judged_answers(&tenant)? {
                let judged = marked.remove(&answer.answer_id).unwrap_or_default();
                let unanswerable = judged.iter().any(|one| one.passage.is_none());
                let passages = match judged.as_slice() {
                    _ if unanswerable => Vec::new(),
                    [] => inner.cited(&answer)?,
                    judged => inner.marked(judged)?,
                };
                if unanswerable || !passages.is_empty() {
                    questions.push(gold_question(answer, passages));
                }
            }
            Ok(questions)
        })
        .await
    }
}

impl Inner {
    /// An answer that the caller was given.
    fn own_answer(&self, caller: &Caller, id: &MessageId) -> Result<Message, Fault> {
        self.store
            .message(&caller.tenant_id, id)?
            .filter(|message| message.answer.is_some() && message.user_id == caller.user_id)
            .ok_or_else(|| Fault::not_found("the answer does not exist"))
    }

    /// A place of a document that the caller sees, as it is kept.
    fn passage_at(&self, caller: &Caller, new: &MarkedPlace) -> Result<JudgedPassage, Fault> {
        let document = self.document(&caller.viewer(), &new.document_id)?;
        let page = self.store.page(document.key, new.page)?;
        let page = page.ok_or_else(|| Fault::not_found("the page does not exist"))?;
        let characters = char_len(&page.text);
        if new.start >= new.end || new.end > characters {
            let message = format!(
                "end: {} to {} is no span of the page's {characters} characters",
                new.start, new.end
            );
            return Err(Fault::invalid(message).about("end"));
        }
        Ok(JudgedPassage {
            document_id: document.id,
            dataset_id: document.dataset_id,
            filename: document.filename,
            page: new.page,
            start: new.start,
            end: new.end,
            sha256: hash(slice_chars(&page.text, new.start..new.end)),
        })
    }

    /// The passages that were marked.
    fn marked(&self, judgements: &[Judgement]) -> Result<Vec<GoldPassage>, Fault> {
        let mut passages = Vec::new();
        for judgement in judgements {
            let (Some(passage), at) = (&judgement.passage, judgement.created_at) else {
                continue;
            };
            let place = (passage.page, passage.start, passage.end);
            let (document, sha256) = (&passage.document_id, passage.sha256.clone());
            passages.extend(self.gold_passage(document, place, sha256, MARKED, at)?);
        }
        Ok(passages)
    }

    /// The passages that an answer cites, each once.
    fn cited(&self, answer: &JudgedAnswer) -> Result<Vec<GoldPassage>, Fault> {
        let mut passages: Vec<GoldPassage> = Vec::new();
        for citation in &answer.answer.citations {
            let place = (citation.page, citation.start, citation.end);
            let sha256 = hash(&citation.text);
            let known =
                |one: &GoldPassage| one.document_id == citation.document_id && one.sha256 == sha256;
            if !passages.iter().any(known) {
                let (document, at) = (&citation.document_id, answer.answered_at);
                passages.extend(self.gold_passage(document, place, sha256, CITED, at)?);
            }
        }
        Ok(passages)
    }

    /// `None`: the document is gone.
    fn gold_passage(
        &self,
        document: &DocumentId,
        place: (u32, usize, usize),
        sha256: String,
        grade: u32,
        judged_at: Time,
    ) -> Result<Option<GoldPassage>, Fault> {
        let Some(document) = self.store.document_by_id(document)? else {
            return Ok(None);
        };
        Ok(Some(GoldPassage {
            place: self.place_now(document.key, place, &sha256)?,
            document_id: document.id,
            dataset_id: document.dataset_id,
            filename: document.filename,
            sha256,
            grade,
            judged_at,
        }))
    }

    /// Where the words of a place are now: still there, or what another passage
    /// of the document consists of.
    fn place_now(
        &self,
        document_key: u64,
        place: (u32, usize, usize),
        sha256: &str,
    ) -> Result<Option<(u32, usize, usize)>, Fault> {
        let (page, start, end) = place;
        if let Some(page) = self.store.page(document_key, page)?
            && hash(slice_chars(&page.text, start..end)) == sha256
        {
            return Ok(Some(place));
        }
        let chunks = self.store.document_chunks(document_key, None)?;
        let mut same = chunks
            .into_iter()
            .map(|stored| stored.chunk)
            .filter(|chunk| hash(&chunk.text) == sha256);
        Ok(same
            .next()
            .map(|chunk| (chunk.page, chunk.start, chunk.end)))
    }
}

fn gold_question(answer: JudgedAnswer, passages: Vec<GoldPassage>) -> GoldQuestion {
    GoldQuestion {
        question: answer.answer.searched_for.unwrap_or(answer.question),
        session_id: answer.session_id,
        answer_id: answer.answer_id,
        user_id: answer.user_id,
        passages,
    }
}

fn hash(words: &str) -> String {
    hex(&Sha256::digest(words))
}
