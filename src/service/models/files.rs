//! The files in the folder of models: their names, and what they are for. Must
//! not load any.

use crate::engine::decoder::installed;
use crate::engine::encoder::{is_encoder, is_entailment};
use crate::engine::hub;
use crate::types::ModelKind;
use std::path::{Path, PathBuf};

/// The installed file of this name. Only a name that the folder lists leads to a path.
pub(super) fn path_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let files = installed(folder).unwrap_or_default();
    files.into_iter().find(|path| file_name(path) == name)
}

/// What a file is for, as far as the catalogue, its architecture or the names of
/// its classes say.
pub(super) fn kind(path: &Path) -> Option<ModelKind> {
    let entry = hub::known(&file_name(path));
    let known = entry.map(|entry| entry.kind);
    known.or_else(|| match is_encoder(path) {
        true if is_entailment(path) => Some(ModelKind::Entailment),
        true => Some(ModelKind::Embedding),
        false => None,
    })
}

pub(super) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
