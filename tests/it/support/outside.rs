//! Real documents and collections that are too large for the repository. What
//! the tests over them hold, a fixture holds in the small.

use std::path::{Path, PathBuf};

/// A file or folder of them, of the folder `SATCHEL_TEST_DATA` or of the one beside
/// the project; nothing where there is none. Who names a folder wants them read:
/// then what is absent is a failure.
pub fn outside_data(path: &str) -> Option<PathBuf> {
    let named = std::env::var_os("SATCHEL_TEST_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = named.clone().unwrap_or_else(beside).join(path);
    let exists = path.exists();
    assert!(exists || named.is_none(), "{} is absent", path.display());
    if !exists {
        eprintln!("skipped: {} is absent", path.display());
    }
    exists.then_some(path)
}
