//! Checks an answer against the passages it was made from: which sentence is
//! borne out by which place, and whether its markers say so. Wrong markers are
//! corrected or removed, missing ones are added.

use super::AnswerError;
use super::candidates::cite;
use super::courtesies::is_courtesy;
use super::evidence::{Corpus, Evidence, strength};
use super::judging::{Claim, Judge, judge_claims};
use super::markdown::Markdown;
use super::prose::{Statement, statements};
use super::refusals::says_nothing_found;
use super::terms::terms;
use crate::engine::encoder::Encoder;
use crate::types::{Citation, Passage, SentenceCheck, Support, char_len};

/// Characters of an answer from which on it says more than that it has none.
const SHORT: usize = 400;

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
    let (places, mut claims) = claims(&markdown, &found, passages, encoder)?;
    if let Some(judge) = judge {
        judge_claims(&mut claims, passages, judge)?;
    }
    let mut claims = places.into_iter().zip(&claims).peekable();
    let mut rewriter = Rewriter::new(&markdown, passages);
    for (place, statement) in found.iter().enumerate() {
        match claims.next_if(|(claimed, _)| *claimed == place) {
            Some((_, claim)) => rewriter.claim(statement, claim),
            None => rewriter.copy_without_markers(statement),
        }
    }
    Ok(rewriter.finish())
}

/// The claims among the sentences, each with its place there and what may bear it
/// out.
fn claims<'a>(
    markdown: &Markdown<'_>,
    found: &'a [Statement],
    passages: &[Passage],
    encoder: &Encoder,
) -> Result<(Vec<usize>, Vec<Claim<'a>>), AnswerError> {
    let corpus = Corpus::new(passages, encoder)?;
    let numbered = found.iter().enumerate();
    let stating: Vec<(usize, &Statement)> = numbered
        .filter(|(_, one)| is_claim(markdown, one))
        .collect();
    let texts: Vec<&str> = stating.iter().map(|(_, one)| one.plain.as_str()).collect();
    let vectors = encoder.embed(&texts)?;
    let claims = stating
        .into_iter()
        .zip(&vectors)
        .map(|((place, one), vector)| {
            let claim = Claim {
                text: &one.plain,
                cited: cited(markdown, one),
                evidence: corpus.evidence(&one.plain, vector),
            };
            (place, claim)
        });
    Ok(claims.filter(|(_, claim)| !is_denial(claim)).unzip())
}

/// Whether the answer says anywhere that the passages do not hold the answer.
pub(super) fn is_refusal(content: &str) -> bool {
    let sentences = statements(&Markdown::new(content));
    char_len(content) < SHORT && sentences.iter().any(|one| says_nothing_found(&one.plain))
}

/// Whether the answer says that the passages do not hold the answer, before it
/// states anything that they bear out: what is lacking beside that is a remark.
pub fn refuses(answer: &Verified) -> bool {
    if char_len(&answer.content) >= SHORT {
        return false;
    }
    let sentences = statements(&Markdown::new(&answer.content));
    let mut borne_out = answer.checks.iter();
    let borne_out = borne_out.find(|check| check.support == Support::Supported);
    let until = borne_out.map_or(usize::MAX, |check| check.start);
    let begins = |one: &Statement| char_len(&answer.content[..one.range.start]);
    let mut before = sentences.iter().take_while(|one| begins(one) < until);
    before.any(|one| says_nothing_found(&one.plain))
}

/// Whether a sentence only says that the passages do not hold something. Where a
/// passage that it names says the same in so many words, it is a claim like others.
fn is_denial(claim: &Claim<'_>) -> bool {
    let named = claim
        .evidence
        .iter()
        .filter(|one| claim.cited.contains(&number(one)));
    let mut supports = named.map(|one| one.support);
    !supports.any(|support| support == Support::Supported) && says_nothing_found(claim.text)
}

/// Whether a sentence states something that can be checked. One with a marker
/// claims to.
fn is_claim(markdown: &Markdown<'_>, statement: &Statement) -> bool {
    let text = statement.plain.trim();
    let content = terms(text).len();
    if content == 0 || !statement.markers.is_empty() {
        return content > 0;
    }
    let is_short =
        text.split_whitespace().count() <= 14 && !text.contains(|c: char| c.is_ascii_digit());
    let leads_in = is_short && text.ends_with([':', '：']);
    let asks = text.ends_with(['?', '？']);
    let is_title = statement.is_heading || (content == 1 && is_label(markdown.text, statement));
    !(is_title || leads_in || asks || is_courtesy(text))
}

/// Whether bold type on a line of its own stands as a title over what follows.
fn is_label(text: &str, statement: &Statement) -> bool {
    let (before, after) = (&text[..statement.range.start], &text[statement.range.end..]);
    let line = before
        .strip_suffix("**")
        .map(|before| before.ends_with('\n') || before.is_empty());
    let is_bold = text[statement.range.clone()].ends_with("**");
    line == Some(true) && is_bold && after.starts_with('\n') && !after.trim().is_empty()
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
