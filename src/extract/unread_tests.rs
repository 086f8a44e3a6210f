//! What of a document was not read is said: scans, and pictures in documents.

use super::{Extracted, Limits, extract};
use crate::types::PageOutcome;
use std::path::Path;

fn read(name: &str) -> Extracted {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    extract(&folder.join(name), name, &Limits::default()).unwrap()
}

fn read_as(name: &str, bytes: &[u8]) -> Extracted {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    extract(&path, name, &Limits::default()).unwrap()
}

fn partial(outcome: &PageOutcome) -> &str {
    match outcome {
        PageOutcome::Partial(note) => note,
        outcome => panic!("{outcome:?}"),
    }
}

fn failed(outcome: &PageOutcome) -> &str {
    match outcome {
        PageOutcome::Failed(reason) => reason,
        outcome => panic!("{outcome:?}"),
    }
}

const ONE: &str = "1 picture or chart in it was not read";
const PLAN: &str = "![Plan of the pit with its two gates]";

#[test]
fn a_scan_with_a_stamp_is_unread_and_its_stamp_is_kept() {
    let read = read("scans.pdf");
    let page = |number: usize| &read.pages[number - 1];
    assert_eq!(page(1).text, "GRENN-0004711");
    assert!(failed(&page(1).outcome).contains("pictures cover 100 %"));
    assert!(failed(&page(3).outcome).contains("OCR"));
    assert_eq!(page(3).text, "");
    // The picture is drawn by a form that is drawn at twice its size.
    assert_eq!(page(6).text, "Page 6");
    assert!(failed(&page(6).outcome).contains("pictures cover"));
}

#[test]
fn a_recognised_scan_a_page_over_a_picture_and_a_figure_are_read() {
    let read = read("scans.pdf");
    for (number, words) in [
        (2, "The valve was replaced."),
        (4, "Line 11"),
        (5, "Figure 1"),
    ] {
        let page = &read.pages[number - 1];
        assert!(page.text.contains(words), "{}", page.text);
        assert_eq!(page.outcome, PageOutcome::Text, "page {number}");
    }
}

#[test]
fn a_scan_that_stands_in_the_page_itself_is_unread() {
    let content = "q 612 0 0 792 0 0 cm BI /W 400 /H 500 /BPC 8 /CS /G /F /DCT ID \
        not a picture that could be unpacked EI Q BT /F 9 Tf 20 20 Td (A-17) Tj ET";
    let stream = super::tests::stream("", content);
    let pdf = super::tests::pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 612 792]>>",
        "<</Type/Page/Parent 2 0 R/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
        &stream,
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]);
    let read = read_as("scan.pdf", &pdf);
    assert_eq!(read.pages[0].text, "A-17");
    assert!(failed(&read.pages[0].outcome).contains("pictures cover 100 %"));
}

#[test]
fn pictures_of_a_word_document_are_counted_and_described_where_they_stand() {
    let read = read("python-docx.docx");
    let [page] = read.pages.as_slice() else {
        panic!("{:?}", read.pages);
    };
    assert!(page.text.ends_with(PLAN), "{}", page.text);
    // The third is as small as a bullet.
    let note = "2 pictures or charts in it were not read";
    assert_eq!(partial(&page.outcome), note);
}

#[test]
fn a_word_document_of_scans_alone_is_a_part_that_was_not_read() {
    let read = read("scans.docx");
    assert_eq!((read.pages.len(), read.pages[0].text.as_str()), (1, ""));
    let reason = "2 pictures or charts in it were not read; to read their text it needs OCR";
    assert_eq!(failed(&read.pages[0].outcome), reason);
}

#[test]
fn slides_tell_their_pictures_and_those_that_are_pictures_are_unread() {
    let read = read("pictures.pptx");
    assert!(read.pages[0].text.contains(PLAN), "{}", read.pages[0].text);
    assert_eq!(partial(&read.pages[0].outcome), ONE);
    assert!(failed(&read.pages[1].outcome).starts_with(ONE));
    // The title alone does not make the picture behind it read.
    assert_eq!(read.pages[2].text, "# Contacts");
    assert!(failed(&read.pages[2].outcome).starts_with(ONE));
}

#[test]
fn pictures_of_texts_and_books_are_told() {
    let text = read("pictures.odt");
    assert_eq!(partial(&text.pages[0].outcome), ONE);
    let described = "![The pit Plan of the pit with its two gates]";
    assert!(
        text.pages[0].text.contains(described),
        "{}",
        text.pages[0].text
    );
    let book = read("pictures.epub");
    assert_eq!(partial(&book.pages[0].outcome), ONE);
    assert!(book.pages[0].text.contains(PLAN), "{}", book.pages[0].text);
    assert!(failed(&book.pages[1].outcome).starts_with(ONE));
}

#[test]
fn pictures_of_rich_text_are_counted_once_and_those_of_its_head_are_not() {
    let picture =
        |wide: u32| format!("{{\\pict\\pngblip\\picwgoal{wide}\\pichgoal{wide} 89504e47}}");
    let (large, icon) = (picture(4000), picture(200));
    let text = format!(
        "{{\\rtf1\\ansi{{\\header {large}}}The pit.\\par{{\\*\\shppict{large}}}{{\\nonshppict{large}}}\\par {icon} End.}}"
    );
    let read = read_as("a.rtf", text.as_bytes());
    assert_eq!(read.pages[0].text, "The pit.\n\nEnd.");
    assert_eq!(partial(&read.pages[0].outcome), ONE);
    let scan = format!("{{\\rtf1\\ansi {}\\par A-17\\par}}", picture(12_000));
    let read = read_as("scan.rtf", scan.as_bytes());
    assert_eq!(read.pages[0].text, "A-17");
    assert!(failed(&read.pages[0].outcome).starts_with(ONE));
}

#[test]
fn pictures_within_a_page_of_the_web_are_told_and_its_icons_are_not() {
    use base64::Engine;
    let image = |side: u16| {
        let sides = side.to_le_bytes();
        let bytes = [b"GIF89a".as_slice(), &sides, &sides].concat();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let page = format!(
        "<html><body><main><p>The pit.</p><img src='data:image/gif;base64,{}' alt='Plan of\n the pit'>\
         <p>End.</p><img src='data:image/gif;base64,{}'><img src='https://example.org/a.png' alt='The gate'></main></body></html>",
        image(800),
        image(16)
    );
    let read = read_as("a.html", page.as_bytes());
    let text = read.pages[0].text.as_str();
    assert_eq!(
        text,
        "The pit.\n\n![Plan of the pit]\n\nEnd.\n\n![The gate]"
    );
    assert_eq!(partial(&read.pages[0].outcome), ONE);
}

#[test]
fn a_page_of_the_web_that_is_a_described_picture_is_unread_and_described() {
    let page = "<html><body><img alt='Plan' src='data:image/jpeg;base64,AAAA'></body></html>";
    let read = read_as("a.html", page.as_bytes());
    assert_eq!(read.pages[0].text, "![Plan]");
    assert!(failed(&read.pages[0].outcome).starts_with(ONE));
}

#[test]
fn each_part_of_a_long_text_tells_its_own_pictures() {
    let words = "The pump stands in the pit. ".repeat(40);
    let image = "<img src='data:image/jpeg;base64,AAAA'>";
    let paragraph = format!("<p>{words}</p>");
    let body = [paragraph.repeat(60), image.to_owned(), paragraph].concat();
    let read = read_as(
        "a.html",
        format!("<html><body>{body}</body></html>").as_bytes(),
    );
    let (last, before) = read.pages.split_last().unwrap();
    assert!(!before.is_empty());
    assert!(before.iter().all(|page| page.outcome == PageOutcome::Text));
    assert_eq!(partial(&last.outcome), ONE);
}

#[test]
fn a_picture_of_several_pages_is_that_many_unread_pages() {
    let mut fax = b"II*\0\x08\0\0\0".to_vec();
    for _ in 0..3 {
        let next = fax.len() as u32 + 6;
        fax.extend([0, 0]);
        fax.extend(next.to_le_bytes());
    }
    let end = fax.len() - 4;
    fax[end..].fill(0);
    let read = read_as("fax.tif", &fax);
    assert_eq!(
        (read.file_type, read.paged, read.pages.len()),
        ("image", true, 3)
    );
    assert!(failed(&read.pages[2].outcome).starts_with("an image (TIF)"));
}

/// A zip file of the given members.
fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn bytes(read: &Extracted) -> usize {
    read.pages.iter().map(|page| page.text.len()).sum()
}

#[test]
fn a_long_text_that_many_cells_share_is_cut_off_with_a_note() {
    let cells: String = (1..2000)
        .map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"s\"><v>0</v></c></row>"))
        .collect();
    let sheet = format!("<worksheet><sheetData>{cells}</sheetData></worksheet>");
    let shared = format!(
        "<sst uniqueCount=\"1\"><si><t>{}</t></si></sst>",
        "pump ".repeat(20_000)
    );
    let relation = |id: &str, kind: &str, target: &str| {
        format!(
            "<Relationship Id=\"{id}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/>"
        )
    };
    let relations = |all: String| format!("<Relationships>{all}</Relationships>");
    let inner = [
        relation("r1", "worksheet", "worksheets/sheet1.xml"),
        relation("r2", "sharedStrings", "sharedStrings.xml"),
    ];
    let workbook = zip_of(&[
        ("[Content_Types].xml", "<Types/>"),
        (
            "_rels/.rels",
            &relations(relation("r1", "officeDocument", "xl/workbook.xml")),
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns:r=\"r\"><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
        ),
        ("xl/_rels/workbook.xml.rels", &relations(inner.concat())),
        ("xl/worksheets/sheet1.xml", &sheet),
        ("xl/sharedStrings.xml", &shared),
    ]);
    let read = read_as("a.xlsx", &workbook);
    let told = partial(&read.pages[0].outcome);
    assert!(told.contains("64 MB of text"), "{told}");
    assert!(
        (50_000_000..68_000_000).contains(&bytes(&read)),
        "{}",
        bytes(&read)
    );
}

#[test]
fn a_long_text_that_a_mark_repeats_is_cut_off_with_a_note() {
    let cell = |repeated: u32, words: &str| {
        format!(
            "<table:table-cell table:number-columns-repeated=\"{repeated}\"><text:p>{words}</text:p></table:table-cell>"
        )
    };
    let words = "pump ".repeat(20_000);
    let row = format!(
        "<table:table-row table:number-rows-repeated=\"1000\">{}</table:table-row>",
        cell(1000, &words)
    );
    let content =
        format!("<office:body><table:table table:name=\"A\">{row}</table:table></office:body>");
    let kind = "application/vnd.oasis.opendocument.spreadsheet";
    let sheet = zip_of(&[("mimetype", kind), ("content.xml", &content)]);
    let read = read_as("a.ods", &sheet);
    let told = partial(&read.pages[0].outcome);
    assert!(told.contains("64 MB of text"), "{told}");
    assert!(bytes(&read) < 68_000_000, "{}", bytes(&read));
    // Tables in tables, each of which repeats all that is in it.
    let mut inner = "pump".to_owned();
    for _ in 0..12 {
        let cell = format!(
            "<table:table-cell table:number-columns-repeated=\"50\"><text:p>{inner}</text:p></table:table-cell>"
        );
        inner = format!("<table:table><table:table-row>{cell}</table:table-row></table:table>");
    }
    let content = format!("<office:body>{inner}</office:body>");
    let kind = "application/vnd.oasis.opendocument.text";
    let text = zip_of(&[("mimetype", kind), ("content.xml", &content)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.odt");
    std::fs::write(&path, text).unwrap();
    let error = extract(&path, "a.odt", &Limits::default()).unwrap_err();
    assert!(
        error.to_string().contains("repeat too much text"),
        "{error}"
    );
}
