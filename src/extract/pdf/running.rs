//! Takes running heads, running feet and page numbers out of the pages: lines
//! that stand at one height of many pages and say the same, or hold a number that
//! counts with the pages. They cut sentences and would be found on every page.
//! No words are lost: the first page on which a running line says something
//! keeps it, and a page that has nothing else keeps all. Must not look into the text
//! between the outermost rows of a page.

use super::layout::Line;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Rows that may be running ones, from either edge of a page.
const ROWS: usize = 4;
/// Pages that have a line before it is a running one.
const PAGES: usize = 3;
/// The same for a line that is nothing but the number of its page.
const NUMBERED_PAGES: usize = 2;
/// Heights that differ by no more are the same, in points.
const TOLERANCE: f64 = 3.0;
/// A row of more cells is the head of a table.
const CELLS: usize = 3;
/// Digits of a page number; longer ones are marks of the page's content.
const DIGITS: usize = 5;
/// Type this much larger than that of the body is a title's, which runs only
/// if most pages have it.
const TITLE_SIZE: f64 = 1.15;

/// What may stand beside the number of a page.
const PAGE_WORDS: [&str; 30] = [
    "page",
    "pages",
    "p",
    "pg",
    "of",
    "seite",
    "seiten",
    "s",
    "von",
    "página",
    "pagina",
    "pág",
    "pag",
    "de",
    "di",
    "sur",
    "strona",
    "str",
    "z",
    "sida",
    "side",
    "av",
    "af",
    "van",
    "стр",
    "страница",
    "из",
    "第",
    "页",
    "頁",
];

/// Removes the running lines. `body_size` is the size of most type.
pub(super) fn remove(pages: &mut [(u32, &mut Vec<Line>)], body_size: f64) {
    let mut places = Places::default();
    for (number, lines) in pages.iter() {
        let outer: BTreeSet<usize> = edges(lines).concat().concat().into_iter().collect();
        for at in outer {
            places.note(*number, &lines[at]);
        }
    }
    for line in pages.iter().flat_map(|(_, lines)| lines.iter()) {
        places.add_to_all(line);
    }
    let most = pages.len() / 2 + 1;
    places.finish(body_size * TITLE_SIZE, most);
    let mut said = HashSet::new();
    for (number, lines) in pages {
        let mut running: HashMap<usize, String> = HashMap::new();
        for edge in edges(lines) {
            for row in edge {
                let found = row
                    .iter()
                    .map(|at| Some((*at, places.running(*number, &lines[*at])?)));
                let Some(found) = found.collect::<Option<Vec<_>>>() else {
                    break;
                };
                running.extend(found);
            }
        }
        if running.len() == lines.len() {
            continue;
        }
        let mut at = 0;
        lines.retain_mut(|line| {
            let words = running.remove(&at);
            at += 1;
            let Some(words) = words else { return true };
            if line.text != words {
                line.cells.clear();
            }
            line.text.clone_from(&words);
            !words.is_empty() && said.insert(words)
        });
    }
}

/// Where a cell stands at the edges of pages.
#[derive(Default)]
struct Place {
    heights: Vec<f64>,
    /// How often it stands anywhere, between the edges too.
    all: usize,
}

impl Place {
    fn at(&self, y: f64) -> usize {
        let heights = &self.heights;
        let start = heights.partition_point(|height| *height < y - TOLERANCE);
        let end = heights.partition_point(|height| *height <= y + TOLERANCE);
        end - start
    }
}

/// Where the cells of running lines, and of others, stand.
#[derive(Default)]
struct Places {
    cells: HashMap<String, Place>,
    title_size: f64,
    /// Pages that have a title before it is a running one.
    title_pages: usize,
}

impl Places {
    fn note(&mut self, page: u32, line: &Line) {
        for cell in cells(line) {
            let keys = numbered(cell, page).into_iter().chain([cell.to_owned()]);
            for key in keys {
                self.cells.entry(key).or_default().heights.push(line.y);
            }
        }
    }

    fn add_to_all(&mut self, line: &Line) {
        for cell in cells(line) {
            if let Some(place) = self.cells.get_mut(cell) {
                place.all += 1;
            }
        }
    }

    fn finish(&mut self, title_size: f64, title_pages: usize) {
        let places = self.cells.values_mut();
        places.for_each(|place| place.heights.sort_by(f64::total_cmp));
        self.title_size = title_size;
        self.title_pages = title_pages;
    }

    /// What a running line says beside the number of its page.
    fn running(&self, page: u32, line: &Line) -> Option<String> {
        let cells = cells(line);
        let is_alone = cells.len() == 1;
        let counts = |key: &String| match is_alone {
            // A short page may have its number higher up.
            true => self.at(key, line.y) >= NUMBERED_PAGES || self.anywhere(key) >= PAGES,
            false => self.at(key, line.y) >= PAGES,
        };
        let is_number = |cell: &&str| numbered(cell, page).iter().any(counts);
        let (numbers, words): (Vec<&str>, Vec<&str>) = cells.into_iter().partition(is_number);
        let needed = match line.size >= self.title_size {
            true => self.title_pages.max(PAGES),
            false => PAGES,
        };
        // What stands at other heights as often is a part of the text.
        let repeats = |cell: &&str| {
            let all = self.cells.get(*cell).map_or(0, |place| place.all);
            let here = self.at(cell, line.y);
            here >= needed && here * 2 > all
        };
        let is_running = !numbers.is_empty() || words.iter().any(repeats);
        is_running.then(|| words.join("\t"))
    }

    fn anywhere(&self, cell: &str) -> usize {
        self.cells.get(cell).map_or(0, |place| place.heights.len())
    }

    fn at(&self, cell: &str, y: f64) -> usize {
        self.cells.get(cell).map_or(0, |place| place.at(y))
    }
}

/// The rows at the edges of a page, each edge from outside to inside, as
/// places in `lines`. Text of another direction has edges of its own.
fn edges(lines: &[Line]) -> Vec<Vec<Vec<usize>>> {
    let mut edges = Vec::new();
    for turn in 0..4 {
        let mut places: Vec<usize> = (0..lines.len())
            .filter(|at| lines[*at].turn == turn)
            .collect();
        places.sort_by(|a, b| lines[*b].y.total_cmp(&lines[*a].y));
        let same = |a: &usize, b: &usize| lines[*a].y - lines[*b].y < 0.5 * lines[*a].size;
        let rows: Vec<Vec<usize>> = places.chunk_by(same).map(<[usize]>::to_vec).collect();
        edges.push(rows.iter().take(ROWS).cloned().collect());
        edges.push(rows.into_iter().rev().take(ROWS).collect());
    }
    edges
}

/// The parts of a line; none of a line that is a row of a table.
fn cells(line: &Line) -> Vec<&str> {
    let cells: Vec<&str> = line.text.split('\t').collect();
    match cells.len() > CELLS {
        true => Vec::new(),
        false => cells,
    }
}

/// A cell that holds a page number and nothing else, as other pages have it:
/// with the first, and with the last of its numbers as the distance to the page.
fn numbered(cell: &str, page: u32) -> Vec<String> {
    let tokens = tokens(cell);
    let mut numbers = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if PAGE_WORDS.contains(&token.as_str()) {
            continue;
        }
        match number(token) {
            Some(value) => numbers.push((at, value)),
            None => return Vec::new(),
        }
    }
    let ends = [numbers.first(), numbers.last()];
    let ends = &ends[..numbers.len().min(2)];
    let form = |(at, value): &(usize, i64)| {
        let mut tokens = tokens.clone();
        tokens[*at] = format!("#{}", value - i64::from(page));
        tokens.join(" ")
    };
    ends.iter().flatten().map(|end| form(end)).collect()
}

/// Numbers and words in lower case; what stands between them is left out.
fn tokens(cell: &str) -> Vec<String> {
    let lower = cell.to_lowercase();
    let parts = lower.split(|c: char| !c.is_alphanumeric());
    let mut tokens = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let kind = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != kind);
            let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
            tokens.push(token.to_owned());
            rest = after;
        }
    }
    tokens
}

/// The value of an Arabic or a Roman number.
fn number(token: &str) -> Option<i64> {
    if token.len() > 2 * DIGITS {
        return None;
    }
    if token.starts_with(|c: char| c.is_ascii_digit()) {
        return (token.len() <= DIGITS)
            .then(|| token.parse().ok())
            .flatten();
    }
    let value = |c| match c {
        'i' => Some(1),
        'v' => Some(5),
        'x' => Some(10),
        'l' => Some(50),
        'c' => Some(100),
        _ => None,
    };
    let values: Vec<i64> = token.chars().map(value).collect::<Option<_>>()?;
    let signed = |(at, value): (usize, &i64)| match values.get(at + 1) {
        Some(next) if next > value => -value,
        _ => *value,
    };
    Some(values.iter().enumerate().map(signed).sum())
}

#[cfg(test)]
mod tests {
    use super::{Line, remove};

    fn line(y: f64, text: &str) -> Line {
        Line {
            text: text.to_owned(),
            left: 50.0,
            right: 500.0,
            y,
            size: 10.0,
            column: 1,
            turn: 0,
            bold: false,
            cells: Vec::new(),
        }
    }

    /// What is left of pages that are given as their heads, texts and feet.
    fn left(pages: &[(&str, &str, &str)]) -> Vec<String> {
        let page = |(head, body, foot): &(&str, &str, &str)| {
            let given = [(780.0, *head), (700.0, *body), (30.0, *foot)];
            let filled = given.iter().filter(|(_, text)| !text.is_empty());
            filled.map(|(y, text)| line(*y, text)).collect::<Vec<_>>()
        };
        let mut pages: Vec<Vec<Line>> = pages.iter().map(page).collect();
        let mut numbered: Vec<_> = (1..).zip(pages.iter_mut()).collect();
        remove(&mut numbered, 10.0);
        let text = |lines: &Vec<Line>| {
            let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
            texts.join(" / ")
        };
        pages.iter().map(text).collect()
    }

    #[test]
    fn running_head_stays_on_its_first_page_and_page_numbers_on_none() {
        let pages = [
            ("Water works\tPumps", "One.", "Page 1 of 4"),
            ("Water works\tPumps", "Two.", "Page 2 of 4"),
            ("3\tReservoirs", "Three.", ""),
            ("Water works\tWells", "Four.", "Page 4 of 4"),
        ];
        let wanted = [
            "Water works\tPumps / One.",
            "Two.",
            "3\tReservoirs / Three.",
            "Water works\tWells / Four.",
        ];
        assert_eq!(left(&pages), wanted);
    }

    #[test]
    fn number_that_does_not_count_with_the_pages_stays() {
        let pages = [
            ("Question 1", "One.", "Total 17"),
            ("Question 2", "Two.", "Total 18"),
            ("Question 3", "Three.", "Total 19"),
        ];
        assert_eq!(left(&pages)[1], "Question 2 / Two. / Total 18");
        let pages = [("", "One.", "7"), ("", "Two.", "12"), ("", "Three.", "3")];
        assert_eq!(left(&pages)[1], "Two. / 12");
    }

    #[test]
    fn roman_and_shifted_page_numbers_are_taken_out() {
        let pages = [
            ("xi", "One.", "– 241 –"),
            ("xii", "Two.", "– 242 –"),
            ("xiii", "Three.", "– 243 –"),
            ("xiv", "Four.", "– 244 –"),
        ];
        assert_eq!(left(&pages), ["One.", "Two.", "Three.", "Four."]);
    }

    #[test]
    fn date_of_every_page_is_kept_once_and_a_table_head_always() {
        let row = ("12/05/2023", "Part\tPrice\tStock\tUnit", "");
        let mut pages = [row; 4].map(|(head, row, _)| {
            vec![line(780.0, head), line(700.0, row), line(690.0, "P-40\t1")]
        });
        for (at, page) in pages.iter_mut().enumerate() {
            page[2].text += &(at * at).to_string();
        }
        let mut numbered: Vec<_> = (1..).zip(pages.iter_mut()).collect();
        remove(&mut numbered, 10.0);
        let counts: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(counts, [3, 2, 2, 2]);
    }

    #[test]
    fn line_that_other_pages_have_at_other_heights_is_text() {
        let mut pages: Vec<Vec<Line>> = (0..8)
            .map(|at| {
                let y = if at < 4 {
                    700.0
                } else {
                    600.0 - 10.0 * f64::from(at)
                };
                vec![line(y, "Target"), line(y - 20.0, &format!("Goal {at}"))]
            })
            .collect();
        let mut numbered: Vec<_> = (1..).zip(pages.iter_mut()).collect();
        remove(&mut numbered, 10.0);
        assert!(pages.iter().all(|lines| lines.len() == 2));
    }

    #[test]
    fn page_of_running_lines_alone_keeps_them() {
        let pages = [("", "Draft", ""); 4];
        assert_eq!(left(&pages), ["Draft"; 4]);
    }
}
