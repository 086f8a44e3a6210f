//! Checks an answer against the passages it was made from: which sentence is
//! borne out by which place, and whether its markers say so. Wrong markers are
//! corrected or removed, missing ones are added.

use super::AnswerError;
use super::candidates::cite;
use super::evidence::{Corpus, Evidence, strength};
use super::judging::{Claim, Judge, judge_claims};
use super::markdown::Markdown;
use super::prose::{Statement, statements};
use super::terms::terms;
use crate::engine::encoder::Encoder;
use crate::types::{Citation, Passage, SentenceCheck, Support, char_len};

/// A checked answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The answer with its markers put right.
    pub content: String,
    /// One for each sentence that states something, in order.
    pub checks: Vec<SentenceCheck>,
    /// One for each marked number of `content`, in order, so that the n-th
    /// number in brackets is the n-th citation.
    pub citations: Vec<Citation>,
}

/// Checks `content`, whose markers count `passages` from 1, by words, numbers
/// and meaning.
pub fn verify(
    content: &str,
    passages: &[Passage],
    encoder: &Encoder,
) -> Result<Verified, AnswerError> {
    check(content, passages, encoder, None)
}

/// The same, with a judge who has the last word on what seems to bear a sentence
/// out.
pub fn verify_judged(
    content: &str,
    passages: &[Passage],
    encoder: &Encoder,
    judge: &dyn Judge,
) -> Result<Verified, AnswerError> {
    check(content, passages, encoder, Some(judge))
}

fn check(
    content: &str,
    passages: &[Passage],
    encoder: &Encoder,
    judge: Option<&dyn Judge>,
) -> Result<Verified, AnswerError> {
    let markdown = Markdown::new(content);
    let found = statements(&markdown);
    let corpus = Corpus::new(passages, encoder)?;
    let checked: Vec<&Statement> = found.iter().filter(|s| is_claim(s)).collect();
    let texts: Vec<&str> = checked.iter().map(|s| s.plain.as_str()).collect();
    let vectors = encoder.embed(&texts)?;
    let claims = checked
        .iter()
        .zip(&vectors)
        .map(|(statement, vector)| Claim {
            text: &statement.plain,
            cited: cited(&markdown, statement),
            evidence: corpus.evidence(&statement.plain, vector),
        });
    let mut claims: Vec<Claim<'_>> = claims.collect();
    if let Some(judge) = judge {
        judge_claims(&mut claims, passages, judge)?;
    }
    let mut claims = claims.iter();
    let mut rewriter = Rewriter::new(&markdown, passages);
    for statement in &found {
        let claim = match is_claim(statement) {
            true => claims.next(),
            false => None,
        };
        match claim {
            Some(claim) => rewriter.claim(statement, claim),
            None => rewriter.copy_without_markers(statement),
        }
    }
    Ok(rewriter.finish())
}

/// Whether the answer says that the passages do not hold the answer.
pub fn is_refusal(content: &str) -> bool {
    char_len(content) < 400 && says_nothing_found(content)
}

fn says_nothing_found(text: &str) -> bool {
    const SUBJECTS: &[&str] = &[
        "passage",
        "document",
        "source",
        "text",
        "context",
        "information",
        "quelle",
        "dokument",
        "textstelle",
        "passagen",
    ];
    const SAYINGS: &[&str] = &[
        "not answer",
        "not say",
        "not mention",
        "not provide",
        "not contain",
        "not state",
        "not specif",
        "not include",
        "not address",
        "not enough",
        "no information",
        "no mention",
        "nothing about",
        "cannot answer",
        "can't answer",
        "cannot find",
        "unable to",
        "not found",
        "nicht beantwort",
        "keine angabe",
        "keine information",
        "nicht erwähn",
        "nicht genannt",
        "keine antwort",
    ];
    let lower = text
        .to_lowercase()
        .replace(['’'], "'")
        .replace("n't ", " not ");
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    has(SUBJECTS) && has(SAYINGS)
}

/// Whether a sentence states something that can be checked. One with a marker
/// claims to.
fn is_claim(statement: &Statement) -> bool {
    const POLITE: &[&str] = &[
        "sure",
        "certainly",
        "of course",
        "hello",
        "hi ",
        "here is",
        "here are",
        "here's",
        "i hope",
        "let me know",
        "if you have",
        "feel free",
        "you're welcome",
        "thank",
        "natürlich",
        "gerne",
        "hier ist",
        "hier sind",
        "ich hoffe",
    ];
    let text = statement.plain.trim();
    if says_nothing_found(text) {
        return false;
    }
    if !statement.markers.is_empty() {
        return !terms(text).is_empty();
    }
    let lower = text.to_lowercase();
    let is_short =
        text.split_whitespace().count() <= 14 && !text.contains(|c: char| c.is_ascii_digit());
    let is_polite = is_short && POLITE.iter().any(|start| lower.starts_with(start));
    let leads_in = is_short && text.ends_with([':', '：']);
    let asks = text.ends_with(['?', '？']);
    !(statement.is_heading || is_polite || leads_in || asks) && terms(text).len() >= 2
}

/// Writes the answer anew, sentence by sentence.
struct Rewriter<'a> {
    markdown: &'a Markdown<'a>,
    passages: &'a [Passage],
    content: String,
    /// Characters of `content` that were counted, and up to which byte.
    counted: (usize, usize),
    copied: usize,
    checks: Vec<SentenceCheck>,
    citations: Vec<Citation>,
}

impl<'a> Rewriter<'a> {
    fn new(markdown: &'a Markdown<'a>, passages: &'a [Passage]) -> Self {
        Self {
            markdown,
            passages,
            content: String::with_capacity(markdown.text.len() + 64),
            counted: (0, 0),
            copied: 0,
            checks: Vec::new(),
            citations: Vec::new(),
        }
    }

    fn claim(&mut self, statement: &Statement, claim: &Claim<'_>) {
        let (cited, evidence) = (&claim.cited, &claim.evidence);
        let chosen = choose(cited, evidence);
        let start = self.begin(statement);
        let mut added: Vec<&Evidence> = chosen
            .iter()
            .filter(|e| !cited.contains(&number(e)))
            .copied()
            .collect();
        // Whether the next marker stands where one went with the blanks before it.
        let mut owes_blank = false;
        for index in &statement.markers {
            let marker = &self.markdown.markers[*index];
            owes_blank &= self.copied == marker.range.start;
            self.copy_to(marker.range.start);
            let named = |e: &&&Evidence| marker.numbers.contains(&number(e));
            let kept: Vec<&Evidence> = chosen.iter().filter(named).copied().collect();
            if kept.is_empty() && added.is_empty() {
                owes_blank |= self.trim(start);
            } else if std::mem::take(&mut owes_blank) {
                self.content.push(' ');
            }
            // A correction stands where the wrong marker stood.
            let here = if kept.is_empty() {
                std::mem::take(&mut added)
            } else {
                kept
            };
            self.mark(&here);
            self.copied = marker.range.end;
        }
        if !added.is_empty() {
            self.copy_to(statement.text_end.max(self.copied));
            self.content.push(' ');
            self.mark(&added);
        }
        self.copy_to(statement.range.end);
        let best = chosen.first().copied();
        let check = SentenceCheck {
            start: self.characters(start),
            end: self.characters(self.content.len()),
            support: best.map_or(Support::Unsupported, |e| e.support),
            citations: chosen.iter().map(|e| number(e)).collect(),
            score: best.or(evidence.first()).map_or(0.0, |e| e.score),
        };
        self.checks.push(check);
    }

    fn copy_without_markers(&mut self, statement: &Statement) {
        let start = self.begin(statement);
        for index in &statement.markers {
            let marker = &self.markdown.markers[*index];
            self.copy_to(marker.range.start);
            self.trim(start);
            self.copied = marker.range.end;
        }
        self.copy_to(statement.range.end);
    }

    fn finish(mut self) -> Verified {
        self.copy_to(self.markdown.text.len());
        Verified {
            content: self.content,
            checks: self.checks,
            citations: self.citations,
        }
    }

    /// Copies what stands before the sentence; gives where it begins.
    fn begin(&mut self, statement: &Statement) -> usize {
        self.copy_to(statement.range.start);
        self.content.len()
    }

    fn copy_to(&mut self, end: usize) {
        if let Some(part) = self.markdown.text.get(self.copied..end) {
            self.content.push_str(part);
            self.copied = end;
        }
    }

    /// Takes back blanks before a marker that is left out; whether there were any.
    fn trim(&mut self, start: usize) -> bool {
        let before = self.content.len();
        let kept = self.content[start..].trim_end_matches([' ', '\n']).len();
        self.content.truncate(start + kept);
        self.content.len() < before
    }

    fn mark(&mut self, evidence: &[&Evidence]) {
        for evidence in evidence {
            self.content.push_str(&format!("[{}]", number(evidence)));
            self.citations
                .extend(cite(self.passages, evidence.passage, &evidence.span));
        }
    }

    /// The position in characters of a byte that is not before the last one
    /// asked for.
    fn characters(&mut self, byte: usize) -> usize {
        let (characters, from) = self.counted;
        self.counted = (characters + char_len(&self.content[from..byte]), byte);
        self.counted.0
    }
}

/// The numbers of the sources that the sentence names.
fn cited(markdown: &Markdown<'_>, statement: &Statement) -> Vec<u32> {
    let markers = statement.markers.iter();
    let markers = markers.map(|index| &markdown.markers[*index]);
    markers.flat_map(|marker| marker.numbers.clone()).collect()
}

fn number(evidence: &Evidence) -> u32 {
    evidence.passage as u32 + 1
}

/// Which evidence the sentence should cite, strongest first: what it cites
/// already, as far as that is as good as the best; otherwise the best.
pub(super) fn choose<'e>(cited: &[u32], evidence: &'e [Evidence]) -> Vec<&'e Evidence> {
    let Some(best) = evidence
        .first()
        .filter(|e| e.support != Support::Unsupported)
    else {
        return Vec::new();
    };
    let is_good = |e: &&Evidence| strength(e.support) == strength(best.support);
    let kept = evidence
        .iter()
        .filter(|e| cited.contains(&number(e)))
        .filter(is_good);
    let kept: Vec<&Evidence> = kept.collect();
    if kept.is_empty() { vec![best] } else { kept }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
