//! The files in the folder of models: their names, and what they are for. Must
//! not load any.

use crate::engine::decoder::installed;
use crate::engine::encoder::is_encoder;
use crate::engine::hub;
use crate::types::ModelKind;
use std::path::{Path, PathBuf};

/// The installed file of this name. Only a name that the folder lists leads to a path.
pub(super) fn path_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let files = installed(folder).unwrap_or_default();
    files.into_iter().find(|path| file_name(path) == name)
}

/// What a file is for, as far as the catalogue or its architecture says.
pub(super) fn kind(path: &Path) -> Option<ModelKind> {
    let entry = hub::known(&file_name(path));
    let known = entry.map(|entry| entry.kind);
    known.or_else(|| is_encoder(path).then_some(ModelKind::Embedding))
}

pub(super) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
