//! The layout of PDFs that real programs made: what a reader sees in the order
//! in which it is read.

use super::{Extracted, Limits, extract};
use crate::types::PageOutcome;
use std::path::Path;

fn read(name: &str) -> Extracted {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    extract(&folder.join(name), name, &Limits::default()).unwrap()
}

fn texts(read: &Extracted) -> Vec<&str> {
    read.pages.iter().map(|page| page.text.as_str()).collect()
}

#[test]
fn turned_pages_and_turned_text_are_read_like_upright_ones() {
    let read = read("rotated.pdf");
    let wanted = (1..=7).map(|valve| {
        format!(
            "Valve {valve} is closed by hand before the pump is started again.\n\n\
             Valve: V-{valve};\tBar: 16\nValve: V-{valve}0;\tBar: 25"
        )
    });
    assert_eq!(texts(&read), wanted.collect::<Vec<_>>());
}

#[test]
fn vertical_lines_are_read_from_right_to_left() {
    let read = read("vertical.pdf");
    let wanted = "Pump station North\n\nモーターを起動する前に吸込弁を開いてください。\n\n油面は毎日点検する。";
    assert_eq!(texts(&read), [wanted]);
}

#[test]
fn font_without_a_map_is_unread_and_the_rest_of_its_page_is_kept() {
    let read = read("without-map.pdf");
    let wanted = "The key of the cabinet hangs in the pump room.\n\nAsk the control room for it.";
    assert_eq!(texts(&read), [wanted]);
    let outcome = &read.pages[0].outcome;
    assert!(
        matches!(outcome, PageOutcome::Partial(reason) if reason.contains("unreadable") && reason.contains("OCR")),
        "{outcome:?}"
    );
}

#[test]
fn bold_headings_of_the_size_of_the_text_are_found_where_they_stand() {
    let read = read("groff-report.pdf");
    let found: Vec<(u32, u8, &str)> = read
        .headings
        .iter()
        .map(|heading| (heading.page, heading.level, heading.text.as_str()))
        .collect();
    let wanted = [
        (1, 1, "Summary"),
        (1, 1, "1. Results"),
        (1, 2, "1.1. Pressure"),
        (2, 2, "1.2. Oil"),
        (3, 2, "1.3. Valves"),
        (4, 2, "1.4. Tanks"),
        (5, 1, "Outlook"),
    ];
    assert_eq!(found, wanted);
    for heading in &read.headings {
        let text = &read.pages[heading.page as usize - 1].text;
        let rest: String = text.chars().skip(heading.start).collect();
        assert!(rest.starts_with(&heading.text), "{heading:?}: {text}");
    }
    let texts = texts(&read);
    assert_eq!(
        texts[2],
        "1.3. Valves\n\nTwo valves of the eastern basin leak, and one cannot be opened without the long key of \
         the store."
    );
    assert!(
        texts[0].contains("were replaced because they let water into the bearing.\n\n1. Results\n\n1.1. Pressure\n\nEvery pump was measured"),
        "{}",
        texts[0]
    );
}

#[test]
fn rows_of_tables_carry_the_names_of_their_columns() {
    let report = read("groff-report.pdf");
    let rows = "\n\nPump: P-40;\tSeal: ceramic;\tHighest pressure: 16\nPump: P-41;\tSeal: carbon;\tHighest pressure: 25\n\
        Pump: P-42;\tSeal: ceramic;\tHighest pressure: 9\n\nPump P-42 stays";
    assert!(texts(&report)[0].contains(rows), "{}", texts(&report)[0]);
    let prices = read("table.pdf");
    assert_eq!(
        texts(&prices),
        ["The prices hold until June.\n\
             Part: P-40;\tSupplier: Hydra GmbH, Hamburg;\tPrice: 118.50;\tStock: 12\n\
             Part: S-7;\tPrice: 42.25;\tStock: 3\n\
             Part: B-6204;\tSupplier: Nordlager;\tPrice: 7.90\n\
             Orders go to the store of the station."]
    );
}
