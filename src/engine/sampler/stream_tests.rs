//! However a stream is cut into tokens, a reader sees the same.

use super::random::Random;
use super::{AnswerPiece, AnswerStream, Characters, Split, StopFilter, ThinkingFilter};
use super::{Emit, ThinkingTags};

/// What a reader saw of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    thinking: String,
    text: String,
    stopped: bool,
}

impl Seen {
    fn add(&mut self, piece: AnswerPiece) {
        self.thinking.push_str(&piece.thinking);
        self.text.push_str(&piece.text);
        self.stopped |= piece.stopped;
    }
}

fn stops(stops: &[&str]) -> StopFilter {
    let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
    StopFilter::new(&stops)
}

fn thinking(inside: bool, budget: Option<usize>) -> ThinkingFilter {
    ThinkingFilter::new(ThinkingTags::default(), inside, budget)
}

fn read<'a>(mut stream: AnswerStream, tokens: impl Iterator<Item = &'a [u8]>) -> Seen {
    let mut seen = Seen::default();
    for token in tokens {
        seen.add(stream.push(token));
        if seen.stopped {
            return seen;
        }
    }
    seen.add(stream.finish());
    seen
}

/// Reads `bytes` whole, byte by byte, in all pairs of pieces and in many
/// random cuts; what was seen must always be the same.
fn read_in_every_way(stream: impl Fn() -> AnswerStream, bytes: &[u8]) -> Seen {
    let whole = read(stream(), std::iter::once(bytes));
    assert_eq!(read(stream(), bytes.chunks(1)), whole);
    for at in 0..bytes.len() {
        let (left, right) = bytes.split_at(at);
        assert_eq!(read(stream(), [left, right].into_iter()), whole, "{at}");
    }
    for seed in 0..300 {
        let random = Random::new(seed);
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let longest = 1.0 + seed as f64 % 9.0;
            let drawn = random.uniform(pieces.len() as u64) * (longest + 1.0);
            let (piece, left) = rest.split_at((drawn as usize).min(rest.len()));
            pieces.push(piece);
            rest = left;
        }
        assert_eq!(read(stream(), pieces.into_iter()), whole, "seed {seed}");
    }
    whole
}

fn answer(stopping: &[&str], text: &[u8]) -> Seen {
    let stream = || AnswerStream::new(Characters::default(), None, stops(stopping));
    read_in_every_way(stream, text)
}

fn reasoned(inside: bool, stopping: &[&str], text: &str) -> Seen {
    let filter = || Some(thinking(inside, None));
    let stream = || AnswerStream::new(Characters::default(), filter(), stops(stopping));
    read_in_every_way(stream, text.as_bytes())
}

#[test]
fn character_spread_over_tokens_comes_whole() {
    let mut characters = Characters::default();
    let fox = "🦊".as_bytes();
    let pieces = [&fox[..1], &fox[1..3], &fox[3..], b"!"].map(|bytes| characters.push(bytes));
    assert_eq!(pieces, ["", "", "🦊", "!"]);
    assert_eq!(characters.finish(), "");
}

#[test]
fn text_without_stop_strings_comes_unchanged() {
    let text = "naïve 🦊 日本語\n\n<think>é";
    assert_eq!(answer(&[], text.as_bytes()).text, text);
}

#[test]
fn invalid_bytes_become_replacement_characters() {
    let seen = answer(&[], b"a\xFFb\xE2\x82c\xF0\x9F\x98\xED\xA0\x80");
    assert_eq!(
        seen.text,
        String::from_utf8_lossy(b"a\xFFb\xE2\x82c\xF0\x9F\x98\xED\xA0\x80")
    );
}

#[test]
fn character_cut_off_at_the_end_is_not_lost_silently() {
    assert_eq!(answer(&[], b"a\xF0\x9F").text, "a\u{FFFD}");
}

#[test]
fn space_of_the_encoding_is_dropped_once() {
    let mut characters = Characters::new(true);
    let pieces = [b"".as_slice(), b" a", b" b"].map(|bytes| characters.push(bytes));
    assert_eq!(pieces, ["", "a", " b"]);
}

#[test]
fn nothing_behind_a_stop_string_is_seen() {
    let seen = answer(&["\nUser:"], "yes\nUs or\nUser: more".as_bytes());
    assert_eq!((seen.text.as_str(), seen.stopped), ("yes\nUs or", true));
}

#[test]
fn stop_string_of_several_bytes_a_character_is_found() {
    let seen = answer(&["。終"], "はい。終わり".as_bytes());
    assert_eq!((seen.text.as_str(), seen.stopped), ("はい", true));
}

#[test]
fn stop_string_that_is_complete_first_counts() {
    assert_eq!(answer(&["abcd", "bc"], b"xabcd").text, "xa");
    assert_eq!(answer(&["bc", "abc"], b"xabc").text, "x");
    assert_eq!(answer(&["aab"], b"aaab").text, "a");
}

#[test]
fn text_that_only_resembles_a_stop_string_is_released() {
    let seen = answer(&["END", "</s>"], "the EN and </".as_bytes());
    assert_eq!(seen.text, "the EN and </");
    assert!(!seen.stopped);
}

#[test]
fn only_what_may_become_a_stop_string_is_held_back() {
    let mut filter = stops(&["END"]);
    let texts = ["the E", "N", "T", " EN"].map(|text| filter.push(text).text);
    assert_eq!(texts, ["the ", "", "ENT", " "]);
    assert_eq!(filter.finish().text, "EN");
}

#[test]
fn stopped_text_stays_stopped_and_empty_stop_strings_are_ignored() {
    let mut filter = stops(&["", "."]);
    assert_eq!(filter.push("a").text, "a");
    assert!(filter.push(".b").stopped);
    let nothing = Emit {
        text: String::new(),
        stopped: true,
    };
    assert_eq!(filter.push("c"), nothing);
    assert_eq!(filter.finish(), nothing);
}

#[test]
fn thinking_is_seen_apart_from_the_answer() {
    let seen = reasoned(
        false,
        &[],
        "\n<think>\nHm, 2 < 3.\n\n</think>\n\nThree is </ more.",
    );
    assert_eq!(seen.thinking, "Hm, 2 < 3.");
    assert_eq!(seen.text, "Three is </ more.");
}

#[test]
fn stream_that_starts_inside_thinking_needs_no_opening_tag() {
    let seen = reasoned(true, &[], "\nHm.</think>Yes.");
    assert_eq!(
        (seen.thinking.as_str(), seen.text.as_str()),
        ("Hm.", "Yes.")
    );
    let seen = reasoned(true, &[], "<think>Hm.</think>\nYes.");
    assert_eq!(
        (seen.thinking.as_str(), seen.text.as_str()),
        ("Hm.", "Yes.")
    );
}

#[test]
fn answer_without_thinking_and_answer_about_tags_come_unchanged() {
    for text in ["Plain.", " <thin", "Write <think>x</think>.", "  \n", ""] {
        let seen = reasoned(false, &[], text);
        assert_eq!((seen.thinking.as_str(), seen.text.as_str()), ("", text));
    }
}

#[test]
fn thinking_that_never_ends_is_all_thinking() {
    let seen = reasoned(false, &[], "<think>on and </thi");
    assert_eq!(
        (seen.thinking.as_str(), seen.text.as_str()),
        ("on and </thi", "")
    );
}

#[test]
fn empty_thinking_leaves_the_answer() {
    let seen = reasoned(false, &[], "<think>\n\n</think>\n\nYes.");
    assert_eq!((seen.thinking.as_str(), seen.text.as_str()), ("", "Yes."));
}

#[test]
fn stop_strings_do_not_end_thinking() {
    let seen = reasoned(false, &["\n\n"], "<think>one\n\ntwo</think>three\n\nfour");
    assert_eq!(seen.thinking, "one\n\ntwo");
    assert_eq!((seen.text.as_str(), seen.stopped), ("three", true));
}

#[test]
fn spent_budget_is_said_once_and_counts_tokens_of_thinking_only() {
    let mut filter = thinking(false, Some(3));
    let said =
        ["<think>", "a", "b", "c", "d", "</think>", "e"].map(|token| filter.push(token).close_now);
    assert_eq!(said, [false, false, false, true, false, false, false]);
    assert_eq!(filter.thinking_tokens(), 4);
    assert!(!filter.is_thinking());
}

#[test]
fn forced_closing_tag_begins_the_answer() {
    let mut filter = thinking(true, Some(1));
    assert!(filter.push("Hm").close_now);
    filter.push("</think>");
    let answer = Split {
        answer: "Yes".to_owned(),
        ..Split::default()
    };
    assert_eq!(filter.push("Yes"), answer);
}

#[test]
fn short_thinking_does_not_spend_its_budget() {
    let mut filter = thinking(false, Some(3));
    let tokens = ["<think>", "a", "</think>", "b", "c", "d", "e"];
    assert!(tokens.iter().all(|token| !filter.push(token).close_now));
}
