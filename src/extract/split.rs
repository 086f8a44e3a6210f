//! Pages to chunks: passages of bounded length with exact spans, cut between
//! sections, paragraphs and sentences where possible.

use super::sentences::{sentence_bytes, trim};
use super::{Extracted, Heading};
use crate::types::{NewChunk, Page};
use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;

/// Characters that count as a token at least. A tokenizer may make one token
/// of a very long word; a chunk of such words must stay readable all the same.
const CHARS_PER_TOKEN: usize = 8;

/// How long chunks are, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitOptions {
    /// No chunk is longer: the encoder's window without its special tokens.
    pub max_tokens: usize,
    /// Length aimed at where a section does not fit in one chunk.
    pub target_tokens: usize,
    /// Whole sentences of a chunk that the next one repeats, at most.
    pub overlap_tokens: usize,
    /// A section shorter than this shares its chunk with its neighbour.
    pub min_tokens: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            max_tokens: 254,
            target_tokens: 200,
            overlap_tokens: 30,
            min_tokens: 48,
        }
    }
}

/// Cuts a document into chunks, in the order of its text. `count_tokens` is
/// asked once for each sentence.
pub fn split(
    extracted: &Extracted,
    options: &SplitOptions,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Vec<NewChunk> {
    let splitter = Splitter {
        options,
        count_tokens,
    };
    let mut trail = HeadingTrail {
        ahead: extracted.headings.iter().peekable(),
        path: Vec::new(),
    };
    let mut chunks = Vec::new();
    for page in &extracted.pages {
        if page.text.is_empty() {
            continue;
        }
        let units = splitter.units(page, &extracted.headings);
        let ranges = splitter.pack(&units);
        chunks.extend(assemble(page, &units, &ranges, &mut trail));
    }
    chunks
}

/// A sentence, or a piece of one that is too long.
struct Unit {
    /// Bytes of the page's text.
    range: Range<usize>,
    tokens: usize,
    /// What it counts towards a chunk's length.
    cost: usize,
    begins_paragraph: bool,
    is_heading: bool,
}

struct Splitter<'a> {
    options: &'a SplitOptions,
    count_tokens: &'a dyn Fn(&str) -> usize,
}

impl Splitter<'_> {
    fn units(&self, page: &Page, headings: &[Heading]) -> Vec<Unit> {
        let text = page.text.as_str();
        let first = headings.partition_point(|heading| heading.page < page.number);
        let here = headings[first..].iter();
        let mut starts = here.take_while(|h| h.page == page.number).peekable();
        let mut units: Vec<Unit> = Vec::new();
        let (mut byte, mut character) = (0, 0);
        for range in sentence_bytes(text) {
            let gap = units.last().map_or(0, |unit| unit.range.end)..range.start;
            let begins_paragraph = text[gap].bytes().filter(|b| *b == b'\n').count() > 1;
            character += text[byte..range.end].chars().count();
            byte = range.end;
            let mut is_heading = false;
            while starts
                .next_if(|heading| heading.start < character)
                .is_some()
            {
                is_heading = true;
            }
            let before = units.len();
            self.cut(text, range, &mut units);
            if let Some(unit) = units.get_mut(before) {
                unit.begins_paragraph = begins_paragraph;
                unit.is_heading = is_heading;
            }
        }
        units
    }

    /// Adds the range as one unit, or halved as often as it takes to fit.
    fn cut(&self, text: &str, range: Range<usize>, units: &mut Vec<Unit>) {
        let range = trim(text, range);
        let slice = &text[range.clone()];
        if slice.is_empty() {
            return;
        }
        let tokens = (self.count_tokens)(slice);
        let cost = tokens.max(slice.chars().count().div_ceil(CHARS_PER_TOKEN));
        if cost <= self.options.max_tokens || slice.chars().nth(1).is_none() {
            units.push(Unit {
                range,
                tokens,
                cost,
                begins_paragraph: false,
                is_heading: false,
            });
            return;
        }
        let middle = range.start + middle(slice);
        self.cut(text, range.start..middle, units);
        self.cut(text, middle..range.end, units);
    }

    /// Groups units to chunks; ranges of units may overlap.
    fn pack(&self, units: &[Unit]) -> Vec<Range<usize>> {
        let mut sums = vec![0];
        for unit in units {
            sums.push(sums[sums.len() - 1] + unit.cost);
        }
        let mut chunks = Vec::new();
        for section in self.sections(units, &sums) {
            self.pack_section(units, &sums, section, &mut chunks);
        }
        chunks
    }

    /// Sections begin at headings, except where one would be too short alone.
    fn sections(&self, units: &[Unit], sums: &[usize]) -> Vec<Range<usize>> {
        let cost = |range: &Range<usize>| sums[range.end] - sums[range.start];
        let everything = 0..units.len();
        if units.is_empty() {
            return Vec::new();
        }
        if cost(&everything) <= self.options.max_tokens {
            return vec![everything];
        }
        let mut sections = Vec::new();
        let mut start = 0;
        for (index, unit) in units.iter().enumerate() {
            if unit.is_heading && cost(&(start..index)) >= self.options.min_tokens {
                sections.push(start..index);
                start = index;
            }
        }
        let last = start..units.len();
        match sections.last_mut() {
            Some(previous)
                if cost(&last) < self.options.min_tokens
                    && cost(previous) + cost(&last) <= self.options.max_tokens =>
            {
                previous.end = last.end;
            }
            _ => sections.push(last),
        }
        sections
    }

    fn pack_section(
        &self,
        units: &[Unit],
        sums: &[usize],
        section: Range<usize>,
        chunks: &mut Vec<Range<usize>>,
    ) {
        let options = self.options;
        let target = options.target_tokens.clamp(1, options.max_tokens.max(1));
        let cost = |from: usize, to: usize| sums[to] - sums[from];
        let mut begin = section.start;
        while cost(begin, section.end) > options.max_tokens {
            let rest = cost(begin, section.end);
            let goal = rest / rest.div_ceil(target);
            let stop = stop_of_chunk(units, begin..section.end, goal, target, &cost);
            chunks.push(begin..stop);
            let mut next = stop;
            while next > begin + 1
                && !units[next - 1].is_heading
                && cost(next - 1, stop) <= options.overlap_tokens
            {
                next -= 1;
            }
            // The repeated sentences must leave room for a new one.
            while next < stop && cost(next, (stop + 1).min(section.end)) > target {
                next += 1;
            }
            begin = next;
            if stop == section.end {
                return;
            }
        }
        if begin < section.end {
            chunks.push(begin..section.end);
        }
    }
}

/// Where the chunk ends that begins with `range`: at a border of paragraphs
/// that is not too early, else at the sentence that reaches the goal.
fn stop_of_chunk(
    units: &[Unit],
    range: Range<usize>,
    goal: usize,
    target: usize,
    cost: &dyn Fn(usize, usize) -> usize,
) -> usize {
    let begin = range.start;
    let (mut stop, mut border, mut last) = (None, None, begin + 1);
    for at in (begin + 1..=range.end).take_while(|at| cost(begin, *at) <= target) {
        last = at;
        let reached = cost(begin, at);
        let paragraph = units[..range.end]
            .get(at)
            .is_some_and(|unit| unit.begins_paragraph);
        if paragraph && reached * 5 >= goal * 3 {
            border = Some(at);
        }
        if stop.is_none() && reached >= goal {
            stop = Some(at);
        }
    }
    border.or(stop).unwrap_or(last)
}

/// The byte at which to halve a text: a space near the middle, else the
/// middle character.
fn middle(text: &str) -> usize {
    let half = text.floor_char_boundary(text.len() / 2);
    let near = text.len() / 4;
    let before = text[..half].rfind(char::is_whitespace);
    let after = text[half..].find(char::is_whitespace).map(|at| half + at);
    let space = match (before, after) {
        (Some(left), Some(right)) if half - left > right - half => Some(right),
        (Some(left), _) => Some(left),
        (None, right) => right,
    };
    let close = space.filter(|at| at.abs_diff(half) <= near && *at > 0);
    let hard = || {
        if half == 0 {
            text.ceil_char_boundary(1)
        } else {
            half
        }
    };
    close.unwrap_or_else(hard)
}

/// Walks along the headings of a document.
struct HeadingTrail<'a> {
    ahead: Peekable<Iter<'a, Heading>>,
    path: Vec<&'a Heading>,
}

impl HeadingTrail<'_> {
    /// The headings in force at a place; places must be asked for in order.
    fn at(&mut self, page: u32, start: usize) -> Vec<String> {
        let reached = |heading: &&Heading| (heading.page, heading.start) <= (page, start);
        while let Some(heading) = self.ahead.next_if(reached) {
            self.path.retain(|above| above.level < heading.level);
            self.path.push(heading);
        }
        self.path
            .iter()
            .map(|heading| heading.text.clone())
            .collect()
    }
}

fn assemble(
    page: &Page,
    units: &[Unit],
    ranges: &[Range<usize>],
    trail: &mut HeadingTrail<'_>,
) -> Vec<NewChunk> {
    let text = page.text.as_str();
    let (mut byte, mut character) = (0, 0);
    let mut chunks = Vec::with_capacity(ranges.len());
    for range in ranges {
        let members = &units[range.clone()];
        let (Some(first), Some(last)) = (members.first(), members.last()) else {
            continue;
        };
        // Starts rise from chunk to chunk, so each character is counted a few times at most.
        character += text[byte..first.range.start].chars().count();
        byte = first.range.start;
        let slice = &text[first.range.start..last.range.end];
        chunks.push(NewChunk {
            page: page.number,
            start: character,
            end: character + slice.chars().count(),
            heading_path: trail.at(page.number, character),
            text: slice.to_owned(),
            tokens: members.iter().map(|unit| unit.tokens as u32).sum(),
        });
    }
    chunks
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
