//! What HTML may reach the page: escaping, and the allow list behind it.

use ammonia::{Builder, UrlRelative};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Deepest nesting of elements that is written.
pub(super) const MAX_NESTING: usize = 24;
/// Longest address of a link, in bytes.
const MAX_URL: usize = 2048;

/// The elements of MathML that only say how a formula is laid out.
pub(super) const MATHEMATICS: [&str; 24] = [
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "mspace",
    "msup",
    "msub",
    "msubsup",
    "mfrac",
    "msqrt",
    "mroot",
    "mover",
    "munder",
    "munderover",
    "mtable",
    "mtr",
    "mtd",
    "mpadded",
    "mphantom",
    "merror",
    "mmultiscripts",
    "mprescripts",
];

/// Their attributes: lengths, words and numbers, none of which is an address.
pub(super) const FORMS: [&str; 17] = [
    "accent",
    "accentunder",
    "displaystyle",
    "form",
    "height",
    "largeop",
    "linethickness",
    "lspace",
    "mathvariant",
    "maxsize",
    "minsize",
    "movablelimits",
    "rspace",
    "scriptlevel",
    "stretchy",
    "symmetric",
    "width",
];

static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(set(&[
            "p",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "pre",
            "code",
            "ol",
            "ul",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "em",
            "strong",
            "del",
            "a",
            "span",
            "br",
            "hr",
            "sup",
            "div",
        ]))
        .add_tags(MATHEMATICS)
        .tag_attributes(HashMap::from([
            (
                "a",
                set(&["href", "rel", "data-source", "data-citation", "aria-label"]),
            ),
            ("span", set(&["data-sentence"])),
            ("ol", set(&["start"])),
            ("pre", set(&["data-language"])),
            ("th", set(&["scope"])),
            ("div", set(&["data-note"])),
            ("math", set(&["display"])),
        ]))
        .add_generic_attributes(FORMS)
        .allowed_classes(HashMap::from([
            ("a", set(&["c", "fn"])),
            (
                "span",
                set(&[
                    "s", "weak", "none", "hl-c", "hl-s", "hl-n", "hl-k", "hl-f", "hl-t",
                ]),
            ),
            ("div", set(&["footnote"])),
            ("th", set(&["center", "end"])),
            ("td", set(&["center", "end"])),
            ("blockquote", set(&["quote"])),
        ]))
        .clean_content_tags(set(&["script", "style"]))
        .url_schemes(set(&["http", "https", "mailto"]))
        .url_relative(UrlRelative::Custom(Box::new(only_sources)))
        .link_rel(None);
    builder
});

fn set(names: &[&'static str]) -> HashSet<&'static str> {
    names.iter().copied().collect()
}

/// Of all addresses on this server, only the sources and the notes of the answer.
fn only_sources(url: &str) -> Option<Cow<'_, str>> {
    let source = url.strip_prefix("#source-");
    let number = source.or_else(|| url.strip_prefix("#note-"))?;
    let known = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    known.then_some(Cow::Borrowed(url))
}

/// Drops whatever the page must not get.
pub(super) fn sanitise(html: &str) -> String {
    ALLOWED.clean(html).to_string()
}

/// Text as HTML, also inside a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\0' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Whether a link of an answer may be followed.
pub(super) fn is_safe_link(url: &str) -> bool {
    let scheme = url
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let allowed = matches!(scheme.as_deref(), Some("http" | "https" | "mailto"));
    allowed && url.len() <= MAX_URL && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}
