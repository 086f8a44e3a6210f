//! Which files a list of paths means.

use crate::extract::{extensions, is_icon, is_image_extension};
use anyhow::{Context, Result};
use globset::{Glob, GlobSet, GlobSetBuilder};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use walkdir::{DirEntry, WalkDir};

/// A larger file is no icon, and is not opened to see whether it is one.
const MOST_BYTES_OF_AN_ICON: u64 = 64 * 1024;

/// What of a folder is wanted.
#[derive(clap::Args)]
pub(in crate::cli) struct PatternOptions {
    /// Of folders, take only files that match, such as '*.md', whatever their type; may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<Glob>,
    /// Of folders, leave out files and folders that match, such as drafts; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Glob>,
}

/// The same, ready to be asked.
pub(in crate::cli) struct Patterns {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl PatternOptions {
    /// From what somebody said elsewhere than on the command line.
    pub(in crate::cli) fn parse(include: &[String], exclude: &[String]) -> Result<Self> {
        let globs = |texts: &[String]| -> Result<Vec<Glob>> {
            let globs = texts.iter().map(|text| Ok(Glob::new(text)?));
            globs.collect()
        };
        Ok(Self {
            include: globs(include)?,
            exclude: globs(exclude)?,
        })
    }

    pub(in crate::cli) fn compile(&self) -> Result<Patterns> {
        Ok(Patterns {
            include: match self.include.as_slice() {
                [] => None,
                some => Some(set(some)?),
            },
            exclude: set(&self.exclude)?,
        })
    }
}

fn set(globs: &[Glob]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(glob.clone());
    }
    Ok(set.build()?)
}

/// Whether a pattern means a path of a folder, by all of it or by its name alone.
fn fits(set: &GlobSet, path: &Path) -> bool {
    set.is_match(path) || path.file_name().is_some_and(|name| set.is_match(name))
}

/// The files to add, and what was left out and why.
#[derive(Default)]
pub(in crate::cli) struct Selection {
    pub(in crate::cli) files: Vec<Selected>,
    pub(in crate::cli) skipped: Vec<Skipped>,
}

pub(in crate::cli) struct Selected {
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) bytes: u64,
    /// Where the system knows it.
    pub(in crate::cli) modified: Option<SystemTime>,
}

pub(in crate::cli) struct Skipped {
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) reason: String,
    /// What is there is not known.
    pub(in crate::cli) unreadable: bool,
}

/// Finds the files. From folders those are taken whose extension is known, images
/// too, so that it is recorded that they were not read, but icons are not; a
/// file that is named itself is taken whatever its name is: its content
/// decides. A path that does not exist is an error; what is unreadable
/// or of no use inside a folder is skipped.
pub(super) fn select(paths: &[PathBuf], patterns: &Patterns) -> Result<Selection> {
    let mut selection = Selection::default();
    for path in paths {
        let metadata =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            selection.walk(path, patterns);
        } else {
            selection.files.push(Selected {
                path: path.clone(),
                bytes: metadata.len(),
                modified: metadata.modified().ok(),
            });
        }
    }
    Ok(selection)
}

impl Selection {
    /// Links are not followed: they could lead out of the folder, or in circles.
    pub(in crate::cli) fn walk(&mut self, folder: &Path, patterns: &Patterns) {
        let within = |entry: &DirEntry| {
            let path = entry.path();
            path.strip_prefix(folder).unwrap_or(path).to_owned()
        };
        let is_shown = |entry: &DirEntry| {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            entry.depth() == 0 || !(hidden || fits(&patterns.exclude, &within(entry)))
        };
        let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(is_shown) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => match &patterns.include {
                    Some(include) if fits(include, &within(&entry)) => self.take(entry),
                    Some(_) => {}
                    None => self.consider(entry),
                },
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    self.skip(path, error.to_string(), true);
                }
            }
        }
    }

    fn consider(&mut self, entry: DirEntry) {
        let extension = entry.path().extension().unwrap_or_default();
        let extension = extension.to_string_lossy().to_lowercase();
        let reason = match extensions().any(|known| known == extension) {
            true if is_image_extension(&extension) && shows_icon(&entry) => {
                "an image too small to hold a text"
            }
            true => return self.take(entry),
            false => "not a type of document that satchel reads",
        };
        self.skip(entry.into_path(), reason.to_owned(), false);
    }

    fn take(&mut self, entry: DirEntry) {
        match entry.metadata() {
            Ok(metadata) => self.files.push(Selected {
                bytes: metadata.len(),
                modified: metadata.modified().ok(),
                path: entry.into_path(),
            }),
            Err(error) => self.skip(entry.into_path(), error.to_string(), true),
        }
    }

    fn skip(&mut self, path: PathBuf, reason: String, unreadable: bool) {
        self.skipped.push(Skipped {
            path,
            reason,
            unreadable,
        });
    }
}

/// Whether an image is one of the small ones that lie about in folders.
fn shows_icon(entry: &DirEntry) -> bool {
    let bytes = entry.metadata().map_or(u64::MAX, |metadata| metadata.len());
    // One that cannot be read is not known to be an icon.
    bytes <= MOST_BYTES_OF_AN_ICON
        && std::fs::read(entry.path()).is_ok_and(|content| is_icon(&content))
}

#[cfg(test)]
mod tests {
    use super::{PatternOptions, Selection, select};
    use globset::Glob;
    use std::fs;
    use std::path::Path;

    fn patterns(include: &[&str], exclude: &[&str]) -> PatternOptions {
        let globs = |texts: &[&str]| texts.iter().map(|one| Glob::new(one).unwrap()).collect();
        PatternOptions {
            include: globs(include),
            exclude: globs(exclude),
        }
    }

    fn names(selection: &Selection, folder: &Path) -> Vec<String> {
        let names = selection.files.iter().map(|file| {
            let name = file.path.strip_prefix(folder).unwrap();
            name.to_string_lossy().into_owned()
        });
        names.collect()
    }

    #[test]
    fn folder_gives_its_documents_and_says_what_it_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        };
        for name in ["b.md", "sub/a.PDF", "song.mp3", ".hidden/c.md"] {
            write(name);
        }
        let all = patterns(&[], &[]).compile().unwrap();
        let selection = select(&[folder.path().to_owned()], &all).unwrap();
        assert_eq!(names(&selection, folder.path()), ["b.md", "sub/a.PDF"]);
        assert_eq!(selection.skipped.len(), 1);
        // Named itself, a file is taken as it is.
        let named = select(&[folder.path().join("song.mp3")], &all).unwrap();
        assert_eq!(named.files.len(), 1);
        assert!(select(&[folder.path().join("missing")], &all).is_err());
    }

    #[test]
    fn images_of_a_folder_are_taken_and_its_icons_are_said_to_be_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let image = |name: &str, width: u16, height: u16| {
            let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
            fs::write(
                folder.path().join(name),
                [b"GIF89a".as_slice(), &sides].concat(),
            )
            .unwrap();
        };
        image("icon.gif", 256, 256);
        image("receipt.GIF", 400, 700);
        image("scan.png", 2480, 3508);
        let all = patterns(&[], &[]).compile().unwrap();
        let selection = select(&[folder.path().to_owned()], &all).unwrap();
        assert_eq!(
            names(&selection, folder.path()),
            ["receipt.GIF", "scan.png"]
        );
        let [icon] = selection.skipped.as_slice() else {
            panic!("{} were skipped", selection.skipped.len());
        };
        assert!(icon.path.ends_with("icon.gif") && icon.reason.contains("too small"));
        let named = select(&[folder.path().join("icon.gif")], &all).unwrap();
        assert_eq!(named.files.len(), 1);
    }

    #[test]
    fn patterns_take_and_leave_out_by_path_and_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.md", "b.txt", "run.xyz", "sub/c.md", "sub/drafts/d.md"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let chosen = |include: &[&str], exclude: &[&str]| {
            let patterns = patterns(include, exclude).compile().unwrap();
            let mut selection = Selection::default();
            selection.walk(folder.path(), &patterns);
            names(&selection, folder.path())
        };
        assert_eq!(chosen(&[], &["drafts"]), ["a.md", "b.txt", "sub/c.md"]);
        assert_eq!(chosen(&["*.md"], &["sub/drafts"]), ["a.md", "sub/c.md"]);
        assert_eq!(
            chosen(&["run.*", "sub/**"], &["d.md"]),
            ["run.xyz", "sub/c.md"]
        );
    }
}
