//! HTML: the main content as Markdown, without scripts, styles and the frame
//! of navigation around it. Of images there is what describes them.

use super::format::{Content, Format, Source, StructuredText};
use super::pictures::{self, Picture};
use super::{ExtractError, Limits, charset, image, markdown};
use crate::types::DocumentMetadata;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::Encoding;
use htmd::element_handler::{HandlerResult, Handlers};
use htmd::options::{BulletListMarker, Options};
use htmd::{Element, HtmlToMarkdown, Node};
use markup5ever_rcdom::NodeData;
use std::rc::Rc;

pub(super) struct Html;

/// Elements that are no part of the content.
const SKIPPED: [&str; 14] = [
    "script", "style", "noscript", "template", "nav", "footer", "input", "textarea", "button",
    "select", "iframe", "canvas", "head", "dialog",
];
/// Stands for a picture until its place in the text is known. No character.
const PICTURE: char = '\u{fdd0}';
/// Elements that are the frame of a page, and content within its content.
const FRAME: [&str; 2] = ["header", "aside"];
const CONTENT: [&str; 2] = ["main", "article"];

/// Deepest nesting that is converted; the converter is recursive.
const MAX_DEPTH: usize = 2000;

/// Elements that may be left open: the parser's work grows with their square.
const MAX_OPEN: usize = 10_000;

/// How much of the file is looked at for a charset and for the type.
const HEAD_BYTES: usize = 2048;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["html", "htm", "xhtml"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        if source.has_extension(self.extensions()) {
            return true;
        }
        let head = &source.bytes[..source.bytes.len().min(HEAD_BYTES)];
        let head = String::from_utf8_lossy(head).to_lowercase();
        let head = head.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
        head.starts_with("<!doctype html") || head.starts_with("<html")
    }

    fn extract(&self, source: &Source<'_>, _limits: &Limits) -> Result<Content, ExtractError> {
        read(source.bytes).map(Content::Flowing)
    }
}

/// Whether the image at an address is part of the document.
type IsWithin = fn(&str) -> bool;

/// The main content of an HTML file.
pub(super) fn read(bytes: &[u8]) -> Result<StructuredText, ExtractError> {
    convert(bytes, remove_frame, holds_picture)
}

/// A chapter of a book, which has no frame: its asides are notes. The images that
/// it names are in the book.
pub(super) fn chapter(bytes: &[u8]) -> Result<StructuredText, ExtractError> {
    let in_book = |address: &str| match address.split_once(':') {
        Some(_) => holds_picture(address),
        None => !address.is_empty(),
    };
    convert(bytes, |_| {}, in_book)
}

fn convert(
    bytes: &[u8],
    prepare: impl Fn(&Rc<Node>),
    is_within: IsWithin,
) -> Result<StructuredText, ExtractError> {
    charset::refuse_binary(bytes)?;
    let source = charset::decode(bytes, named_charset(bytes));
    if left_open(&source) > MAX_OPEN {
        let reason = "its elements are nested too deeply";
        return Err(ExtractError::damaged("HTML", reason));
    }
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder()
        .options(options)
        .skip_tags(SKIPPED.to_vec())
        .add_handler(
            vec!["img", "svg"],
            move |_: &dyn Handlers, element: Element<'_>| Some(shown(element.node, is_within)),
        )
        .build();
    let tree = converter
        .html_to_tree(&source)
        .map_err(|error| ExtractError::damaged("HTML", error.to_string()))?;
    prepare(&tree);
    let survey = Survey::of(&tree);
    let text = if survey.depth > MAX_DEPTH {
        plain_text(&tree)
    } else {
        converter.tree_to_markdown(survey.main.as_ref().unwrap_or(&tree))
    };
    let (text, pictures) = picked(&markdown::with_rows(&tidy(&text)));
    let headings = markdown::headings(&text);
    let title = survey.title.or_else(|| markdown::title(&headings));
    Ok(StructuredText {
        text,
        headings,
        pictures,
        metadata: DocumentMetadata {
            title,
            ..DocumentMetadata::default()
        },
    })
}

/// Whether an address is itself an image, and one that may hold a text.
fn holds_picture(address: &str) -> bool {
    /// Enough characters for the head of an image.
    const HEAD: usize = 4096;
    let Some((kind, content)) = address.split_once(',') else {
        return false;
    };
    if !kind.starts_with("data:image/") || kind.starts_with("data:image/svg") {
        return false;
    }
    let packed = content.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let packed: Vec<u8> = packed.take(HEAD).collect();
    let whole = &packed[..packed.len() / 4 * 4];
    !STANDARD
        .decode(whole)
        .is_ok_and(|head| image::is_icon(&head))
}

/// What stands in the text for an image, or for the images in a drawing. Drawings
/// without any are the signs of a page, and their titles repeat what it says.
fn shown(node: &Rc<Node>, is_within: IsWithin) -> HandlerResult {
    let mut words = attribute(node, "alt").unwrap_or_default();
    let mut titles = Vec::new();
    let mut count = usize::from(attribute(node, "src").is_some_and(|address| is_within(&address)));
    let mut open: Vec<Rc<Node>> = node.children.borrow().clone();
    while let Some(child) = open.pop() {
        if let NodeData::Element { name, .. } = &child.data {
            match name.local.as_ref() {
                "image" => {
                    let address = attribute(&child, "href");
                    count += usize::from(address.is_some_and(|address| is_within(&address)));
                }
                // It is read with all that is in it, and gone into no more: what
                // is nested a thousand times would be kept as often.
                "title" | "desc" => {
                    titles.push(child);
                    continue;
                }
                _ => {}
            }
        }
        open.extend(child.children.borrow().iter().cloned());
    }
    if count > 0 {
        // The last of the children were taken first.
        for title in titles.iter().rev() {
            words.push(' ');
            words.push_str(&plain_text(title));
        }
    }
    let marks = PICTURE.to_string().repeat(count);
    format!("{marks}{}", pictures::words(&words)).into()
}

fn attribute(node: &Node, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else {
        return None;
    };
    let attributes = attrs.borrow();
    let found = attributes.iter().find(|one| &*one.name.local == wanted)?;
    Some(found.value.trim().to_owned())
}

/// The text without the marks of its pictures, and the pictures.
fn picked(marked: &str) -> (String, Vec<Picture>) {
    let mut pieces = marked.split(PICTURE);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for piece in pieces {
        let end = piece.find(']').filter(|_| piece.starts_with("!["));
        let description = end.map_or("", |end| &piece[..=end]);
        found.push(Picture {
            at: text.len(),
            ..Picture::new(None, description)
        });
        // One that stood alone leaves no empty lines behind.
        text.push_str(match text.is_empty() || text.ends_with("\n\n") {
            true => piece.trim_start_matches('\n'),
            false => piece,
        });
    }
    (text.trim().to_owned(), found)
}

/// How many elements are opened and not closed, among those that nothing but
/// their own end closes.
fn left_open(source: &str) -> usize {
    const IMPLIED: [&str; 16] = [
        "p", "li", "br", "hr", "img", "input", "meta", "link", "td", "th", "tr", "dt", "dd",
        "option", "col", "source",
    ];
    let mut open = 0_usize;
    let mut most = 0;
    for tag in source.split('<').skip(1) {
        let name = tag.trim_start_matches('/');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric());
        let plain = name[..end.unwrap_or(name.len())].to_ascii_lowercase();
        if plain.is_empty() || IMPLIED.contains(&plain.as_str()) {
            continue;
        }
        if tag.starts_with('/') {
            open = open.saturating_sub(1);
        } else if !tag.split('>').next().is_some_and(|tag| tag.ends_with('/')) {
            open += 1;
        }
        most = most.max(open);
    }
    most
}

/// The charset that the document names in its head.
fn named_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let at = head
        .windows(8)
        .position(|window| window.eq_ignore_ascii_case(b"charset="))?;
    let value = &head[at + 8..];
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let value = value.strip_prefix(b"'").unwrap_or(value);
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:".contains(byte);
    let end = value.iter().position(|byte| !name(byte));
    Encoding::for_label(&value[..end.unwrap_or(value.len())])
}

/// Takes out the frame of a page, but for what stands within its content.
fn remove_frame(tree: &Rc<Node>) {
    let is_one_of = |node: &Rc<Node>, names: &[&str]| match &node.data {
        NodeData::Element { name, .. } => names.contains(&name.local.as_ref()),
        _ => false,
    };
    let mut open = vec![Rc::clone(tree)];
    while let Some(node) = open.pop() {
        let mut children = node.children.borrow_mut();
        children.retain(|child| !is_one_of(child, &FRAME));
        let outside = children.iter().filter(|child| !is_one_of(child, &CONTENT));
        open.extend(outside.cloned());
    }
}

/// What one walk over the tree finds.
#[derive(Default)]
struct Survey {
    depth: usize,
    title: Option<String>,
    /// The element that is the content by its own word, where there is just one.
    main: Option<Rc<Node>>,
}

impl Survey {
    fn of(tree: &Rc<Node>) -> Self {
        let mut survey = Self::default();
        let (mut mains, mut articles) = (Vec::new(), Vec::new());
        let mut open = vec![(Rc::clone(tree), 1)];
        while let Some((node, depth)) = open.pop() {
            survey.depth = survey.depth.max(depth);
            if let NodeData::Element { name, .. } = &node.data {
                match name.local.as_ref() {
                    "title" if survey.title.is_none() => survey.title = Some(words(&node)),
                    "main" => mains.push(Rc::clone(&node)),
                    "article" => articles.push(Rc::clone(&node)),
                    _ => {}
                }
            }
            let children = node.children.borrow();
            open.extend(
                children
                    .iter()
                    .rev()
                    .map(|child| (Rc::clone(child), depth + 1)),
            );
        }
        survey.title = survey.title.filter(|title| !title.is_empty());
        let only = |mut found: Vec<Rc<Node>>| (found.len() == 1).then(|| found.pop()).flatten();
        survey.main = only(mains).or_else(|| only(articles));
        survey
    }
}

fn words(node: &Rc<Node>) -> String {
    let text = plain_text(node);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text below a node without any recursion.
fn plain_text(tree: &Rc<Node>) -> String {
    let mut text = String::new();
    let mut open = vec![Rc::clone(tree)];
    while let Some(node) = open.pop() {
        match &node.data {
            NodeData::Text { contents } => text.push_str(&contents.borrow()),
            NodeData::Element { name, .. } => {
                if name.local.as_ref() == "svg" || SKIPPED.contains(&name.local.as_ref()) {
                    continue;
                }
                if matches!(
                    name.local.as_ref(),
                    "p" | "div" | "br" | "li" | "tr" | "h1" | "h2"
                ) {
                    text.push('\n');
                }
            }
            _ => {}
        }
        open.extend(node.children.borrow().iter().rev().cloned());
    }
    text
}

/// No white space at line ends, no more than one blank line in a row.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines().map(str::trim_end) {
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use crate::extract::Limits;
    use crate::extract::format::StructuredText;

    fn read(source: &[u8]) -> StructuredText {
        super::read(source).unwrap()
    }

    #[test]
    fn content_is_kept_and_its_frame_is_not() {
        let read = read(
            b"<html><head><title> The  page </title><style>p{}</style></head><body><nav>Home</nav><header>Top</header>\
              <main><h1>Pumps</h1><p>They <b>move</b> water.<script>var x;</script></p><ul><li>one<li>two</ul>\
              <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></main><footer>(c)</footer></body></html>",
        );
        assert_eq!(read.metadata.title.as_deref(), Some("The page"));
        assert!(
            read.text
                .starts_with("# Pumps\n\nThey **move** water.\n\n- one\n- two"),
            "{}",
            read.text
        );
        for absent in ["Home", "Top", "(c)", "var x", "p{}"] {
            assert!(!read.text.contains(absent), "{absent}");
        }
        assert!(read.text.lines().any(|line| line == "a: 1;\tb: 2"));
        assert_eq!(read.headings[0].text, "Pumps");
    }

    #[test]
    fn what_frames_a_page_is_content_within_an_article() {
        let read = read(
            b"<body><header>Top</header><aside>Advertisement</aside>\
              <article><header><h1>Pumps</h1></header><p>They move water.</p><aside>A note.</aside></article>\
              <article><p>Second.</p></article></body>",
        );
        assert!(
            read.text
                .starts_with("# Pumps\n\nThey move water.\n\nA note."),
            "{}",
            read.text
        );
        assert!(read.text.contains("Second."), "{}", read.text);
        for absent in ["Top", "Advertisement"] {
            assert!(!read.text.contains(absent), "{absent}");
        }
    }

    #[test]
    fn a_page_within_a_form_is_read_without_its_fields() {
        let read = read(
            b"<body><form><h1>Pumps</h1><p>They move water.</p><input value=\"typed\"><button>Send</button>\
              <select><option>One</option></select><textarea>draft</textarea></form></body>",
        );
        assert_eq!(read.text, "# Pumps\n\nThey move water.");
    }

    #[test]
    fn asides_of_a_chapter_are_its_notes() {
        let chapter = super::chapter(
            b"<html><body><header><h1>One</h1></header><p>Text.</p>\
              <aside epub:type=\"footnote\"><p>A footnote.</p></aside></body></html>",
        );
        assert_eq!(chapter.unwrap().text, "# One\n\nText.\n\nA footnote.");
    }

    #[test]
    fn the_named_charset_is_used() {
        let source = b"<html><head><meta charset=\"iso-8859-2\"></head><body><p>\xa3\xf3d\xbc</p></body></html>";
        assert_eq!(read(source).text, "Łódź");
    }

    #[test]
    fn descriptions_of_a_drawing_are_read_once_however_they_are_nested() {
        let drawing = |titles: &str| {
            let page = format!(
                "<main><p>Text.</p><svg><image href=\"data:image/png;base64,!\"/>{titles}</svg></main>"
            );
            read(page.as_bytes()).text
        };
        let nested = format!("{}A pump runs.", "<desc>".repeat(1_500));
        let flat = "<title>a</title>".repeat(20_000);
        assert_eq!(drawing(&nested).matches("A pump runs.").count(), 1);
        assert!(drawing(&flat).len() < 50_000);
    }

    #[test]
    fn nesting_that_stalls_the_parser_is_refused() {
        let source = "<b><div>".repeat(1_000_000);
        assert!(super::read(source.as_bytes()).is_err());
    }

    #[test]
    fn nesting_without_end_is_read_as_plain_text() {
        let source = format!("<html><body>{}<p>deep</p>", "<div>".repeat(5_000));
        let limits = Limits::default();
        let read = crate::extract::guard::run(limits.timeout, move || {
            super::read(source.as_bytes()).map(|content| format!("{content:?}"))
        });
        assert!(read.unwrap().contains("deep"));
    }
}
