//! Whole files through the whole module.

use super::{ExtractError, Extracted, Limits, SplitOptions, extract, sentences, split};
use crate::types::PageOutcome;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A file of the real documents and collections that lie beside the project. Who
/// names their folder wants them read: then one that is absent is a failure.
fn shared(path: &str) -> Option<PathBuf> {
    let named = std::env::var_os("SATCHEL_TEST_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = named.clone().unwrap_or_else(beside).join(path);
    let exists = path.exists();
    assert!(exists || named.is_none(), "{} is absent", path.display());
    if !exists {
        eprintln!("skipped: {} is absent", path.display());
    }
    exists.then_some(path)
}

fn read(path: &Path) -> Result<Extracted, ExtractError> {
    let name = path.file_name().unwrap().to_str().unwrap();
    extract(path, name, &Limits::default())
}

#[test]
fn real_pdfs_are_read_whole() {
    let files = [
        ("pdf/hhs-2022.pdf", 160, 30_000),
        ("pdf/nih-protocol.pdf", 28, 7_000),
        ("pdf/ntsb-report.pdf", 3, 450),
        ("pdf/nvda-10q-2023q3.pdf", 52, 23_000),
    ];
    for (file, pages, words) in files {
        let Some(path) = shared(file) else { return };
        let started = Instant::now();
        let read = read(&path).unwrap();
        let took = started.elapsed();
        assert_eq!(
            (read.file_type, read.paged, read.pages.len()),
            ("pdf", true, pages)
        );
        let numbers = read.pages.iter().map(|page| page.number);
        assert!(numbers.eq(1..=pages as u32));
        let found: usize = read
            .pages
            .iter()
            .map(|page| page.text.split_whitespace().count())
            .sum();
        assert!(found > words, "{file}: {found} words");
        let count = |text: &str| text.split_whitespace().count() * 4 / 3;
        let chunks = split(&read, &SplitOptions::default(), &count);
        let quotes: usize = read
            .pages
            .iter()
            .map(|page| sentences(&page.text).len())
            .sum();
        eprintln!(
            "{file}: {pages} pages, {found} words, {} headings, {} chunks, {quotes} sentences, {took:?}",
            read.headings.len(),
            chunks.len()
        );
        assert!(
            read.pages
                .iter()
                .all(|page| !matches!(page.outcome, PageOutcome::Failed(_)))
        );
    }
}

fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    root.join(name)
}

/// Reads bytes as a file of the given name.
fn read_as(name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read(&path)
}

fn only_page(read: &Extracted) -> &str {
    assert_eq!(read.pages.len(), 1);
    &read.pages[0].text
}

#[test]
fn two_columns_are_read_in_order_and_tables_row_by_row() {
    let read = read(&fixture("two-columns.pdf")).unwrap();
    assert_eq!(read.metadata.title.as_deref(), Some("Pump Manual"));
    assert_eq!(read.pages.len(), 2);
    let first = &read.pages[0].text;
    assert!(
        first.contains("Property: Flow;\tValue: 120;\tUnit: l/min\n"),
        "{first}"
    );
    let second = &read.pages[1].text;
    let at = |part: &str| {
        second
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {second}"))
    };
    assert!(at("Impeller") < at("worn seal lets water into the bearing"));
    assert!(at("within days.") < at("Motor") && at("Motor") < at("thermal switch stops it"));
    assert_eq!(
        second
            .matches("A worn seal lets water into the bearing, which then fails within days.")
            .count(),
        6
    );
    let headings: Vec<_> = read
        .headings
        .iter()
        .map(|h| (h.page, h.text.as_str()))
        .collect();
    assert_eq!(
        headings,
        [(1, "Pump Manual"), (2, "Impeller"), (2, "Motor")]
    );
}

#[test]
fn typeset_ligatures_and_wrapped_words_are_plain_text() {
    let read = read(&fixture("groff.pdf")).unwrap();
    let text = only_page(&read);
    for part in [
        "it needs no actuator and no attention of an operator, as long as",
        "Difficult configurations of the offshore installation affect the efficiency, finally.",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_page_without_text_is_said_to_have_none() {
    let read = read(&fixture("blank-page.pdf")).unwrap();
    let outcomes: Vec<_> = read.pages.iter().map(|page| page.outcome.clone()).collect();
    assert_eq!(outcomes, [PageOutcome::Text, PageOutcome::NoText]);
}

#[test]
fn a_pdf_that_needs_a_password_is_refused_and_one_that_opens_without_is_read() {
    assert_eq!(
        read(&fixture("encrypted.pdf")),
        Err(ExtractError::Encrypted)
    );
    let open = read(&fixture("owner-only.pdf")).unwrap();
    assert_eq!(open.pages[0].text, "The first page has text.");
}

#[test]
fn damaged_pdfs_are_errors_or_partly_read_but_never_a_panic() {
    let whole = std::fs::read(fixture("two-columns.pdf")).unwrap();
    for share in 1..16 {
        // A reader may rebuild the index of a cut file; that is welcome.
        if let Err(error) = read_as("cut.pdf", &whole[..whole.len() * share / 16]) {
            assert!(matches!(error, ExtractError::Damaged { .. }), "{error}");
        }
    }
    let garbage = [b"%PDF-1.7\n".as_slice(), &[0x9c; 5000]].concat();
    let error = read_as("garbage.pdf", &garbage).unwrap_err();
    assert!(
        error.to_string().starts_with("the PDF file is damaged"),
        "{error}"
    );
}

#[test]
fn forms_that_show_themselves_end() {
    let form = stream(
        "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 4 0 R>>/Font<</F 5 0 R>>>>",
        "BT /F 12 Tf 10 10 Td (again ) Tj ET q 1 0 0 1 0 20 cm /X Do Q /X Do",
    );
    let pdf = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1/Parent 2 0 R>>",
        "<</Type/Page/Parent 2 0 R/Resources<</XObject<</X 4 0 R>>>>/Contents 6 0 R>>",
        &form,
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        &stream("", "/X Do"),
    ]);
    let read = read_as("loop.pdf", &pdf).unwrap();
    assert!(read.pages[0].text.contains("again"), "{:?}", read.pages);
}

#[test]
fn text_that_the_font_does_not_tell_is_not_stored() {
    let pdf = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
        &stream("", "BT /F 12 Tf 10 10 Td <0001000200030004> Tj ET"),
        "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2>>]>>",
    ]);
    assert_unreadable(&pdf);
}

#[test]
fn codes_of_a_font_that_are_only_numbers_are_not_stored_as_signs() {
    let codes: String = (128..160).map(|code| format!("{code:02x}")).collect();
    let pdf = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
        &stream("", &format!("BT /F 12 Tf 10 10 Td <{codes}> Tj ET")),
        "<</Type/Font/Subtype/TrueType/BaseFont/AAAAAA+X/Encoding/WinAnsiEncoding>>",
    ]);
    assert_unreadable(&pdf);
}

fn assert_unreadable(pdf: &[u8]) {
    let read = read_as("unreadable.pdf", pdf).unwrap();
    let outcome = &read.pages[0].outcome;
    assert!(
        matches!(outcome, PageOutcome::Failed(reason) if reason.contains("OCR")),
        "{outcome:?}"
    );
    assert_eq!(read.pages[0].text, "");
}

pub(super) fn stream(entries: &str, content: &str) -> String {
    let length = content.len();
    format!("<<{entries}/Length {length}>>stream\n{content}\nendstream")
}

/// A PDF of the given objects, numbered from 1; the first is its catalogue.
pub(super) fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut out = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.len());
        out += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let table = out.len();
    out += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for place in places {
        out += &format!("{place:010} 00000 n \n");
    }
    out += &format!(
        "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    );
    out.into_bytes()
}

#[test]
fn pdfs_that_unpack_to_too_much_are_refused() {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..600 {
        encoder.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    let packed = encoder.finish().unwrap();
    let head = format!(
        "%PDF-1.4\n1 0 obj\n<</Length {}/Filter/FlateDecode>>stream\n",
        packed.len()
    );
    let bomb = [head.as_bytes(), &packed, b"\nendstream\nendobj\n"].concat();
    let error = read_as("bomb.pdf", &bomb).unwrap_err();
    assert!(
        matches!(error, ExtractError::TooLargeUnpacked { .. }),
        "{error}"
    );
}

#[test]
fn word_documents_become_markdown() {
    let read = read(&fixture("sample.docx")).unwrap();
    assert_eq!((read.file_type, read.paged), ("docx", false));
    assert_eq!(read.metadata.title.as_deref(), Some("Safety Rules"));
    assert_eq!(
        only_page(&read),
        "# Safety Rules\n\nEveryone in the plant follows these rules & signs them.\n\n# Before work\n\n\
         - Wear the helmet.\n- Check the gas alarm.\n1. Close valve A.\n2. Open valve B.\n\n## Limits\n\n\
         Gas: CO;\tppm: 30\nGas: H2S;\tppm: 5\n\nAbove the limit leave at once – größte Eile."
    );
    let headings: Vec<_> = read
        .headings
        .iter()
        .map(|h| (h.level, h.text.as_str()))
        .collect();
    assert_eq!(
        headings,
        [(1, "Safety Rules"), (1, "Before work"), (2, "Limits")]
    );
}

/// A zip file with one entry.
fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    writer.start_file(name, options).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn deleted_text_and_fallbacks_are_not_part_of_a_word_document() {
    let xml = "<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:t> gone</w:t></w:r></w:del>\
        <w:r><mc:AlternateContent><mc:Choice><w:t> once &#x2013; &lt;</w:t></mc:Choice><mc:Fallback><w:p><w:t> twice</w:t></w:p></mc:Fallback></mc:AlternateContent></w:r></w:p></w:body></w:document>";
    let read = read_as("a.docx", &zip_of("word/document.xml", xml.as_bytes())).unwrap();
    assert_eq!(only_page(&read), "kept once – <");
}

#[test]
fn hostile_word_documents_are_refused() {
    let bomb = zip_of("word/document.xml", &vec![b' '; 100 * 1024 * 1024]);
    let error = read_as("bomb.docx", &bomb).unwrap_err();
    assert!(
        matches!(error, ExtractError::TooLargeUnpacked { .. }),
        "{error}"
    );
    let deep = format!("<w:document>{}", "<w:tbl><w:tr><w:tc>".repeat(100_000));
    let error = read_as("deep.docx", &zip_of("word/document.xml", deep.as_bytes())).unwrap_err();
    assert!(matches!(error, ExtractError::Damaged { .. }), "{error}");
    let whole = std::fs::read(fixture("sample.docx")).unwrap();
    let error = read_as("cut.docx", &whole[..whole.len() / 2]).unwrap_err();
    assert!(
        error.to_string().starts_with("the Word file is damaged"),
        "{error}"
    );
    let mut locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(
        read_as("locked.docx", &locked),
        Err(ExtractError::Encrypted)
    );
}

#[test]
fn the_content_decides_the_type_and_not_the_name() {
    let pdf = std::fs::read(fixture("blank-page.pdf")).unwrap();
    assert_eq!(read_as("report.txt", &pdf).unwrap().file_type, "pdf");
    let word = std::fs::read(fixture("sample.docx")).unwrap();
    assert_eq!(read_as("noname", &word).unwrap().file_type, "docx");
    assert_eq!(
        read_as("a.bin", b"<!DOCTYPE html><p>hello")
            .unwrap()
            .file_type,
        "html"
    );
    assert_eq!(read_as("a.md", b"# Hello").unwrap().file_type, "markdown");
    assert_eq!(
        read_as("report.pdf", b"Only text.").unwrap().file_type,
        "text"
    );
}

#[test]
fn what_cannot_be_read_says_what_can() {
    let error = read_as("song.mp3", b"ID3\x03\0\0\0\0")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("audio/mpeg") && error.contains("PDF, Word"),
        "{error}"
    );
    let noise: Vec<u8> = (0..9000_u32)
        .flat_map(|n| (n.wrapping_mul(2654435761)).to_le_bytes())
        .collect();
    assert!(matches!(
        read_as("noise.txt", &noise),
        Err(ExtractError::Unsupported { .. })
    ));
    assert_eq!(read_as("empty.pdf", b""), Err(ExtractError::Empty));
    assert_eq!(read_as("blank.md", b" \n\n "), Err(ExtractError::Empty));
    assert_eq!(
        read_as("empty.html", b"<html><body></body></html>"),
        Err(ExtractError::NoText)
    );
}

#[test]
fn files_over_the_limit_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "hello world").unwrap();
    let limits = Limits {
        max_bytes: 5,
        ..Limits::default()
    };
    let error = extract(&path, "a.txt", &limits).unwrap_err();
    assert_eq!(
        error,
        ExtractError::TooLarge {
            bytes: 11,
            limit: 5
        }
    );
    let limits = Limits {
        max_pages: 1,
        ..Limits::default()
    };
    let error = extract(&fixture("two-columns.pdf"), "a.pdf", &limits).unwrap_err();
    assert_eq!(error, ExtractError::TooManyPages { pages: 2, limit: 1 });
}

#[test]
fn abstracts_in_lower_case_are_split_into_sentences() {
    let Some(path) = shared("cranfield/cran.all.1400.xml") else {
        return;
    };
    let source = std::fs::read_to_string(path).unwrap();
    let texts: Vec<&str> = source
        .split("<text>")
        .skip(1)
        .filter_map(|part| part.split("</text>").next())
        .collect();
    let counts: Vec<usize> = texts.iter().map(|text| sentences(text).len()).collect();
    let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let found = sentences(texts[0])
        .into_iter()
        .map(|range| crate::types::slice_chars(texts[0], range));
    assert_eq!(found.filter(|sentence| sentence.ends_with('.')).count(), 6);
    assert!((6.5..8.0).contains(&mean), "{mean} sentences an abstract");
}
