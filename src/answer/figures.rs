//! The numbers and dates of a text, read alike however they are written: `1,000` and
//! `1000`, `7,1` and `7.1`, `1990s` and `1990`, `1.5 million` and `1,500,000`,
//! `5 March 2024` and `2024-03-05`. English and German.
//!
//! A reading is a string that equal readings share: a number with a point before its
//! decimals, a day of a month as ISO 8601 writes it (`--03-05`), or a day of a month
//! that is not known (`---05`).

use std::collections::HashSet;

/// The figures that a text states, each with all its readings. It is borne out by
/// [`numbers`] that hold one of them.
pub(super) fn figures(text: &str) -> Vec<Vec<String>> {
    let read = Figures::new(text, false);
    let all = read.tokens.iter().enumerate();
    all.flat_map(|(at, token)| read.stated(at, token)).collect()
}

/// All readings of the numbers of a text. With `spelled`, small numbers in words
/// count too.
pub(super) fn numbers(text: &str, spelled: bool) -> HashSet<String> {
    let read = Figures::new(text, spelled);
    let all = read.tokens.iter().enumerate();
    all.flat_map(|(at, token)| read.offered(at, token))
        .collect()
}

/// What figures are made of; all else is left out.
enum Token<'a> {
    Word(&'a str),
    /// Digits and the signs between them.
    Number(String),
    /// Its months and days, two where it may be read in two ways.
    Date {
        year: String,
        days: Vec<(usize, usize)>,
    },
}

struct Figures<'a> {
    tokens: Vec<Token<'a>>,
    /// The sign before decimals, if one of the numbers gives it away.
    decimal: Option<char>,
    /// How many zeros its words like "million" add.
    scales: Vec<usize>,
}

impl<'a> Figures<'a> {
    fn new(text: &'a str, spelled: bool) -> Self {
        let tokens = tokens(text, spelled);
        let scales = tokens.iter().filter_map(scale).collect();
        let mut signs = tokens.iter().filter_map(|token| match token {
            Token::Number(run) => decimal_sign(run),
            _ => None,
        });
        let first = signs.next();
        Self {
            decimal: first.filter(|first| signs.all(|other| other == *first)),
            scales,
            tokens,
        }
    }

    fn stated(&self, at: usize, token: &Token<'_>) -> Vec<Vec<String>> {
        match token {
            Token::Word(_) => Vec::new(),
            Token::Number(run) => match self.days(at, run) {
                days if days.is_empty() => vec![self.scaled(at, run)],
                days => vec![either_day(&days)],
            },
            Token::Date { year, days } => vec![vec![year.clone()], either_day(days)],
        }
    }

    fn offered(&self, at: usize, token: &Token<'_>) -> Vec<String> {
        match token {
            Token::Word(_) => Vec::new(),
            Token::Number(run) => {
                let mut found = values(run, self.decimal);
                found.extend(self.scaled(at, run));
                match self.days(at, run) {
                    days if days.is_empty() => found.extend(day(run).map(any_month)),
                    days => found.extend(days.iter().map(day_of_month)),
                }
                found
            }
            Token::Date { year, days } => {
                let parts = days.iter().flat_map(|(month, day)| [month, day]);
                let parts = parts.map(ToString::to_string);
                let days = days.iter().map(day_of_month);
                days.chain(parts).chain([year.clone()]).collect()
            }
        }
    }

    /// The months beside a number that may be a day, with it: `5 March`, `March 5th`.
    fn days(&self, at: usize, run: &str) -> Vec<(usize, usize)> {
        const JOINTS: &[&str] = &["st", "nd", "rd", "th", "of", "the"];
        let is_joint =
            |token: &&Token<'_>| matches!(token, Token::Word(word) if JOINTS.contains(word));
        let before = self.tokens[..at].iter().rev().find(|one| !is_joint(one));
        let behind = self.tokens[at + 1..].iter().find(|one| !is_joint(one));
        let months = [before, behind].into_iter().flatten().filter_map(month);
        day(run).map_or_else(Vec::new, |day| months.map(|month| (month, day)).collect())
    }

    /// The readings of a number with its "million". One without may share that of
    /// another, as in "5 to 6 million", or of a table's head.
    fn scaled(&self, at: usize, run: &str) -> Vec<String> {
        let plain = values(run, self.decimal);
        let times = |zeros: &usize| plain.iter().map(|one| times(one, *zeros)).collect();
        match self.tokens.get(at + 1).and_then(scale) {
            Some(zeros) => times(&zeros),
            None => {
                let shared: Vec<Vec<String>> = self.scales.iter().map(times).collect();
                plain
                    .into_iter()
                    .chain(shared.into_iter().flatten())
                    .collect()
            }
        }
    }
}

fn tokens(text: &str, spelled: bool) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = Kind::of(first);
        let end = rest.find(|c| Kind::of(c) != kind);
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        match kind {
            Kind::Letters if spelled => found.push(spelled_out(piece)),
            Kind::Letters => found.push(Token::Word(piece)),
            Kind::Figures => read_run(piece, &mut found),
            Kind::Other => {}
        }
        rest = behind;
    }
    found
}

#[derive(PartialEq)]
enum Kind {
    Letters,
    Figures,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            '0'..='9' | '.' | ',' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '-' | '/' => {
                Self::Figures
            }
            c if c.is_alphabetic() => Self::Letters,
            _ => Self::Other,
        }
    }
}

/// A run of digits and signs is a date, or numbers between which lines stand.
fn read_run(piece: &str, found: &mut Vec<Token<'_>>) {
    let bare = |text: &str| text.trim_matches(|c: char| !c.is_ascii_digit()).to_owned();
    if let Some(date) = date(&bare(piece)) {
        found.push(date);
        return;
    }
    let runs = piece.split(['-', '/']).map(bare);
    found.extend(runs.filter(|run| !run.is_empty()).map(Token::Number));
}

/// `2024-03-05`, `05.03.2024`; `03/05/2024` is read in both ways.
fn date(run: &str) -> Option<Token<'static>> {
    let sign = run.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = run.split(sign).collect();
    let [first, second, third] = parts.as_slice() else {
        return None;
    };
    let (year, orders) = match (first.len(), third.len(), sign) {
        (4, 1..=2, '-' | '/' | '.') => (first, vec![(second, third)]),
        (1..=2, 4, '.') => (third, vec![(second, first)]),
        (1..=2, 4, '-' | '/') => (third, vec![(second, first), (first, second)]),
        _ => return None,
    };
    let valid = orders.into_iter().filter_map(|(month, of_month)| {
        let month = day(month).filter(|month| *month <= MONTHS.len())?;
        Some((month, day(of_month)?))
    });
    let days: Vec<(usize, usize)> = valid.collect();
    let year = year.parse::<u32>().ok()?.to_string();
    (!days.is_empty()).then_some(Token::Date { year, days })
}

/// A number that may be one of a day.
fn day(run: &str) -> Option<usize> {
    run.parse().ok().filter(|day| (1..=31).contains(day))
}

fn day_of_month((month, day): &(usize, usize)) -> String {
    format!("--{month:02}-{day:02}")
}

fn any_month(day: usize) -> String {
    format!("---{day:02}")
}

/// A number without a month that is known may be the day: of "5 mars", or of a
/// month that is named once for two days.
fn either_day(days: &[(usize, usize)]) -> Vec<String> {
    let loose = days.iter().map(|(_, day)| any_month(*day));
    days.iter().map(day_of_month).chain(loose).collect()
}

/// Only with a capital, because "may" and "march" are other words too.
fn month(token: &Token<'_>) -> Option<usize> {
    let Token::Word(word) = token else {
        return None;
    };
    let lower = word.to_lowercase();
    let at = MONTHS
        .iter()
        .position(|names| names.contains(&lower.as_str()));
    at.filter(|_| word.starts_with(char::is_uppercase))
        .map(|at| at + 1)
}

const MONTHS: &[&[&str]] = &[
    &["january", "januar", "jänner", "jan"],
    &["february", "februar", "feb"],
    &["march", "märz", "mar", "mär"],
    &["april", "apr"],
    &["may", "mai"],
    &["june", "juni", "jun"],
    &["july", "juli", "jul"],
    &["august", "aug"],
    &["september", "sept", "sep"],
    &["october", "oktober", "oct", "okt"],
    &["november", "nov"],
    &["december", "dezember", "dec", "dez"],
];

/// How many zeros a word adds to the number before it. "Billionen" is German.
fn scale(token: &Token<'_>) -> Option<usize> {
    let Token::Word(word) = token else {
        return None;
    };
    match word.to_lowercase().as_str() {
        "thousand" | "tausend" => Some(3),
        "million" | "millions" | "millionen" | "mio" => Some(6),
        "billion" | "billions" | "milliarde" | "milliarden" | "mrd" => Some(9),
        "trillion" | "trillions" | "billionen" => Some(12),
        _ => None,
    }
}

/// A number with its point moved. What is none, such as a version, stays as it is.
fn times(number: &str, zeros: usize) -> String {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if decimals.contains('.') {
        return number.to_owned();
    }
    let digits = format!("{whole}{decimals:0<zeros$}");
    let (whole, decimals) = digits.split_at(whole.len() + zeros);
    let decimals = decimals.trim_end_matches('0');
    match decimals {
        "" => plain_whole(whole),
        _ => format!("{}.{decimals}", plain_whole(whole)),
    }
}

/// The ways to read a number. Exactly three digits behind one sign may be a group
/// or decimals, `3.125`: both, unless another number beside it says what the sign
/// is. So an answer's `3.125` agrees with a passage's `3125`: to deny a number
/// that is right is worse than to let one pass. Three zeros are a group.
fn values(run: &str, decimal: Option<char>) -> Vec<String> {
    let (parts, signs) = taken_apart(run);
    let grouped = is_grouped(&parts);
    match (parts.as_slice(), signs.as_slice()) {
        ([whole], _) => vec![plain_whole(whole)],
        ([whole, behind], [sign @ ('.' | ',')]) => {
            let is_group = grouped && (decimal != Some(*sign) || *behind == "000");
            let other = if *sign == '.' { ',' } else { '.' };
            let is_decimal = !grouped || (decimal != Some(other) && *behind != "000");
            let group = is_group.then(|| parts.concat());
            let fraction = is_decimal.then(|| format!("{}.{behind}", plain_whole(whole)));
            group.into_iter().chain(fraction).collect()
        }
        ([groups @ .., decimals], [.., before, last]) if before != last && is_grouped(groups) => {
            vec![format!("{}.{decimals}", groups.concat())]
        }
        _ if grouped && signs.iter().all(|sign| *sign == signs[0]) => vec![parts.concat()],
        _ => vec![parts.join(".")],
    }
}

/// The sign before decimals in all of a text, as far as a number can be read in no
/// other way. One point between digits says nothing: there are dates and sections.
fn decimal_sign(run: &str) -> Option<char> {
    let (parts, signs) = taken_apart(run);
    match (parts.as_slice(), signs.as_slice()) {
        (["0", _], [sign]) => Some(*sign),
        ([_, behind], [',']) if behind.len() != 3 => Some(','),
        ([groups @ .., _], [.., before, last]) if before != last && is_grouped(groups) => {
            Some(*last)
        }
        (all, ['.', '.', ..]) if is_grouped(all) => Some(','),
        (all, [',', ',', ..]) if is_grouped(all) => Some('.'),
        _ => None,
    }
}

fn taken_apart(run: &str) -> (Vec<&str>, Vec<char>) {
    let parts = run.split(|c: char| !c.is_ascii_digit());
    let signs = run.chars().filter(|c| !c.is_ascii_digit());
    (parts.collect(), signs.collect())
}

/// Whether the parts can be groups of a whole number's digits.
fn is_grouped(parts: &[&str]) -> bool {
    let Some((first, behind)) = parts.split_first() else {
        return false;
    };
    let leads = (1..=3).contains(&first.len()) && !first.starts_with('0');
    leads && !behind.is_empty() && behind.iter().all(|part| part.len() == 3)
}

/// Without the zeros before it: the day of `2024-03-05` is 5.
fn plain_whole(digits: &str) -> String {
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        plain => plain.to_owned(),
    }
}

/// The number that a word spells, or the word.
fn spelled_out(word: &str) -> Token<'_> {
    let lower = word.to_lowercase();
    let at = SPELLED
        .iter()
        .position(|names| names.contains(&lower.as_str()));
    at.map_or(Token::Word(word), |at| Token::Number((at + 1).to_string()))
}

const SPELLED: &[&[&str]] = &[
    &["one", "first", "once", "ein", "eine", "erste"],
    &["two", "second", "twice", "zwei", "zweite"],
    &["three", "third", "drei", "dritte"],
    &["four", "fourth", "vier"],
    &["five", "fifth", "fünf"],
    &["six", "sixth", "sechs"],
    &["seven", "seventh", "sieben"],
    &["eight", "eighth", "acht"],
    &["nine", "ninth", "neun"],
    &["ten", "tenth", "zehn"],
    &["eleven", "eleventh", "elf"],
    &["twelve", "twelfth", "zwölf"],
];

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
