//! Names of times as tables have them above their columns: years, quarters and
//! halves, months, weeks, days.

/// What the number of a part of a year, or the year of a budget, stands beside.
const PARTS: [&str; 8] = ["q", "h", "fy", "cy", "w", "wk", "kw", "cw"];
/// Months by their first three letters, in English and German.
const MONTHS: [&str; 16] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mär",
    "mai", "okt", "dez",
];
/// Letters of the longest name of a month.
const LONGEST_MONTH: usize = 9;
/// Words and numbers of a name.
const MOST_WORDS: usize = 4;

/// Whether the number can be that of a year.
pub(super) fn is_year(number: u16) -> bool {
    (1900..2100).contains(&number)
}

/// Whether the cell names a time that is no shorter than a day.
pub(super) fn is_period(cell: &str) -> bool {
    let shape: Option<Vec<Word>> = words(cell).into_iter().map(Word::of).collect();
    match shape.as_deref() {
        Some([Word::Year] | [Word::Month]) => true,
        Some([Word::Part, Word::Small | Word::Year, rest @ ..])
        | Some([Word::Small, Word::Part, rest @ ..])
        | Some([Word::Month, Word::Small | Word::Year, rest @ ..]) => {
            matches!(rest, [] | [Word::Small | Word::Year])
        }
        Some([Word::Year, Word::Part, Word::Small] | [Word::Year, Word::Month]) => true,
        Some([Word::Small, Word::Month] | [Word::Small, Word::Month, Word::Year]) => true,
        Some([Word::Year, Word::Small | Word::Year] | [Word::Small, Word::Year]) => {
            // With a point between them they are one number.
            cell.contains(['-', '/', '–'])
        }
        Some([Word::Year, Word::Small, Word::Small] | [Word::Small, Word::Small, Word::Year]) => {
            true
        }
        _ => false,
    }
}

/// What a word or a number of a name is.
#[derive(Clone, Copy)]
enum Word {
    Year,
    /// A number of at most two digits.
    Small,
    Part,
    Month,
}

impl Word {
    fn of(word: &str) -> Option<Self> {
        let lower = word.to_lowercase();
        let first: String = lower.chars().take(3).collect();
        match word.len() {
            4 if word.parse().is_ok_and(is_year) => Some(Self::Year),
            1 | 2 if word.bytes().all(|byte| byte.is_ascii_digit()) => Some(Self::Small),
            _ if PARTS.contains(&lower.as_str()) => Some(Self::Part),
            ..=LONGEST_MONTH if MONTHS.contains(&first.as_str()) => Some(Self::Month),
            _ => None,
        }
    }
}

/// The runs of letters and of digits of a cell; what stands between them only
/// divides. Empty if there are too many, or another sign is among them.
fn words(cell: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = cell.trim();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            c if c.is_ascii_digit() => rest.find(|c: char| !c.is_ascii_digit()),
            c if c.is_alphabetic() => rest.find(|c: char| !c.is_alphabetic()),
            ' ' | '-' | '–' | '/' | '.' | ',' | '\'' | '’' => {
                rest = &rest[first.len_utf8()..];
                continue;
            }
            _ => return Vec::new(),
        };
        if found.len() == MOST_WORDS {
            return Vec::new();
        }
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        found.push(word);
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::is_period;

    #[test]
    fn times_are_known_as_tables_name_them() {
        for name in [
            "2024",
            "Q1",
            "q4 2023",
            "2023 Q4",
            "1Q24",
            "Q1/24",
            "H2",
            "FY24",
            "FY 2024/25",
            "2023/24",
            "2024-01",
            "01/2024",
            "Jan 2024",
            "Jan. '24",
            "January",
            "März 2024",
            "2024-01-15",
            "15.01.2024",
            "15 Jan 2024",
            "KW 12",
            "W3 2024",
        ] {
            assert!(is_period(name), "{name}");
        }
        for other in [
            "",
            "12",
            "12.5",
            "1999.95",
            "2024.5",
            "P-40",
            "A1",
            "2200",
            "5-10",
            "Mr. 12 Oak Rd",
            "North",
            "Q",
            "12 %",
            "$2024",
            "1,950",
            "Marketplace 2",
        ] {
            assert!(!is_period(other), "{other}");
        }
    }
}
