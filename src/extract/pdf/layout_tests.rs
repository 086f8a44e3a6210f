//! Lines of pages whose characters are placed by hand.

use super::{lines, without_leaders};
use crate::extract::pdf::glyphs::Glyph;

fn write(glyphs: &mut Vec<Glyph>, x: f64, y: f64, text: &str) {
    for (index, c) in text.chars().enumerate() {
        glyphs.push(Glyph {
            text: c.to_string(),
            x: x + 5.0 * index as f64,
            y,
            width: 5.0,
            size: 10.0,
            turn: 0,
            font: 0,
            bold: false,
        });
    }
}

fn texts(glyphs: &[Glyph]) -> Vec<String> {
    lines(glyphs).into_iter().map(|line| line.text).collect()
}

#[test]
fn columns_of_prose_are_read_one_after_the_other() {
    let mut glyphs = Vec::new();
    write(
        &mut glyphs,
        50.0,
        700.0,
        &"a title over both columns ".repeat(3),
    );
    for row in 0..8 {
        let y = 680.0 - 12.0 * f64::from(row);
        write(
            &mut glyphs,
            50.0,
            y,
            &format!("left column line number {row} here"),
        );
        write(
            &mut glyphs,
            300.0,
            y - 3.0,
            &format!("right column line number {row}"),
        );
    }
    let read = texts(&glyphs);
    assert_eq!(read.len(), 17);
    assert!(read[1..9].iter().all(|line| line.starts_with("left")));
    assert!(read[9..].iter().all(|line| line.starts_with("right")));
}

#[test]
fn rows_of_a_table_stay_together() {
    let mut glyphs = Vec::new();
    for row in 0..8 {
        let y = 680.0 - 12.0 * f64::from(row);
        write(&mut glyphs, 50.0, y, &format!("Expense number {row}"));
        write(&mut glyphs, 300.0, y, "$");
        write(&mut glyphs, 340.0, y, "1,200");
        write(&mut glyphs, 400.0, y, "(3)");
    }
    assert_eq!(texts(&glyphs)[2], "Expense number 2\t$ 1,200\t(3)");
}

/// Two columns, the left one longer.
fn columns(glyphs: &mut Vec<Glyph>) {
    for row in 0..10 {
        let y = 680.0 - 12.0 * f64::from(row);
        write(glyphs, 50.0, y, &format!("left column line number {row}"));
        if row < 8 {
            write(glyphs, 300.0, y, &format!("right column line number {row}"));
        }
    }
}

#[test]
fn what_follows_columns_is_not_read_with_them() {
    let mut glyphs = Vec::new();
    columns(&mut glyphs);
    write(&mut glyphs, 50.0, 540.0, "Heading below");
    for (row, cells) in [
        ["Part", "Price", "Stock", "Unit"],
        ["P-40", "118", "12", "pc"],
    ]
    .iter()
    .enumerate()
    {
        for (cell, x) in cells.iter().zip([50.0, 150.0, 300.0, 400.0]) {
            write(&mut glyphs, x, 520.0 - 12.0 * row as f64, cell);
        }
    }
    let read = texts(&glyphs);
    assert!(read[..10].iter().all(|line| line.starts_with("left")));
    assert!(read[10..18].iter().all(|line| line.starts_with("right")));
    let below = [
        "Heading below",
        "Part\tPrice\tStock\tUnit",
        "P-40\t118\t12\tpc",
    ];
    assert_eq!(read[18..], below);
}

#[test]
fn title_that_ends_between_columns_does_not_hide_them() {
    let mut glyphs = Vec::new();
    write(
        &mut glyphs,
        50.0,
        700.0,
        "a title that ends a little before the right column",
    );
    for row in 0..40 {
        let y = 680.0 - 12.0 * f64::from(row);
        write(
            &mut glyphs,
            50.0,
            y,
            "the left column of the page goes down to here it",
        );
        write(
            &mut glyphs,
            302.0,
            y,
            "the right column of the page goes there",
        );
    }
    let read = texts(&glyphs);
    assert_eq!(read.len(), 81);
    assert!(read[1..41].iter().all(|line| line.starts_with("the left")));
}

#[test]
fn labels_stay_with_what_they_label() {
    let mut glyphs = Vec::new();
    for (row, label) in [
        "Investigator in charge:",
        "Participating persons:",
        "Docket of the case:",
    ]
    .iter()
    .enumerate()
    {
        for line in 0..3 {
            let y = 680.0 - 12.0 * (3 * row + line) as f64;
            if line == 0 {
                write(&mut glyphs, 50.0, y, label);
            }
            write(
                &mut glyphs,
                300.0,
                y,
                &format!("words that tell of it, part {line}"),
            );
        }
    }
    assert_eq!(
        texts(&glyphs)[3],
        "Participating persons:\twords that tell of it, part 0"
    );
}

#[test]
fn marks_too_small_to_be_seen_are_left_out() {
    let mut glyphs = Vec::new();
    write(&mut glyphs, 50.0, 700.0, "Mission");
    write(&mut glyphs, 300.0, 700.0, "_9b56");
    let mark = glyphs.iter_mut().filter(|glyph| glyph.x >= 300.0);
    mark.for_each(|glyph| glyph.size = 0.9);
    assert_eq!(texts(&glyphs), ["Mission"]);
}

#[test]
fn leaders_of_a_table_of_contents_become_a_tab() {
    assert_eq!(
        without_leaders("1.2. Access ........... 23"),
        "1.2. Access\t23"
    );
    assert_eq!(
        without_leaders("and so on... He left."),
        "and so on... He left."
    );
}

#[test]
fn raised_characters_stay_in_their_line() {
    let mut glyphs = Vec::new();
    write(&mut glyphs, 50.0, 700.0, "water");
    glyphs.push(Glyph {
        text: "2".into(),
        x: 75.5,
        y: 703.5,
        width: 3.0,
        size: 6.0,
        turn: 0,
        font: 0,
        bold: false,
    });
    write(&mut glyphs, 84.0, 700.0, "flows");
    assert_eq!(texts(&glyphs), ["water2 flows"]);
}

#[test]
fn line_is_bold_if_all_of_it_is_and_knows_its_cells() {
    let mut glyphs = Vec::new();
    write(&mut glyphs, 50.0, 700.0, "Part");
    write(&mut glyphs, 150.0, 700.0, "Price");
    glyphs.iter_mut().for_each(|glyph| glyph.bold = true);
    write(&mut glyphs, 50.0, 680.0, "run");
    glyphs.last_mut().unwrap().bold = true;
    let read = lines(&glyphs);
    assert_eq!([read[0].bold, read[1].bold], [true, false]);
    assert_eq!(read[0].cells, [50.0..70.0, 150.0..175.0]);
}
