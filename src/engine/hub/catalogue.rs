//! The models that satchel knows by name. Facts only; nothing here connects.

use satchel_types::ModelKind;
use serde::Deserialize;
use std::sync::LazyLock;

static MANIFEST: &str = include_str!("../../../models/manifest.toml");

static CATALOGUE: LazyLock<Vec<CatalogueEntry>> = LazyLock::new(|| {
    let manifest: Manifest =
        toml::from_str(MANIFEST).expect("the embedded manifest is read by the tests");
    manifest.catalogue
});

/// A model that can be downloaded by its name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// What people type.
    pub name: String,
    /// What people read.
    pub title: String,
    pub kind: ModelKind,
    /// As in the file's `general.architecture`.
    pub architecture: String,
    /// `owner/name` on the hub.
    pub repository: String,
    /// The file in the repository, and then in the folder of models.
    pub file: String,
    pub quantization: String,
    /// Size of the file, rounded where it is not known to the byte.
    pub bytes: u64,
    /// Memory that the model needs with a context of 4096 tokens.
    pub memory_bytes: u64,
    pub parameters: u64,
    /// Longest context that the model was made for.
    pub context_tokens: u32,
    pub licence: String,
    /// ISO 639-1; the most important ones.
    pub languages: Vec<String>,
    /// What it is good for, in one line.
    pub summary: String,
    /// Of the file, in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Whether it is among those of which one is proposed for a machine.
    #[serde(default)]
    pub recommended: bool,
}

/// The part of `models/manifest.toml` that is read here.
#[derive(Deserialize)]
struct Manifest {
    catalogue: Vec<CatalogueEntry>,
}

/// All models that are known by name, the smallest chat model first, those that
/// find passages last.
pub fn catalogue() -> &'static [CatalogueEntry] {
    &CATALOGUE
}

/// The entry of this name, or of the file of this name.
pub fn known(name: &str) -> Option<&'static CatalogueEntry> {
    CATALOGUE
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name) || entry.file == name)
}

#[cfg(test)]
mod tests {
    use super::{catalogue, known};
    use crate::hub::Source;
    use crate::hub::source::check_file_name;
    use satchel_types::ModelKind;
    use std::collections::HashSet;

    #[test]
    fn every_entry_is_well_formed() {
        let architectures = [
            "llama",
            "qwen2",
            "qwen3",
            "gemma2",
            "gemma3",
            "phi3",
            "smollm3",
            "bert",
            "nomic-bert",
            "xlm-roberta",
        ];
        for entry in catalogue() {
            let name = &entry.name;
            check_file_name(&entry.file).unwrap();
            Source::parse(&format!("{}:{}", entry.repository, entry.file)).unwrap();
            assert!(
                architectures.contains(&entry.architecture.as_str()),
                "{name}"
            );
            assert!(!name.contains('/') && !name.ends_with(".gguf"), "{name}");
            let file = entry.file.to_lowercase();
            assert!(file.contains(&entry.quantization.to_lowercase()), "{name}");
            assert!(entry.memory_bytes > entry.bytes, "{name}");
            // Between two and a half and twelve bits a weight.
            let bits = entry.bytes as f64 * 8.0 / entry.parameters as f64;
            assert!((2.5..12.0).contains(&bits), "{name}: {bits} bits a weight");
            assert!(entry.summary.ends_with('.') && !entry.licence.is_empty());
            assert!(!entry.languages.is_empty());
            assert!(entry.languages.iter().all(|code| code.len() == 2), "{name}");
            if let Some(sha256) = &entry.sha256 {
                let digits = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(sha256.len() == 64 && sha256.chars().all(digits), "{name}");
            }
        }
    }

    #[test]
    fn names_and_files_are_unique() {
        let names: HashSet<_> = catalogue().iter().map(|entry| &entry.name).collect();
        let files: HashSet<_> = catalogue().iter().map(|entry| &entry.file).collect();
        let all = catalogue().len();
        assert_eq!((names.len(), files.len()), (all, all));
    }

    #[test]
    fn chat_models_come_by_size_and_some_are_recommended() {
        let chat: Vec<_> = catalogue()
            .iter()
            .filter(|entry| entry.kind == ModelKind::Chat)
            .collect();
        assert!(chat.len() >= 12);
        assert!(chat.is_sorted_by_key(|entry| entry.bytes));
        assert!(chat.iter().filter(|entry| entry.recommended).count() >= 3);
        assert!(catalogue().len() - chat.len() >= 3, "some embed");
    }

    #[test]
    fn entry_is_found_by_name_and_by_file() {
        let entry = known("Qwen3-4B").unwrap();
        assert_eq!(known(&entry.file), Some(entry));
        assert_eq!(known("no-such-model"), None);
    }
}
