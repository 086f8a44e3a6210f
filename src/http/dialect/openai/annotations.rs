//! Citations in the shape of the public API's `url_citation`, each at the place
//! in the text where it is marked.

use crate::service::markers;
use crate::types::Citation;
use serde_json::{Value, json};

/// The citations of `content`, which was sent as `sent`: the same words,
/// though markers may have been corrected, taken out or added since. A citation
/// that has no marker in `sent` stands where it would have.
pub(super) fn annotations(
    sent: &str,
    content: &str,
    citations: &[Citation],
    origin: &str,
) -> Vec<Value> {
    let (sent, content) = (Marked::new(sent), Marked::new(content));
    let mut marks = content.marks.iter();
    citations
        .iter()
        .map(|citation| {
            let mark = marks.find(|mark| mark.number == citation.number);
            let (start, end) = sent.place(mark);
            json!({
                "type": "url_citation",
                "url_citation": {
                    "start_index": start,
                    "end_index": end,
                    "url": format!("{origin}/#/documents/{}", citation.document_id),
                    "title": citation.title,
                    "citation": citation,
                },
            })
        })
        .collect()
}

/// A number in a marker, with the characters of that marker.
struct Mark {
    number: u32,
    start: usize,
    end: usize,
    /// Visible characters before it, those of markers not counted.
    after: usize,
}

/// A text with its markers told from the rest.
struct Marked {
    marks: Vec<Mark>,
    /// The place after each visible character outside of markers; first the
    /// place before all of them.
    places: Vec<usize>,
}

impl Marked {
    fn new(text: &str) -> Self {
        let mut marked = Self {
            marks: Vec::new(),
            places: vec![0],
        };
        let (mut byte, mut at) = (0, 0);
        for marker in markers(text) {
            let start = marked.pass(&text[byte..marker.range.start], at);
            let end = start + text[marker.range.clone()].chars().count();
            let after = marked.places.len() - 1;
            marked
                .marks
                .extend(marker.numbers.iter().map(|number| Mark {
                    number: *number,
                    start,
                    end,
                    after,
                }));
            (byte, at) = (marker.range.end, end);
        }
        marked.pass(&text[byte..], at);
        marked
    }

    /// Takes in text outside of markers that starts at `at`; gives its end.
    fn pass(&mut self, text: &str, mut at: usize) -> usize {
        for character in text.chars() {
            at += 1;
            if !character.is_whitespace() {
                self.places.push(at);
            }
        }
        at
    }

    /// Where the mark of another version of this text is here.
    fn place(&self, mark: Option<&Mark>) -> (usize, usize) {
        let last = self.places.last().copied().unwrap_or_default();
        let Some(mark) = mark else {
            return (last, last);
        };
        let same = |own: &&Mark| own.number == mark.number && own.after == mark.after;
        match self.marks.iter().find(same) {
            Some(own) => (own.start, own.end),
            None => {
                let place = self.places.get(mark.after).copied().unwrap_or(last);
                (place, place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::annotations;
    use crate::types::{Citation, Placement};

    fn citation(number: u32) -> Citation {
        Citation {
            number,
            document_id: "d".into(),
            filename: "f.pdf".into(),
            title: "F".into(),
            chunk_index: 0,
            page: 1,
            page_number: None,
            start: 0,
            end: 1,
            text: "t".into(),
            score: 0.5,
            placement: Placement::default(),
        }
    }

    /// What stands in `sent` at each citation's place.
    fn marked(sent: &str, content: &str, numbers: &[u32]) -> Vec<String> {
        let citations: Vec<Citation> = numbers.iter().map(|number| citation(*number)).collect();
        let at = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
        annotations(sent, content, &citations, "http://here")
            .iter()
            .map(|one| {
                let place = &one["url_citation"];
                let (start, end) = (at(&place["start_index"]), at(&place["end_index"]));
                let text: Vec<char> = sent.chars().collect();
                let before: String = text[start.saturating_sub(2)..start].iter().collect();
                let inside: String = text[start..end].iter().collect();
                format!("{before}|{inside}")
            })
            .collect()
    }

    #[test]
    fn citation_stands_at_its_marker_counted_in_characters() {
        let text = "Naïve façade [1]. Ünder [2].";
        assert_eq!(marked(text, text, &[1, 2]), ["e |[1]", "r |[2]"]);
    }

    #[test]
    fn citation_added_later_stands_where_its_sentence_ends() {
        let sent = "A one. B two [1]. C three [2].";
        let content = "A one [2]. B two [1]. C three [2].";
        assert_eq!(
            marked(sent, content, &[2, 1, 2]),
            ["ne|", "o |[1]", "e |[2]"]
        );
    }

    #[test]
    fn marker_that_was_corrected_is_not_taken_for_the_citation() {
        assert_eq!(marked("A one [3].", "A one [1].", &[1]), ["ne|"]);
    }

    #[test]
    fn number_in_a_quote_is_not_taken_for_its_marker() {
        let text = "As said in [2] before. [1]\n\nNext. [2]";
        assert_eq!(marked(text, text, &[1, 2]), [". |[1]", ". |[2]"]);
    }
}
