//! What has to be done so that the documents are what the files are. Computes
//! only: knows neither a folder nor a server.

use crate::service::Contents;
use std::collections::{BTreeMap, HashSet};

/// A document of the dataset.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: String,
    /// Which file of the folder it is, if it came from there.
    pub(super) path: Option<String>,
    /// Where its file was before the folder was moved, if it came from there.
    pub(super) moved_from: Option<String>,
    pub(super) sha256: String,
}

/// One change of the dataset; paths are those of the folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Add {
        path: String,
    },
    /// The document gets the file's content.
    Replace {
        id: String,
        path: String,
    },
    /// The content is the same, the file is another.
    Rename {
        id: String,
        from: String,
        path: String,
    },
    /// `is_gone`: the file is not there any more, and not only its content.
    Remove {
        id: String,
        path: String,
        is_gone: bool,
    },
}

/// The steps, in an order in which no two documents ever have the same content.
/// Documents of files that are `undecided` stay as they are.
pub(super) fn plan(
    files: &BTreeMap<String, Contents>,
    undecided: impl Fn(&str) -> bool,
    documents: &[Known],
) -> Vec<Step> {
    let mut plan = Plan::new(files, undecided, documents);
    plan.follow_move(documents);
    plan.follow_renames();
    plan.replace_changed();
    plan.add_new();
    plan.remove_rest();
    plan.steps
}

struct Plan<'a> {
    files: &'a BTreeMap<String, Contents>,
    /// Documents of the folder that are not what their file is.
    stale: BTreeMap<&'a str, (&'a Known, &'a str)>,
    /// Contents that the dataset has or will have, and not from a stale document.
    present: HashSet<&'a str>,
    /// Contents of the files that the dataset lacks.
    lacking: Vec<(&'a str, &'a str)>,
    steps: Vec<Step>,
}

impl<'a> Plan<'a> {
    fn new(
        files: &'a BTreeMap<String, Contents>,
        undecided: impl Fn(&str) -> bool,
        documents: &'a [Known],
    ) -> Self {
        let (mut stale, mut present) = (BTreeMap::new(), HashSet::new());
        let hashes: HashSet<&String> = files.values().flat_map(Contents::hashes).collect();
        for document in documents {
            if document.moved_from.is_some() && hashes.contains(&document.sha256) {
                continue;
            }
            let is_of = |path: &str| match files.get(path) {
                Some(contents) => contents.hashes().contains(&document.sha256),
                None => undecided(path),
            };
            match document.path.as_deref().filter(|path| !is_of(path)) {
                Some(path) => drop(stale.insert(document.id.as_str(), (document, path))),
                None => drop(present.insert(document.sha256.as_str())),
            }
        }
        let all = files
            .iter()
            .flat_map(|(path, contents)| contents.hashes().iter().map(move |hash| (path, hash)));
        let lacking = all
            .filter(|(_, hash)| !present.contains(hash.as_str()))
            .map(|(path, hash)| (path.as_str(), hash.as_str()))
            .collect();
        Self {
            files,
            stale,
            present,
            lacking,
            steps: Vec::new(),
        }
    }

    /// What is lacking and has been provided for by nothing yet.
    fn lacking(&self) -> Vec<(&'a str, &'a str)> {
        let all = self.lacking.iter().copied();
        all.filter(|(_, hash)| !self.present.contains(hash))
            .collect()
    }

    fn holder(&self, hash: &str, test: impl Fn(&str) -> bool) -> Option<(&'a Known, &'a str)> {
        let mut stale = self.stale.values().copied();
        stale.find(|(document, path)| document.sha256 == hash && test(path))
    }

    fn rename(&mut self, document: &'a Known, from: &str, path: &str) {
        self.stale.remove(document.id.as_str());
        self.present.insert(&document.sha256);
        self.steps.push(Step::Rename {
            id: document.id.clone(),
            from: from.to_owned(),
            path: path.to_owned(),
        });
    }

    /// A document that came from the folder before it was moved belongs to the file
    /// of its content, rather to the one in the same place of the folder. One whose
    /// content is gone stays as it is: what became of its file is not known.
    fn follow_move(&mut self, documents: &'a [Known]) {
        let moved = documents
            .iter()
            .filter_map(|one| Some((one.sha256.as_str(), (one, one.moved_from.as_deref()?))));
        let moved: BTreeMap<&str, (&Known, &str)> = moved.collect();
        // How much of its path a file shares with the document's, if all of it.
        let shared = |from: &str, path: &str| match from.ends_with(&format!("/{path}")) {
            true => path.len(),
            false => 0,
        };
        let mut files: BTreeMap<&str, &str> = BTreeMap::new();
        for (path, hash) in self.lacking() {
            let Some((_, from)) = moved.get(hash) else {
                continue;
            };
            let chosen = files.entry(hash).or_insert(path);
            if shared(from, path) > shared(from, chosen) {
                *chosen = path;
            }
        }
        let mut files: Vec<(&str, &str)> =
            files.into_iter().map(|(hash, path)| (path, hash)).collect();
        files.sort_unstable();
        for (path, hash) in files {
            let (document, from) = moved[hash];
            self.rename(document, from, path);
        }
    }

    /// A document whose file is gone belongs to the new file of its content.
    fn follow_renames(&mut self) {
        for (path, hash) in self.lacking() {
            let files = self.files;
            if let Some((document, from)) = self.holder(hash, |path| !files.contains_key(path)) {
                self.rename(document, from, path);
            }
        }
    }

    /// A changed file keeps its document. Where that would need a content which
    /// another document still has, that one is changed first; where this leads
    /// in a circle (two files were exchanged), documents follow their contents.
    fn replace_changed(&mut self) {
        loop {
            let before = self.steps.len();
            let mut circle = None;
            for (path, hash) in self.lacking() {
                let Some(own) = self.document_of(path) else {
                    continue;
                };
                match self.holder(hash, |_| true) {
                    None if !self.present.contains(hash) => {
                        self.stale.remove(own.id.as_str());
                        self.present.insert(hash);
                        self.steps.push(Step::Replace {
                            id: own.id.clone(),
                            path: path.to_owned(),
                        });
                    }
                    None => {}
                    Some((holder, from)) => circle = circle.or(Some((holder, from, path))),
                }
            }
            match circle {
                _ if self.steps.len() > before => {}
                Some((holder, from, path)) => self.rename(holder, from, path),
                None => return,
            }
        }
    }

    /// The stale document of a file that is one document.
    fn document_of(&self, path: &str) -> Option<&'a Known> {
        if !matches!(self.files.get(path), Some(Contents::Whole(_))) {
            return None;
        }
        let mut stale = self.stale.values().copied();
        stale
            .find(|(_, of)| *of == path)
            .map(|(document, _)| document)
    }

    fn add_new(&mut self) {
        let mut added = HashSet::new();
        for (path, hash) in self.lacking() {
            if self.present.contains(hash) {
                continue;
            }
            if let Some((document, from)) = self.holder(hash, |_| true) {
                self.rename(document, from, path);
                continue;
            }
            self.present.insert(hash);
            if added.insert(path) {
                self.steps.push(Step::Add {
                    path: path.to_owned(),
                });
            }
        }
    }

    fn remove_rest(&mut self) {
        for (document, path) in self.stale.values() {
            self.steps.push(Step::Remove {
                id: document.id.clone(),
                path: (*path).to_owned(),
                is_gone: !self.files.contains_key(*path),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Step, plan};
    use crate::service::Contents;
    use std::collections::BTreeMap;

    fn files(all: &[(&str, &str)]) -> BTreeMap<String, Contents> {
        let one =
            |(path, hash): &(&str, &str)| ((*path).to_owned(), Contents::Whole((*hash).to_owned()));
        all.iter().map(one).collect()
    }

    /// Documents by id, path and content; the path `-` is that of none of the files.
    fn documents(all: &[(&str, &str, &str)]) -> Vec<Known> {
        let one = |(id, path, sha256): &(&str, &str, &str)| Known {
            id: (*id).to_owned(),
            path: (*path != "-").then(|| (*path).to_owned()),
            moved_from: None,
            sha256: (*sha256).to_owned(),
        };
        all.iter().map(one).collect()
    }

    fn steps(now: &[(&str, &str)], had: &[(&str, &str, &str)]) -> Vec<Step> {
        plan(&files(now), |_| false, &documents(had))
    }

    fn add(path: &str) -> Step {
        Step::Add { path: path.into() }
    }

    fn replace(id: &str, path: &str) -> Step {
        let (id, path) = (id.into(), path.into());
        Step::Replace { id, path }
    }

    fn rename(id: &str, from: &str, path: &str) -> Step {
        let (id, from, path) = (id.into(), from.into(), path.into());
        Step::Rename { id, from, path }
    }

    fn remove(id: &str, path: &str, is_gone: bool) -> Step {
        let (id, path) = (id.into(), path.into());
        Step::Remove { id, path, is_gone }
    }

    #[test]
    fn folder_in_step_needs_nothing() {
        let had = [("A", "a", "1"), ("B", "b", "2"), ("X", "-", "9")];
        assert_eq!(steps(&[("a", "1"), ("b", "2")], &had), []);
    }

    #[test]
    fn new_changed_renamed_and_vanished_files_are_told_apart() {
        let had = [("A", "a", "1"), ("B", "b", "2"), ("C", "c", "3")];
        let now = [("a", "10"), ("b2", "2"), ("d", "4")];
        let expected = [
            rename("B", "b", "b2"),
            replace("A", "a"),
            add("d"),
            remove("C", "c", true),
        ];
        assert_eq!(steps(&now, &had), expected);
    }

    #[test]
    fn documents_of_others_are_left_alone() {
        let had = [("X", "-", "1"), ("Y", "-", "2")];
        assert_eq!(steps(&[("a", "1")], &had), [], "its content is there");
        assert_eq!(steps(&[], &had), []);
        let had = [("X", "-", "1"), ("A", "a", "2")];
        assert_eq!(steps(&[("a", "1")], &had), [remove("A", "a", false)]);
    }

    #[test]
    fn documents_of_a_folder_that_was_moved_belong_to_its_files_by_their_contents() {
        let moved = |id: &str, from: &str, sha256: &str| Known {
            id: id.to_owned(),
            path: None,
            moved_from: Some(from.to_owned()),
            sha256: sha256.to_owned(),
        };
        let had = [
            moved("A", "/old/sub/a", "1"),
            moved("B", "/old/b", "2"),
            moved("C", "/old/c", "3"),
        ];
        let now = [("a", "1"), ("sub/a", "1"), ("b", "20"), ("d", "3")];
        let expected = [
            rename("C", "/old/c", "d"),
            rename("A", "/old/sub/a", "sub/a"),
            add("b"),
        ];
        assert_eq!(plan(&files(&now), |_| false, &had), expected);
        assert_eq!(plan(&files(&[]), |_| false, &had), [], "nothing is removed");
    }

    #[test]
    fn copies_of_a_file_are_one_document_that_outlives_any_of_them() {
        assert_eq!(steps(&[("a", "1"), ("b", "1")], &[]), [add("a")]);
        let had = [("A", "a", "1")];
        assert_eq!(steps(&[("a", "1"), ("b", "1")], &had), []);
        assert_eq!(steps(&[("b", "1")], &had), [rename("A", "a", "b")]);
        let changed = [("a", "2"), ("b", "1")];
        assert_eq!(steps(&changed, &had), [replace("A", "a"), add("b")]);
    }

    #[test]
    fn content_that_moves_on_through_files_leaves_each_its_document() {
        let had = [("A", "a", "1"), ("B", "b", "2")];
        let now = [("a", "2"), ("b", "3")];
        assert_eq!(steps(&now, &had), [replace("B", "b"), replace("A", "a")]);
        let exchanged = [("a", "2"), ("b", "1")];
        let expected = [rename("B", "b", "a"), rename("A", "a", "b")];
        assert_eq!(steps(&exchanged, &had), expected);
    }

    #[test]
    fn file_that_cannot_be_judged_keeps_its_document() {
        let had = documents(&[("A", "a", "1"), ("B", "sub/b", "2")]);
        let undecided = |path: &str| path.starts_with("sub/");
        assert_eq!(
            plan(&files(&[("c", "1")]), undecided, &had),
            [rename("A", "a", "c")]
        );
        assert_eq!(plan(&files(&[]), undecided, &had), [remove("A", "a", true)]);
    }

    #[test]
    fn lines_of_a_collection_come_and_go() {
        let records = |hashes: &[&str]| {
            let hashes = hashes.iter().map(|one| (*one).to_owned()).collect();
            BTreeMap::from([("c.jsonl".to_owned(), Contents::Records(hashes))])
        };
        let had = documents(&[("1", "c.jsonl", "r1"), ("2", "c.jsonl", "r2")]);
        let steps = |hashes: &[&str]| plan(&records(hashes), |_| false, &had);
        assert_eq!(steps(&["r1", "r2"]), []);
        let expected = [add("c.jsonl"), remove("2", "c.jsonl", false)];
        assert_eq!(steps(&["r1", "r3", "r4"]), expected);
    }
}
