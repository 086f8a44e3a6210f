//! What the formats of Microsoft Office share: the container of old and of
//! encrypted files, and the relations between the parts of new ones.

use super::ExtractError;
use super::archive::is_zip;
use super::format::Source;
use super::xml::{self, Node};
use std::collections::HashMap;

/// The container of old office files and of encrypted new ones.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Whether the file holds a member that begins with `main`, or cannot be
/// looked into and has the name of such a file.
pub(super) fn claims(source: &Source<'_>, extensions: &[&str], main: &str) -> bool {
    if source.bytes.starts_with(COMPOUND) {
        return source.has_extension(extensions);
    }
    if !is_zip(source.bytes) {
        return false;
    }
    match source.members() {
        Some(names) => names.iter().any(|name| name.starts_with(main)),
        None => source.has_extension(extensions),
    }
}

/// Refuses a file in the old container: encrypted, or of an old type.
pub(super) fn refuse_compound(bytes: &[u8], old: &str) -> Result<(), ExtractError> {
    if !bytes.starts_with(COMPOUND) {
        return Ok(());
    }
    let stream: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let encrypted = bytes.windows(stream.len()).any(|window| window == stream);
    match encrypted {
        true => Err(ExtractError::Encrypted),
        false => Err(ExtractError::Unsupported {
            what: old.to_owned(),
        }),
    }
}

/// A relation from one part to another.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// The last word of its type, such as `slide`.
    pub(super) kind: String,
    /// Name of the other part.
    pub(super) target: String,
}

/// The relations of the part `of`, by id, from the file that lists them.
pub(super) fn relations(source: &str, of: &str) -> Result<HashMap<String, Relation>, String> {
    let folder = of.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = HashMap::new();
    xml::nodes(source, |node| {
        let Node::Open("Relationship", element) = node else {
            return Ok(());
        };
        let value = |name| xml::attribute(element, name).unwrap_or_default();
        if value("TargetMode") != "External" {
            let relation = Relation {
                kind: value("Type").rsplit('/').next().unwrap_or("").to_owned(),
                target: resolve(folder, &value("Target")),
            };
            found.insert(value("Id"), relation);
        }
        Ok(())
    })?;
    Ok(found)
}

/// The file that lists the relations of the part `of`.
pub(super) fn relations_of(of: &str) -> String {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    format!("{folder}/_rels/{name}.rels")
}

/// A name relative to a folder as a name in the archive.
pub(super) fn resolve(folder: &str, target: &str) -> String {
    let absolute = target.strip_prefix('/');
    let mut steps: Vec<&str> = match absolute {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|step| !step.is_empty()).collect(),
    };
    for step in absolute.unwrap_or(target).split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn targets_are_relative_to_their_part() {
        assert_eq!(resolve("ppt/slides", "../media/a.png"), "ppt/media/a.png");
        assert_eq!(resolve("ppt", "/ppt/slides/a.xml"), "ppt/slides/a.xml");
        assert_eq!(resolve("", "../../a"), "a");
    }
}
