//! Which folders of this machine may be chosen: those below the ones that the
//! settings name, but for the product's own. Paths are compared with all links
//! resolved, so that no link leads out.

use crate::config::Config;
use crate::error::{ErrorKind, Fault};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Folders that one look lists.
const MAX_CHOICES: usize = 500;

/// What stands where the settings allow nothing.
const NOWHERE: &str = "the settings allow no folder to be chosen on the page: start satchel with \
    the setting watchable, as in `satchel serve --watchable /srv/papers`";

/// A folder that may be opened or chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderChoice {
    pub name: String,
    pub path: String,
}

/// The folders within a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderChoices {
    /// The folder; `None`: what is listed are those that the settings name.
    pub path: Option<String>,
    /// The folder that it lies in, if that may be looked at.
    pub parent: Option<String>,
    /// By name.
    pub folders: Vec<FolderChoice>,
    /// How many more there are.
    pub left_out: usize,
}

/// Where folders may be chosen, as the disk is now.
pub(super) struct Places {
    roots: Vec<PathBuf>,
    /// The product's own folder.
    data: PathBuf,
}

impl Places {
    pub(super) fn of(config: &Config) -> Self {
        let roots = config.watchable.iter();
        Self {
            // One that is not there now allows nothing now.
            roots: roots
                .filter_map(|root| fs::canonicalize(root).ok())
                .collect(),
            data: fs::canonicalize(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone()),
        }
    }

    /// The folders below which one may be chosen.
    pub(super) fn into_roots(self) -> Vec<PathBuf> {
        self.roots
    }

    /// The folder that `path` means, with all links resolved, if it may be watched.
    pub(super) fn permitted(&self, path: &str) -> Result<String, Fault> {
        let folder = self.within(path)?;
        if folder.starts_with(&self.data) || self.data.starts_with(&folder) {
            let message = format!(
                "satchel keeps its own data in {}, which cannot be watched: choose a folder \
                 beside it",
                self.data.display()
            );
            return Err(Fault::invalid(message));
        }
        entries(&folder)?;
        text(&folder)
    }

    /// The folders within `path`; hidden ones, links and the product's own are left out.
    pub(super) fn choices(&self, path: Option<&str>) -> Result<FolderChoices, Fault> {
        let Some(path) = path else {
            return self.roots_to_choose();
        };
        let folder = self.within(path)?;
        let mut folders = Vec::new();
        for entry in entries(&folder)?.flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = entry.path();
            if !is_folder || path.starts_with(&self.data) {
                continue;
            }
            // A name that is no text cannot be sent back.
            let name = entry.file_name().into_string().ok();
            if let Some(name) = name.filter(|name| !name.starts_with('.')) {
                let path = text(&path)?;
                folders.push(FolderChoice { name, path });
            }
        }
        folders.sort_by_cached_key(|one| (one.name.to_lowercase(), one.name.clone()));
        let left_out = folders.len().saturating_sub(MAX_CHOICES);
        folders.truncate(MAX_CHOICES);
        let parent = folder.parent().filter(|parent| self.is_allowed(parent));
        Ok(FolderChoices {
            path: Some(text(&folder)?),
            parent: parent.map(text).transpose()?,
            folders,
            left_out,
        })
    }

    fn roots_to_choose(&self) -> Result<FolderChoices, Fault> {
        let root = |root: &PathBuf| {
            let path = text(root)?;
            let name = path.clone();
            Ok(FolderChoice { name, path })
        };
        Ok(FolderChoices {
            path: None,
            parent: None,
            folders: self.roots.iter().map(root).collect::<Result<_, Fault>>()?,
            left_out: 0,
        })
    }

    /// The folder that `path` means, if it is below one of those that are
    /// allowed. Whether there is anything elsewhere is not told.
    fn within(&self, path: &str) -> Result<PathBuf, Fault> {
        if self.roots.is_empty() {
            return Err(Fault::new(ErrorKind::Forbidden, NOWHERE));
        }
        let asked = Path::new(path);
        if !asked.is_absolute() {
            let message = format!("{path:?} is not a whole path, such as /srv/papers");
            return Err(Fault::invalid(message));
        }
        let folder = match fs::canonicalize(asked) {
            Ok(folder) => folder,
            Err(error) if self.is_allowed(asked) && is_plain(asked) => {
                return Err(missing(asked, &error));
            }
            Err(_) => return Err(self.elsewhere(asked)),
        };
        match self.is_allowed(&folder) {
            false => Err(self.elsewhere(asked)),
            true if folder.is_dir() => Ok(folder),
            true => {
                let message = format!("{} is a file and not a folder", folder.display());
                Err(Fault::invalid(message))
            }
        }
    }

    fn is_allowed(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    fn elsewhere(&self, path: &Path) -> Fault {
        let roots = self.roots.iter().map(|root| root.display().to_string());
        let roots: Vec<_> = roots.collect();
        let message = format!(
            "{} may not be watched: the setting watchable allows what lies in {}",
            path.display(),
            roots.join(", ")
        );
        Fault::new(ErrorKind::Forbidden, message)
    }
}

/// Whether a path goes only down.
fn is_plain(path: &Path) -> bool {
    path.components()
        .all(|part| !matches!(part, Component::ParentDir))
}

fn missing(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::invalid(match error.kind() {
        io::ErrorKind::NotFound => {
            format!("the folder {path} is not there: is its disk connected?")
        }
        _ => format!("the folder {path} cannot be reached: {error}"),
    })
}

fn entries(folder: &Path) -> Result<fs::ReadDir, Fault> {
    fs::read_dir(folder).map_err(|error| {
        let path = folder.display();
        Fault::invalid(match error.kind() {
            io::ErrorKind::PermissionDenied => format!(
                "satchel may not read the folder {path}: give the user that it runs as the right \
                 to do so"
            ),
            _ => format!("the folder {path} cannot be read: {error}"),
        })
    })
}

fn text(path: &Path) -> Result<String, Fault> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let path = path.display();
        Fault::invalid(format!(
            "the name of {path} has letters that are no text: rename it"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::Places;
    use crate::config::Config;
    use crate::error::{ErrorKind, Kind};
    use std::fs;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    /// `allowed/` with folders and the data folder in it, and `other/` beside it.
    struct Disk(TempDir);

    impl Disk {
        fn new() -> Self {
            let disk = Self(tempfile::tempdir().unwrap());
            for name in [
                "allowed/papers/old",
                "allowed/.hidden",
                "allowed/data/originals",
                "other",
            ] {
                fs::create_dir_all(disk.path(name)).unwrap();
            }
            fs::write(disk.path("allowed/letter.md"), "text").unwrap();
            disk
        }

        fn path(&self, name: &str) -> PathBuf {
            fs::canonicalize(self.0.path()).unwrap().join(name)
        }

        fn places(&self) -> Places {
            Places::of(&Config {
                watchable: vec![self.path("allowed")],
                data_dir: self.path("allowed/data"),
                ..Config::default()
            })
        }

        fn permitted(&self, path: &Path) -> Result<String, ErrorKind> {
            let permitted = self.places().permitted(path.to_str().unwrap());
            permitted.map_err(|fault| fault.kind())
        }
    }

    #[test]
    fn only_folders_below_an_allowed_one_may_be_watched() {
        let disk = Disk::new();
        let papers = disk.path("allowed/papers");
        assert_eq!(disk.permitted(&papers), Ok(papers.to_string_lossy().into()));
        let roundabout = disk.path("allowed/papers/../papers");
        assert_eq!(
            disk.permitted(&roundabout).as_deref(),
            Ok(papers.to_str().unwrap())
        );
        for (name, kind) in [
            ("other", ErrorKind::Forbidden),
            ("allowed/../other", ErrorKind::Forbidden),
            ("allowed/papers/../../nowhere", ErrorKind::Forbidden),
            ("nowhere", ErrorKind::Forbidden),
            ("allowed/nowhere", ErrorKind::Invalid),
            ("allowed/letter.md", ErrorKind::Invalid),
            ("allowed/data", ErrorKind::Invalid),
            ("allowed/data/originals", ErrorKind::Invalid),
            ("allowed", ErrorKind::Invalid),
        ] {
            assert_eq!(disk.permitted(&disk.path(name)), Err(kind), "{name}");
        }
        assert_eq!(disk.permitted(Path::new("papers")), Err(ErrorKind::Invalid));
    }

    #[cfg(unix)]
    #[test]
    fn link_is_judged_by_where_it_leads() {
        use std::os::unix::fs::symlink;
        let disk = Disk::new();
        symlink(disk.path("other"), disk.path("allowed/out")).unwrap();
        symlink(disk.path("allowed/papers"), disk.path("other/in")).unwrap();
        let out = disk.path("allowed/out");
        assert_eq!(disk.permitted(&out), Err(ErrorKind::Forbidden));
        let papers = disk.path("allowed/papers").to_string_lossy().into_owned();
        assert_eq!(disk.permitted(&disk.path("other/in")), Ok(papers));
        let listed = disk
            .places()
            .choices(disk.path("allowed").to_str())
            .unwrap();
        assert!(listed.folders.iter().all(|one| one.name != "out"));
    }

    #[test]
    fn choices_are_folders_that_show_and_nothing_else() {
        let disk = Disk::new();
        let places = disk.places();
        let roots = places.choices(None).unwrap();
        assert_eq!(roots.path, None);
        assert_eq!(Path::new(&roots.folders[0].path), disk.path("allowed"));
        let listed = places.choices(disk.path("allowed").to_str()).unwrap();
        let names: Vec<_> = listed.folders.iter().map(|one| &one.name).collect();
        assert_eq!(names, ["papers"]);
        assert_eq!(listed.parent, None, "what is above is not shown");
        let below = places
            .choices(disk.path("allowed/papers").to_str())
            .unwrap();
        assert_eq!(below.parent.as_deref(), disk.path("allowed").to_str());
        assert!(places.choices(disk.path("other").to_str()).is_err());
    }

    #[test]
    fn where_nothing_is_allowed_the_setting_is_named() {
        let disk = Disk::new();
        let places = Places::of(&Config {
            watchable: Vec::new(),
            ..Config::default()
        });
        let refused = places.permitted(disk.path("allowed").to_str().unwrap());
        assert!(refused.unwrap_err().to_string().contains("--watchable"));
    }
}
