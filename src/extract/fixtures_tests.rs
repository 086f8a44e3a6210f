//! Files that real programs made, and the same files damaged.

use super::{ExtractError, Extracted, Limits, extract};
use crate::types::PageOutcome;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents")
}

fn read(name: &str) -> Extracted {
    extract(&folder().join(name), name, &Limits::default()).unwrap()
}

fn text(read: &Extracted) -> String {
    let pages: Vec<&str> = read.pages.iter().map(|page| page.text.as_str()).collect();
    pages.join("\n\n")
}

fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

fn headings(read: &Extracted) -> Vec<(u32, &str)> {
    read.headings
        .iter()
        .map(|heading| (heading.page, heading.text.as_str()))
        .collect()
}

#[test]
fn workbooks_are_read_sheet_by_sheet_with_named_columns() {
    for (name, kind) in [
        ("libreoffice.xlsx", "xlsx"),
        ("openpyxl.xlsx", "xlsx"),
        ("libreoffice.ods", "ods"),
    ] {
        let read = read(name);
        assert_eq!((read.file_type, read.paged), (kind, true), "{name}");
        let first = &read.pages[0].text;
        assert_has(
            first,
            &[
                "Spare parts of the pump station",
                "Part: Shaft seal S-7;\tSupplier: Sealtec; Lyon;\tUnit price: 42.25;\tStock: 3;\tLast order: ",
            ],
        );
        assert!(
            first
                .lines()
                .filter(|line| line.contains("Bearing 6204"))
                .count()
                == 1
        );
        // A merged cell counts for each of its rows.
        assert_has(
            &read.pages[1].text,
            &["Weekday: Monday;\tShift: Late;\tPerson: Bo Berg"],
        );
        assert_eq!(read.pages[2].outcome, PageOutcome::NoText, "{name}");
        assert_eq!(headings(&read)[..2], [(1, "Spare parts"), (2, "Shifts")]);
    }
}

#[test]
fn dates_and_values_of_formulas_are_shown() {
    let computed = read("libreoffice.xlsx");
    assert_has(
        &computed.pages[0].text,
        &[
            "Last order: 2023-11-20",
            "Part: Sum;\tUnit price: 168.65;\tStock: 155",
        ],
    );
    assert_eq!(computed.metadata.title.as_deref(), Some("Stock list"));
    let sheets: Vec<&PageOutcome> = computed.pages.iter().map(|page| &page.outcome).collect();
    assert!(sheets.len() >= 3);
    let charts = read("openpyxl.xlsx");
    assert!(
        matches!(&charts.pages[3].outcome, PageOutcome::Failed(reason) if reason.starts_with("Chart"))
    );
}

#[test]
fn spreadsheet_of_another_library_is_read() {
    assert_has(
        &text(&read("odfpy.ods")),
        &["Tank: T1;\tContent: Diesel;\tLitres: 4000"],
    );
}

#[test]
fn slides_are_pages_with_notes_and_tables() {
    for name in ["python-pptx.pptx", "libreoffice.pptx", "libreoffice.odp"] {
        let read = read(name);
        assert_eq!((read.pages.len(), read.paged), (4, true), "{name}");
        assert_has(
            &read.pages[0].text,
            &["# Safety briefing", "Pump station North"],
        );
        assert_has(
            &read.pages[1].text,
            &[
                "# Before work",
                "Lock the main switch",
                "Keep the key with you",
                "Notes",
                "Tell the story of the flooded pit.",
            ],
        );
        assert_has(
            &read.pages[2].text,
            &["Role: Control room;\tTelephone: 4420"],
        );
        assert_eq!(read.pages[3].outcome, PageOutcome::NoText, "{name}");
    }
}

#[test]
fn texts_keep_headings_lists_tables_and_notes() {
    for (name, kind) in [
        ("pandoc.docx", "docx"),
        ("pandoc.odt", "odt"),
        ("libreoffice.odt", "odt"),
        ("pandoc.rtf", "rtf"),
        ("libreoffice.rtf", "rtf"),
        ("pandoc.epub", "epub"),
    ] {
        let read = read(name);
        assert_eq!(read.file_type, kind, "{name}");
        let text = text(&read);
        assert_has(
            &text,
            &[
                "Open the suction valve before the motor is started.",
                "Check the oil level.",
                "Pump: P-41;\tHighest pressure: 25 bar;\tSeal: carbon",
                "Größere Mängel meldet man sofort – jederzeit.",
                "A dry start destroys the seal.",
            ],
        );
        let names: Vec<&str> = read
            .headings
            .iter()
            .map(|heading| heading.text.as_str())
            .collect();
        assert!(
            names.contains(&"Starting") && names.contains(&"Limits"),
            "{name}: {names:?}"
        );
    }
}

#[test]
fn chapters_of_a_book_are_pages_in_the_order_of_reading() {
    let read = read("ebooklib.epub");
    assert_eq!(read.metadata.title.as_deref(), Some("The Lamp of Grenn"));
    assert_eq!(headings(&read), [(1, "The keeper"), (2, "The storm")]);
    assert_has(
        &read.pages[1].text,
        &["In the storm of 1871 the lamp went out for one night."],
    );
}

#[test]
fn mail_is_read_with_every_attachment_accounted_for() {
    let read = read("python.eml");
    assert_eq!((read.file_type, read.paged), ("eml", false));
    assert_eq!(
        read.metadata.title.as_deref(),
        Some("Größere Revision im Mai")
    );
    let text = text(&read);
    assert_has(
        &text,
        &[
            "From: Ann Lee <ann@example.org>;\tTo: Station <station@example.org>;\tDate: 2024-03-05T09:30:00Z",
            "the revision begins on 14 May.",
            "Part: Gasket G-9;\tPrice: 3,20",
            "Pump: P-40;\tHighest pressure: 16 bar",
            "The impeller costs 118.50 euros until June.",
        ],
    );
    assert_eq!(text.matches("the revision begins").count(), 1);
    let unread: Vec<&PageOutcome> = read
        .pages
        .iter()
        .map(|page| &page.outcome)
        .filter(|one| !one.is_read())
        .collect();
    assert!(
        matches!(unread.as_slice(), [PageOutcome::Failed(reason)] if reason.starts_with("logo.png: an image (PNG)")),
        "{unread:?}"
    );
    assert!(headings(&read).iter().any(|(_, name)| *name == "parts.csv"));
}

#[test]
fn messages_of_a_mailbox_are_parts() {
    let read = read("python.mbox");
    assert_eq!(headings(&read), [(1, "Night shift"), (2, "Key found")]);
    assert_has(
        &read.pages[1].text,
        &["The key of cabinet 12 lay in the pump room."],
    );
}

#[test]
fn delimiters_and_charsets_of_separated_values_are_found() {
    for name in ["python.csv", "semicolon.csv", "python.tsv"] {
        let read = read(name);
        assert_eq!(read.file_type, "csv");
        assert_has(
            &text(&read),
            &[
                "Part: Shaft seal S-7;\tSupplier: Sealtec; Lyon;\tUnit price: 42.25;\tStock: 3",
                "Part: Dichtung Größe 3;\tSupplier: Müller",
            ],
        );
    }
}

#[test]
fn records_keep_their_path() {
    assert_has(
        &text(&read("python.json")),
        &[
            "station;\tname: North;\tcode: PS-17",
            "stock[1];\tPart: Shaft seal S-7;\tSupplier: Sealtec; Lyon",
        ],
    );
    assert_has(
        &text(&read("records.jsonl")),
        &["line 3;\tPart: Bearing 6204"],
    );
}

#[test]
fn archive_is_read_member_by_member() {
    let read = read("python.zip");
    assert_eq!(read.file_type, "zip");
    assert_has(
        &text(&read),
        &[
            "The station has two pumps.",
            "The spare key is in the red cabinet.",
            "A name that leads out",
            "def wait_for_pressure",
        ],
    );
    let names: Vec<&str> = read
        .headings
        .iter()
        .map(|heading| heading.text.as_str())
        .collect();
    for name in [
        "escape.txt",
        "src/pump.py",
        "src/pump.py, line 16: def wait_for_pressure(pump, bar)",
        "deep/note.txt",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let unread: Vec<String> = read
        .pages
        .iter()
        .filter_map(|page| match &page.outcome {
            PageOutcome::Failed(reason) => Some(reason.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(unread.len(), 2, "{unread:?}");
    assert!(
        unread
            .iter()
            .any(|reason| reason.starts_with("program.exe: ")),
        "{unread:?}"
    );
    assert!(
        unread
            .iter()
            .any(|reason| reason.starts_with("photos/pit.png: an image")),
        "{unread:?}"
    );
}

/// A zip file of the given members.
fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read_as(name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    extract(&path, name, &Limits::default())
}

#[test]
fn archives_that_unpack_to_too_much_are_refused() {
    let zeros = vec![b' '; 40 * 1024 * 1024];
    let bomb = zip_of(&[("a.txt", &zeros)]);
    let is_bomb = |error: ExtractError| matches!(error, ExtractError::TooLargeUnpacked { .. });
    assert!(is_bomb(read_as("bomb.zip", &bomb).unwrap_err()));
    // Inside of others, the same budget counts.
    let outer = zip_of(&[
        ("inner.zip", &zip_of(&[("b.zip", &bomb)])),
        ("note.txt", b"A note."),
    ]);
    assert!(is_bomb(read_as("outer.zip", &outer).unwrap_err()));
    let many: Vec<String> = (0..6000).map(|at| format!("{at}.txt")).collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|name| (name.as_str(), b"x".as_slice()))
        .collect();
    assert!(matches!(
        read_as("many.zip", &zip_of(&many)),
        Err(ExtractError::TooManyMembers { .. })
    ));
}

#[test]
fn archives_in_archives_end() {
    let mut archive = zip_of(&[("note.txt", b"The deepest note.")]);
    for _ in 0..10 {
        archive = zip_of(&[("inner.zip", &archive), ("note.txt", b"A note.")]);
    }
    let read = read_as("deep.zip", &archive).unwrap();
    assert!(!text(&read).contains("deepest"));
    assert!(read.pages.iter().any(
        |page| matches!(&page.outcome, PageOutcome::Failed(reason) if reason.contains("too deeply"))
    ));
}

#[test]
fn damaged_files_are_read_in_part_or_refused_with_a_reason() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("damaged-") {
            continue;
        }
        seen += 1;
        let started = Instant::now();
        match extract(&path, &name, &Limits::default()) {
            Ok(read) => assert!(!read.pages.is_empty(), "{name}"),
            Err(error) => assert!(error.to_string().len() > 10, "{name}: {error}"),
        }
        assert!(started.elapsed().as_secs() < 10, "{name}");
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn running_heads_and_page_numbers_of_a_pdf_are_taken_out() {
    let read = read("running-heads.pdf");
    let texts: Vec<&str> = read.pages.iter().map(|page| page.text.as_str()).collect();
    let body = |number: u32| {
        let station = number * number;
        format!("Question {number}\nStation {station} was inspected in the spring.")
    };
    let head = "Annual report of the water works";
    assert_eq!(texts[0], format!("{head}\tPumps\n\n{}", body(1)));
    assert_eq!(texts[1..3], [body(2), body(3)]);
    assert_eq!(texts[3], format!("{head}\tReservoirs\n\n{}", body(4)));
    assert_eq!(texts[4], body(5));
}

#[test]
fn pdf_text_from_right_to_left_is_in_the_order_of_writing() {
    let read = read("right-to-left.pdf");
    assert_has(
        &text(&read),
        &[
            "הלחץ המרבי של משאבה P-40 הוא 16 בר (לפחות).",
            "أقصى ضغط للمضخة P-40 هو 16 بار على الأقل.",
            "The word שסתום היניקה is Hebrew.",
        ],
    );
}

#[test]
fn pdf_fonts_whose_encoding_is_named_are_read() {
    let read = read("named-encodings.pdf");
    assert_has(
        &text(&read),
        &["水泵P-40的最高压力为16巴。", "吸込弁を開いてください。"],
    );
}
