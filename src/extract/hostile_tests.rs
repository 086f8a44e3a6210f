//! Files that are made to exhaust their reader, and files of which a part was
//! cut: both end in a reason, and never in silence.

use super::tests::{pdf, stream};
use super::{ExtractError, Extracted, Limits, extract_bytes};
use crate::types::PageOutcome;
use std::cell::Cell;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Once;

const MIB: usize = 1024 * 1024;

fn fixture(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    std::fs::read(root.join(name)).unwrap()
}

fn read(name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract_bytes(bytes, name, &Limits::default())
}

/// The archive with one member changed, or added where there is none.
fn rewritten(archive: &[u8], part: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut source = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut changed = None;
    for index in 0..source.len() {
        let mut member = source.by_index(index).unwrap();
        let name = member.name().unwrap().into_owned();
        if name == part {
            let mut content = Vec::new();
            member.read_to_end(&mut content).unwrap();
            changed = Some(content);
        } else {
            writer.raw_copy_file(member).unwrap();
        }
    }
    let options = zip::write::SimpleFileOptions::default();
    writer.start_file(part, options).unwrap();
    writer
        .write_all(&change(changed.unwrap_or_default()))
        .unwrap();
    writer.finish().unwrap().into_inner()
}

fn replaced(content: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(content).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    text.replace(from, to).into_bytes()
}

fn is_bomb(outcome: Result<Extracted, ExtractError>) -> bool {
    matches!(outcome, Err(ExtractError::TooLargeUnpacked { .. }))
}

#[test]
fn false_number_of_shared_texts_is_refused() {
    let workbook = fixture("libreoffice.xlsx");
    let counted = |number: &str| {
        let claim = format!("uniqueCount=\"{number}\"");
        rewritten(&workbook, "xl/sharedStrings.xml", |part| {
            replaced(part, "uniqueCount=\"23\"", &claim)
        })
    };
    let error = read("a.xlsx", &counted("99999999999")).unwrap_err();
    assert!(error.to_string().contains("99999999999"), "{error}");
    // One that some programs write, by counting the uses.
    let whole = read("a.xlsx", &workbook).unwrap();
    assert_eq!(read("a.xlsx", &counted("1000000")).unwrap(), whole);
}

#[test]
fn false_number_of_shared_texts_is_found_in_broken_xml() {
    let part = b"<?xml version='1.0'?><a></b><sst count='1' uniqueCount = '99999999999'>";
    let workbook = rewritten(&fixture("openpyxl.xlsx"), "XL/SharedStrings.XML", |_| {
        part.to_vec()
    });
    let error = read("a.xlsx", &workbook).unwrap_err();
    assert!(error.to_string().contains("99999999999"), "{error}");
}

#[test]
fn every_member_of_a_workbook_is_counted() {
    for name in ["xl/worksheets/sheet9.dat", "xl/media/image1.png"] {
        let bomb = rewritten(&fixture("openpyxl.xlsx"), name, |_| vec![b' '; 100 * MIB]);
        assert!(is_bomb(read("bomb.xlsx", &bomb)), "{name}");
    }
}

/// Asking for so much memory would end the program.
#[test]
fn field_of_a_cross_reference_that_is_wider_than_memory_is_refused() {
    let file = b"%PDF-1.5\n1 0 obj\n<</Type/XRef/W [1099511627776 1 1]/Size 2/Length 3>>\
        stream\nabc\nendstream\nendobj\nstartxref\n9\n%%EOF\n";
    let error = read("a.pdf", file).unwrap_err();
    assert!(error.to_string().contains("absurdly large"), "{error}");
}

/// Reads a PDF of which little may be unpacked.
fn read_small(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let limits = Limits {
        max_unpacked_bytes: 8 * MIB as u64,
        ..Limits::default()
    };
    extract_bytes(bytes, "bomb.pdf", &limits)
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn ascii85(content: &[u8]) -> String {
    let mut out = String::new();
    for group in content.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..group.len()].copy_from_slice(group);
        let number = u32::from_be_bytes(bytes);
        let signs = [52_200_625, 614_125, 7225, 85, 1].map(|place| number / place % 85 + 33);
        out.extend(
            signs[..=group.len()]
                .iter()
                .filter_map(|sign| char::from_u32(*sign)),
        );
    }
    out + "~>"
}

#[test]
fn streams_that_are_packed_more_than_once_are_counted() {
    let packed = zlib(&vec![b' '; 16 * MIB]);
    let alone = |body: &[u8]| [b"%PDF-1.4\n1 0 obj\n<<>>stream\n".as_slice(), body].concat();
    assert!(is_bomb(read_small(&alone(&packed))));
    assert!(is_bomb(read_small(&alone(&zlib(&packed)))));
    assert!(is_bomb(read_small(&alone(&zlib(&zlib(&packed))))));
    assert!(is_bomb(read_small(&alone(ascii85(&packed).as_bytes()))));
}

#[test]
fn streams_are_counted_by_their_filters_where_their_begin_says_nothing() {
    let mut packed = zlib(&vec![b' '; 16 * MIB]);
    packed[..2].fill(0);
    let filters = "/Filter[/ASCII85Decode/FlateDecode]";
    let file = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>",
        &stream(filters, &ascii85(&packed)),
    ]);
    assert!(is_bomb(read_small(&file)));
}

/// Parts without which nothing of the file is read.
const NEEDED: [(&str, &str); 11] = [
    ("pandoc.docx", "word/document.xml"),
    ("pandoc.docx", "word/footnotes.xml"),
    ("pandoc.docx", "word/styles.xml"),
    ("pandoc.docx", "word/numbering.xml"),
    ("python-pptx.pptx", "ppt/presentation.xml"),
    ("libreoffice.xlsx", "xl/workbook.xml"),
    ("libreoffice.xlsx", "xl/sharedStrings.xml"),
    ("pandoc.odt", "content.xml"),
    ("libreoffice.odt", "content.xml"),
    ("pandoc.epub", "EPUB/content.opf"),
    ("ebooklib.epub", "EPUB/content.opf"),
];

/// Parts that are read as far as they go, with the rest said to be unread.
const READ_IN_PART: [(&str, &str); 8] = [
    ("python-pptx.pptx", "ppt/slides/slide2.xml"),
    ("python-pptx.pptx", "ppt/slides/_rels/slide2.xml.rels"),
    ("python-pptx.pptx", "ppt/notesSlides/notesSlide1.xml"),
    ("libreoffice.xlsx", "xl/worksheets/sheet1.xml"),
    ("libreoffice.xlsx", "xl/worksheets/sheet2.xml"),
    ("libreoffice.ods", "content.xml"),
    ("pandoc.epub", "EPUB/text/ch001.xhtml"),
    ("ebooklib.epub", "EPUB/chap 1.xhtml"),
];

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Panics of this thread so far, also those that were caught.
fn panics() -> usize {
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            before(panic);
        }));
    });
    PANICS.get()
}

/// The file with half, and with three quarters of one of its parts.
fn cut(name: &str, part: &str) -> [Vec<u8>; 2] {
    let whole = fixture(name);
    [2, 3].map(|quarters| {
        rewritten(&whole, part, |mut content| {
            assert!(!content.is_empty(), "{name} has no {part}");
            content.truncate(content.len() * quarters / 4);
            content
        })
    })
}

fn unread(read: &Extracted) -> usize {
    let is_unread =
        |outcome: &PageOutcome| matches!(outcome, PageOutcome::Failed(_) | PageOutcome::Partial(_));
    let pages = read.pages.iter();
    pages.filter(|page| is_unread(&page.outcome)).count()
}

#[test]
fn file_that_lacks_the_end_of_a_needed_part_is_refused() {
    let before = panics();
    for (name, part) in NEEDED {
        for file in cut(name, part) {
            let outcome = read(name, &file);
            assert!(
                matches!(outcome, Err(ExtractError::Damaged { .. })),
                "{name}, {part}: {outcome:?}"
            );
        }
    }
    assert_eq!(panics(), before);
}

#[test]
fn part_that_lacks_its_end_is_said_to_be_unread() {
    let before = panics();
    for (name, part) in READ_IN_PART {
        let whole = read(name, &fixture(name)).unwrap();
        for file in cut(name, part) {
            let read = read(name, &file).unwrap();
            assert!(unread(&read) > unread(&whole), "{name}, {part}: {read:?}");
        }
    }
    assert_eq!(panics(), before);
}
