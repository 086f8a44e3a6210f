//! OpenDocument files: what texts (`text`), spreadsheets (`sheet`) and
//! presentations share.

mod sheet;
mod text;

pub(super) use sheet::OpenSheet;
pub(super) use text::{OpenSlides, OpenText};

use super::ExtractError;
use super::archive::{Package, is_zip};
use super::format::Source;
use super::xml;

/// Where the type stands in a file that is made as the standard asks.
const TYPE_WITHIN: usize = 200;

/// Whether the file says that it is of the type `kind`, or cannot be looked
/// into and has the name of such a file.
fn claims(source: &Source<'_>, extensions: &[&str], kind: &str) -> bool {
    if !is_zip(source.bytes) {
        return false;
    }
    let head = &source.bytes[..source.bytes.len().min(TYPE_WITHIN)];
    let head = String::from_utf8_lossy(head);
    match head.split_once("application/vnd.oasis.opendocument.") {
        Some((_, named)) => named.starts_with(kind),
        None => {
            let readable = source.members();
            let has = |names: &[String]| names.iter().any(|name| name == "content.xml");
            source.has_extension(extensions) && readable.is_none_or(has)
        }
    }
}

/// What an OpenDocument file holds: its content, and its title.
fn open(
    source: &Source<'_>,
    format: &'static str,
) -> Result<(String, Option<String>), ExtractError> {
    let mut package = Package::open(source.bytes, source.budget, format)?;
    let manifest = package.part("META-INF/manifest.xml").ok().flatten();
    if manifest.is_some_and(|manifest| manifest.contains("encryption-data")) {
        return Err(ExtractError::Encrypted);
    }
    let content = package.part("content.xml")?;
    let content = content.ok_or_else(|| package.damaged("it has no content"))?;
    let about = package.part("meta.xml").ok().flatten();
    let title = about.and_then(|about| xml::text_of(&about, "title"));
    Ok((content, title))
}
