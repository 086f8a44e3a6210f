//! Names of models on a hub, and the files that they mean. Must not connect.

use super::catalogue::CatalogueEntry;
use super::error::HubError;

/// Quantizations in the order in which they are taken when none is named: a
/// fair trade of size for quality first.
const PREFERRED: [&str; 6] = ["Q4_K_M", "Q4_K_S", "Q4_0", "Q5_K_M", "Q8_0", "Q6_K"];

/// Longest name of a file, in bytes; leaves room for what is put behind it.
const MAX_NAME: usize = 200;

/// What of a repository is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// A file, by its path in the repository.
    File(String),
    Quantization(String),
    /// Whatever suits best.
    Any,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub(super) repository: String,
    wanted: Wanted,
    /// The only content that is accepted.
    pub(super) sha256: Option<String>,
}

impl Source {
    /// Reads `owner/repository`, with `:FILE.gguf` or `:QUANTIZATION` behind it
    /// if one of several files is meant.
    pub fn parse(name: &str) -> Result<Self, HubError> {
        let refuse = |reason: &str| HubError::Name {
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        let (repository, wanted) = match name.split_once(':') {
            Some((repository, wanted)) => (repository, Some(wanted)),
            None => (name, None),
        };
        let parts: Vec<&str> = repository.split('/').collect();
        let [owner, model] = parts.as_slice() else {
            return Err(refuse(
                "it is neither in the catalogue nor written as owner/repository",
            ));
        };
        if ![owner, model].into_iter().all(|part| is_plain(part)) {
            return Err(refuse(
                "owner and repository are letters, digits, dots, hyphens and underscores",
            ));
        }
        let wanted = match wanted {
            None => Wanted::Any,
            Some(path) if is_gguf(path) => {
                if !path.split('/').all(is_plain) {
                    return Err(refuse(
                        "the file's path has characters that are not allowed",
                    ));
                }
                Wanted::File(path.to_owned())
            }
            Some(word) if is_plain(word) => Wanted::Quantization(word.to_owned()),
            Some(_) => {
                return Err(refuse(
                    "behind the colon stands a .gguf file or a quantization",
                ));
            }
        };
        Ok(Self {
            repository: repository.to_owned(),
            wanted,
            sha256: None,
        })
    }

    /// The one file of a repository, with this content where it is known.
    pub(super) fn file(repository: &str, path: &str, sha256: Option<String>) -> Self {
        Self {
            repository: repository.to_owned(),
            wanted: Wanted::File(path.to_owned()),
            sha256,
        }
    }

    /// The file among `offered` that is meant.
    pub(super) fn choose<'a>(&self, offered: &[&'a str]) -> Result<&'a str, HubError> {
        let models: Vec<&'a str> = offered
            .iter()
            .copied()
            .filter(|path| is_gguf(path) && path.split('/').all(is_plain))
            .filter(|path| !is_projector(path) && !is_part(path))
            .collect();
        let of = |quantization: &str| {
            let found = models.iter().filter(|path| has_word(path, quantization));
            // Repositories hold variants too: the plain one has the shortest name.
            found.min_by_key(|path| path.len()).copied()
        };
        let found = match &self.wanted {
            Wanted::File(wanted) => models
                .iter()
                .find(|path| *path == wanted || file_name(path) == wanted)
                .copied(),
            Wanted::Quantization(word) => of(word),
            Wanted::Any => PREFERRED
                .iter()
                .find_map(|word| of(word))
                .or_else(|| models.first().copied()),
        };
        found.ok_or_else(|| HubError::NoFile {
            repository: self.repository.clone(),
            wanted: match &self.wanted {
                Wanted::File(name) | Wanted::Quantization(name) => name.clone(),
                Wanted::Any => "a model in one GGUF file".to_owned(),
            },
            offered: if models.is_empty() {
                "no model in one GGUF file".to_owned()
            } else {
                models.join(", ")
            },
        })
    }
}

impl From<&CatalogueEntry> for Source {
    fn from(entry: &CatalogueEntry) -> Self {
        Self::file(&entry.repository, &entry.file, entry.sha256.clone())
    }
}

/// Refuses a name of a file that could be more than a name.
pub(super) fn check_file_name(name: &str) -> Result<(), HubError> {
    let reason = match name {
        _ if !is_gguf(name) => "model files end with .gguf",
        _ if !is_plain(name) => {
            "names of files are letters, digits, dots, hyphens, plus signs and underscores"
        }
        _ if name.len() > MAX_NAME => "it is too long",
        _ => return Ok(()),
    };
    Err(HubError::Name {
        name: name.to_owned(),
        reason: reason.to_owned(),
    })
}

/// Refuses what cannot be a commit: it becomes part of an address.
pub(super) fn check_commit(commit: &str) -> Result<(), &'static str> {
    match is_plain(commit) {
        true => Ok(()),
        false => Err("it names no commit"),
    }
}

/// The last part of a path in a repository.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Neither hidden nor anything that a file system or an address reads as more
/// than a name.
fn is_plain(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
}

fn is_gguf(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".gguf")
}

/// The part of a model that sees pictures.
fn is_projector(path: &str) -> bool {
    file_name(path).to_ascii_lowercase().contains("mmproj")
}

/// One of several files of one model: `…-00001-of-00003.gguf`.
fn is_part(path: &str) -> bool {
    let stem = file_name(path);
    let stem = stem.get(..stem.len().saturating_sub(5)).unwrap_or(stem);
    let mut words = stem.rsplit('-');
    let number = |word: Option<&str>| {
        word.is_some_and(|word| word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit()))
    };
    number(words.next()) && words.next() == Some("of") && number(words.next())
}

/// Whether the name has the word between hyphens or dots, in any case.
fn has_word(path: &str, word: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let word = word.to_ascii_lowercase();
    name.match_indices(&word).any(|(start, found)| {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
        edge(name[..start].chars().next_back()) && edge(name[start + found.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::{Source, check_file_name};

    const OFFERED: [&str; 8] = [
        "README.md",
        "model-Q8_0.gguf",
        "model-UD-Q4_K_M.gguf",
        "model-q4_k_m.gguf",
        "mmproj-model-Q4_K_M.gguf",
        "big-Q6_K-00001-of-00002.gguf",
        "IQ4/model-IQ4_XS.gguf",
        "bad name Q5_0.gguf",
    ];

    fn chosen(name: &str) -> Option<&'static str> {
        Source::parse(name).unwrap().choose(&OFFERED).ok()
    }

    #[test]
    fn file_is_chosen_by_name_by_quantization_or_by_preference() {
        assert_eq!(chosen("o/r"), Some("model-q4_k_m.gguf"));
        assert_eq!(chosen("o/r:Q8_0"), Some("model-Q8_0.gguf"));
        assert_eq!(chosen("o/r:iq4_xs"), Some("IQ4/model-IQ4_XS.gguf"));
        assert_eq!(chosen("o/r:model-Q8_0.gguf"), Some("model-Q8_0.gguf"));
        assert_eq!(
            chosen("o/r:model-IQ4_XS.gguf"),
            Some("IQ4/model-IQ4_XS.gguf")
        );
    }

    #[test]
    fn parts_projectors_and_strange_names_are_no_models() {
        for name in [
            "o/r:Q6_K",
            "o/r:Q5_0",
            "o/r:mmproj-model-Q4_K_M.gguf",
            "o/r:Q4",
        ] {
            let source = Source::parse(name).unwrap();
            let error = source.choose(&OFFERED).unwrap_err().to_string();
            assert!(error.contains("it has: model-Q8_0.gguf"), "{error}");
        }
    }

    #[test]
    fn name_cannot_leave_the_folder_or_the_hub() {
        for name in [
            "",
            "qwen",
            "a/b/c",
            "../b",
            "a/..",
            "a/b:../../etc/passwd.gguf",
            "a/b:/x.gguf",
            "a/b:x?y",
            "a b/c",
            "a/b?c=d",
            "https://host/a",
        ] {
            assert!(Source::parse(name).is_err(), "{name}");
        }
        for name in [
            "",
            ".gguf",
            "..gguf",
            "a/b.gguf",
            "a\\b.gguf",
            "a.bin",
            "a\0.gguf",
            "C:x.gguf",
            "ü.gguf",
        ] {
            assert!(check_file_name(name).is_err(), "{name}");
        }
        assert!(check_file_name(&format!("{}.gguf", "a".repeat(200))).is_err());
        assert!(check_file_name("Qwen3-4B-Q4_K_M.gguf").is_ok());
    }
}
