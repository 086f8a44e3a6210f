//! Leaving nothing of deleted chunks on disk. Deleting marks a chunk in its
//! segment; its words go when the segment is written anew and its files are gone.

use super::index::Lexical;
use super::{LexicalError, Result};
use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};
use tantivy::index::SegmentId;
use tantivy::merge_policy::NoMergePolicy;
use tantivy::{Index, IndexWriter};

/// How long searches may hold on to old files.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the files are looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Lexical {
    /// Rewrites the segments that hold deleted chunks and waits until the old
    /// files are gone. Everything written so far is committed. Writers wait;
    /// searches go on.
    pub fn purge(&self) -> Result<()> {
        self.write(|_| Ok(()))?;
        let mut writer = self.lock_writer();
        let Some(mut open) = writer.take() else {
            return Ok(());
        };
        open.commit()?;
        // A merge that runs already would hold segments that are needed here.
        open.wait_merging_threads()?;
        let mut open = self.make_writer()?;
        open.set_merge_policy(Box::new(NoMergePolicy));
        let index = open.index().clone();
        let marked: Vec<SegmentId> = index
            .searchable_segment_metas()?
            .iter()
            .filter(|segment| segment.has_deletes())
            .map(|segment| segment.id())
            .collect();
        if !marked.is_empty() {
            open.merge(&marked).wait()?;
        }
        self.reload()?;
        remove_old_files(&index, &open, self.directory())?;
        Ok(open.wait_merging_threads()?)
    }
}

/// Waits until no file of another segment than the present ones is left.
fn remove_old_files(index: &Index, writer: &IndexWriter, directory: &Path) -> Result<()> {
    let present: HashSet<String> = index
        .searchable_segment_ids()?
        .iter()
        .map(SegmentId::uuid_string)
        .collect();
    let began = Instant::now();
    loop {
        writer.garbage_collect_files().wait()?;
        let mut old = false;
        for entry in std::fs::read_dir(directory)? {
            let name = entry?.file_name();
            let stem = name.to_str().and_then(|name| name.get(..32));
            old |= stem.is_some_and(|stem| is_segment(stem) && !present.contains(stem));
        }
        match old {
            false => return Ok(()),
            true if began.elapsed() > PATIENCE => return Err(LexicalError::Busy),
            true => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// Whether a file name begins with the id of a segment.
fn is_segment(stem: &str) -> bool {
    stem.chars().all(|c| c.is_ascii_hexdigit())
}
