//! Zip archives of documents: each member read as its own format, and every
//! one accounted for. Names are labels only; nothing is written to disk.

use super::archive::{Package, is_zip};
use super::collection::Collection;
use super::format::{Content, Format, Source};
use super::{ExtractError, Limits};
use crate::types::DocumentMetadata;

pub(super) struct Zip;

/// Members of an archive.
const MAX_MEMBERS: usize = 5_000;
/// Longest name that is shown, in characters.
const LONGEST_NAME: usize = 200;

impl Format for Zip {
    fn name(&self) -> &'static str {
        "zip"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["zip"]
    }

    /// What no format that is made of a zip file has claimed.
    fn recognises(&self, source: &Source<'_>) -> bool {
        is_zip(source.bytes)
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let mut package = Package::open(source.bytes, source.budget, "ZIP")?;
        let mut members = package.members();
        members.retain(|member| !is_of_the_system(&member.name));
        if members.is_empty() {
            return Err(ExtractError::Empty);
        }
        if members.len() > MAX_MEMBERS {
            return Err(ExtractError::TooManyMembers {
                members: members.len(),
                limit: MAX_MEMBERS,
            });
        }
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let mut collection = Collection::new(limits);
        for member in members {
            let name = label(&member.name);
            if member.encrypted {
                collection.unread(format!("{name}: {}", ExtractError::Encrypted))?;
                continue;
            }
            match package.bytes_at(member.index) {
                Ok(bytes) => collection.nest(source, &name, &bytes, limits)?,
                Err(error @ ExtractError::TooLargeUnpacked { .. }) => return Err(error),
                Err(error) => collection.unread(format!("{name}: {error}"))?,
            }
        }
        Ok(collection.finish(false, DocumentMetadata::default()))
    }
}

/// What systems put beside the files of people.
fn is_of_the_system(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.starts_with("__MACOSX/") || matches!(last, ".DS_Store" | "Thumbs.db" | "desktop.ini")
}

/// A name without steps out of the archive and without control characters.
fn label(name: &str) -> String {
    let steps = name.split(['/', '\\']);
    let steps = steps.filter(|step| !matches!(*step, "" | "." | ".."));
    let joined = steps.collect::<Vec<_>>().join("/");
    let shown = joined.chars().filter(|c| !c.is_control());
    let count = shown.clone().count();
    // The end of a name says what the file is.
    shown.skip(count.saturating_sub(LONGEST_NAME)).collect()
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn names_lead_nowhere() {
        assert_eq!(label("../../etc/pass\nwd"), "etc/passwd");
        assert_eq!(label("C:\\a\\..\\b.txt"), "C:/a/b.txt");
    }
}
