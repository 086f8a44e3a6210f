//! Which models of the catalogue this version can run and this machine holds,
//! and which one to take first. Must not look at the disk.

use super::{InstalledModel, KnownModel, Machine};
use crate::engine::decoder::Architecture;
use crate::engine::hub::{self, CatalogueEntry};
use crate::types::ModelKind;

/// Parameters that a core reads a prompt for fast enough to be waited for.
const PARAMETERS_PER_CORE: u64 = 1_100_000_000;

/// The catalogue, with one model marked as the best for the machine.
pub(super) fn known_models(
    installed: &[InstalledModel],
    machine: &Machine,
    freed: u64,
) -> Vec<KnownModel> {
    let mut models: Vec<KnownModel> = hub::catalogue()
        .iter()
        .map(|entry| KnownModel {
            entry,
            is_installed: installed.iter().any(|model| model.file == entry.file),
            is_usable: usable(entry),
            fits: machine.holds(entry.memory_bytes, freed),
            speed: None,
            is_recommended: false,
        })
        .collect();
    let cores = u64::try_from(machine.cores).unwrap_or(1).max(1);
    let suits = |model: &&mut KnownModel| {
        let bearable = model.entry.parameters <= cores * PARAMETERS_PER_CORE;
        model.is_usable && model.entry.recommended && bearable && model.fits != Some(false)
    };
    let best = models.iter_mut().filter(suits);
    if let Some(best) = best.max_by_key(|model| model.entry.parameters) {
        best.is_recommended = true;
    }
    models
}

/// Whether this version of the product can run a model.
pub(super) fn usable(entry: &CatalogueEntry) -> bool {
    match entry.kind {
        ModelKind::Chat => Architecture::parse(&entry.architecture).is_some(),
        ModelKind::Embedding | ModelKind::Reranking | ModelKind::Entailment => true,
    }
}

pub(super) fn unusable(entry: &CatalogueEntry) -> String {
    format!(
        "{} has the architecture {:?}, which this version cannot run",
        entry.title, entry.architecture
    )
}

#[cfg(test)]
mod tests {
    use super::{Machine, known_models};

    fn recommended(gigabytes: u64, cores: usize) -> Option<&'static str> {
        let machine = Machine {
            memory_bytes: Some(gigabytes * 1_000_000_000),
            available_bytes: Some(gigabytes * 1_000_000_000),
            cores,
            free_disk_bytes: None,
        };
        let models = known_models(&[], &machine, 0);
        let mut found = models.iter().filter(|model| model.is_recommended);
        let name = found.next().map(|model| model.entry.name.as_str());
        assert!(found.next().is_none(), "one at most");
        name
    }

    #[test]
    fn larger_machine_is_recommended_a_larger_model() {
        assert_eq!(recommended(0, 2), None);
        assert_eq!(recommended(1, 1), Some("qwen2.5-0.5b"));
        assert_eq!(recommended(8, 2), Some("qwen2.5-1.5b"));
        assert_eq!(recommended(8, 4), Some("qwen3-4b"));
        assert_eq!(recommended(32, 8), Some("qwen3-8b"));
        assert_eq!(recommended(2, 16), Some("qwen2.5-1.5b"), "memory is short");
    }

    #[test]
    fn model_that_writes_no_answers_is_not_recommended() {
        let machine = Machine {
            memory_bytes: None,
            available_bytes: None,
            cores: 64,
            free_disk_bytes: None,
        };
        let models = known_models(&[], &machine, 0);
        assert!(models.iter().all(|model| model.fits.is_none()));
        let embedder = models
            .iter()
            .find(|model| model.entry.name == "bge-m3")
            .unwrap();
        assert!(embedder.is_usable && !embedder.is_recommended);
    }
}
