//! Which files a list of paths means.

use crate::extract::extensions;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// The files to add, and what was left out and why.
pub(super) struct Selection {
    pub(super) files: Vec<Selected>,
    pub(super) skipped: Vec<(PathBuf, String)>,
}

pub(super) struct Selected {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// Finds the files. From folders those are taken whose extension is known; a
/// file that is named itself is taken whatever its name is: its content
/// decides. A path that does not exist is an error; what is unreadable
/// or of no use inside a folder is skipped.
pub(super) fn select(paths: &[PathBuf]) -> Result<Selection> {
    let mut selection = Selection {
        files: Vec::new(),
        skipped: Vec::new(),
    };
    for path in paths {
        let metadata =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            selection.walk(path);
        } else {
            selection.files.push(Selected {
                path: path.clone(),
                bytes: metadata.len(),
            });
        }
    }
    Ok(selection)
}

impl Selection {
    /// Links are not followed: they could lead out of the folder, or in circles.
    fn walk(&mut self, folder: &Path) {
        let is_shown = |entry: &DirEntry| {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            entry.depth() == 0 || !hidden
        };
        let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(is_shown) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => self.consider(entry),
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    self.skipped.push((path, error.to_string()));
                }
            }
        }
    }

    fn consider(&mut self, entry: DirEntry) {
        let extension = entry.path().extension().unwrap_or_default();
        let is_known = extensions().any(|known| extension.eq_ignore_ascii_case(known));
        match entry.metadata() {
            Ok(metadata) if is_known => self.files.push(Selected {
                bytes: metadata.len(),
                path: entry.into_path(),
            }),
            Ok(_) => {
                let reason = "not a type of document that satchel reads".to_owned();
                self.skipped.push((entry.into_path(), reason));
            }
            Err(error) => self.skipped.push((entry.into_path(), error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::select;
    use std::fs;

    #[test]
    fn folder_gives_its_documents_and_says_what_it_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        };
        for name in ["b.md", "sub/a.PDF", "photo.jpg", ".hidden/c.md"] {
            write(name);
        }
        let selection = select(&[folder.path().to_owned()]).unwrap();
        let names = selection.files.iter().map(|file| {
            let name = file.path.strip_prefix(folder.path()).unwrap();
            name.to_string_lossy().into_owned()
        });
        assert_eq!(names.collect::<Vec<_>>(), ["b.md", "sub/a.PDF"]);
        assert_eq!(selection.skipped.len(), 1);
        // Named itself, a file is taken as it is.
        let named = select(&[folder.path().join("photo.jpg")]).unwrap();
        assert_eq!(named.files.len(), 1);
        assert!(select(&[folder.path().join("missing")]).is_err());
    }
}
