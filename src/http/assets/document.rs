//! What becomes of an HTML file of the page before it is sent: its assets get
//! addresses that name their version, so that browsers keep them for good, and
//! the modules that its scripts import are named ahead, so that all are asked
//! for at once. Must not know where files come from.

use sha2::{Digest, Sha256};
use std::fmt::Write;

const ASSETS: &str = "\"/assets/";
const MODULE: &str = "<script type=\"module\" src=\"/assets/";

/// As long as the hexadecimal digits of a version.
const VERSION_LENGTH: usize = 16;

/// Names the state of all files by their hashes.
pub(super) fn version(hashes: impl Iterator<Item = [u8; 32]>) -> String {
    let mut all: Vec<[u8; 32]> = hashes.collect();
    all.sort_unstable();
    let mut version = hexadecimal(&Sha256::digest(all.concat()));
    version.truncate(VERSION_LENGTH);
    version
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The path of an asset without its version, and whether it had one.
pub(super) fn without_version(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((first, rest)) if is_version(first) => (rest, Some(first)),
        _ => (path, None),
    }
}

fn is_version(text: &str) -> bool {
    text.len() == VERSION_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The document as it is sent; `read` gives the text of an asset.
pub(super) fn finished(html: &str, version: &str, read: impl Fn(&str) -> Option<String>) -> String {
    let mut preloads = String::new();
    for entry in html.split(MODULE).skip(1) {
        let Some((entry, _)) = entry.split_once('"') else {
            continue;
        };
        for module in imported(entry, &read) {
            let _ = writeln!(
                preloads,
                "<link rel=\"modulepreload\" href=\"/assets/{module}\">"
            );
        }
    }
    let html = match html.find(MODULE) {
        Some(at) => format!("{}{preloads}{}", &html[..at], &html[at..]),
        None => html.to_owned(),
    };
    html.replace(ASSETS, &format!("{ASSETS}{version}/"))
}

/// The modules that a module imports, and those that they import. What is
/// imported with `import()` is wanted later, if at all.
fn imported(entry: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = vec![entry.to_owned()];
    let mut at = 0;
    while let Some(path) = found.get(at).cloned() {
        at += 1;
        for specifier in read(&path).iter().flat_map(|text| specifiers(text)) {
            let module = resolved(&path, specifier);
            if !found.contains(&module) {
                found.push(module);
            }
        }
    }
    found.remove(0);
    found
}

/// What the `import … from '…'` and `export … from '…'` of a module name.
/// Only statements at the beginning of a line: that is how ours are written,
/// and one that is missed is merely loaded later.
fn specifiers(text: &str) -> impl Iterator<Item = &str> {
    let statements = ["\nimport ", "\nexport {", "\nexport *"];
    statements.into_iter().flat_map(move |beginning| {
        text.match_indices(beginning).filter_map(|(at, _)| {
            let (statement, _) = text[at..].split_once(';')?;
            let (_, quoted) = statement.split_once('\'')?;
            let (specifier, _) = quoted.split_once('\'')?;
            specifier.starts_with('.').then_some(specifier)
        })
    })
}

/// A relative address, from the file that names it.
fn resolved(from: &str, specifier: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{finished, version, without_version};

    const HTML: &str = "<link href=\"/assets/a.css\">\n\
        <script type=\"module\" src=\"/assets/js/main.js\"></script>";

    fn read(path: &str) -> Option<String> {
        let text = match path {
            "js/main.js" => {
                "// A page.\nimport { a } from './a.js';\nimport {\n  b,\n} from '../b.js';\nawait import('./late.js');\n"
            }
            "js/a.js" => "// A.\nimport './main.js';\nexport * from './more/c.js';\n",
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn modules_are_named_ahead_each_once_and_late_ones_not_at_all() {
        let html = finished(HTML, "0123456789abcdef", read);
        let expected = "<link href=\"/assets/0123456789abcdef/a.css\">\n\
            <link rel=\"modulepreload\" href=\"/assets/0123456789abcdef/js/a.js\">\n\
            <link rel=\"modulepreload\" href=\"/assets/0123456789abcdef/b.js\">\n\
            <link rel=\"modulepreload\" href=\"/assets/0123456789abcdef/js/more/c.js\">\n\
            <script type=\"module\" src=\"/assets/0123456789abcdef/js/main.js\"></script>";
        assert_eq!(html, expected);
    }

    #[test]
    fn version_follows_from_what_the_files_hold_and_not_from_their_order() {
        let one = version([[1; 32], [2; 32]].into_iter());
        assert_eq!(one, version([[2; 32], [1; 32]].into_iter()));
        assert_ne!(one, version([[1; 32], [3; 32]].into_iter()));
        assert_eq!(
            without_version(&format!("{one}/js/a.js")),
            ("js/a.js", Some(&*one))
        );
        assert_eq!(without_version("js/a.js"), ("js/a.js", None));
    }
}
