//! What this machine has for a model: memory, cores, space.

use std::path::Path;

/// What this machine has. What the system does not tell is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    pub memory_bytes: Option<u64>,
    /// Memory that could be used without pushing anything else out.
    pub available_bytes: Option<u64>,
    pub cores: usize,
    /// Space where models are kept.
    pub free_disk_bytes: Option<u64>,
}

impl Machine {
    /// This machine now; `cores` are those that inference may use.
    pub(super) fn now(folder: &Path, cores: usize) -> Self {
        let (memory_bytes, available_bytes) = memory();
        Self {
            memory_bytes,
            available_bytes,
            cores,
            free_disk_bytes: fs4::available_space(folder).ok(),
        }
    }

    /// Whether something of this size fits into memory, and `freed` would be
    /// given back for it.
    pub(super) fn holds(&self, bytes: u64, freed: u64) -> Option<bool> {
        let room = self.available_bytes?.saturating_add(freed);
        Some(bytes <= room)
    }
}

/// All memory and what is available of it.
#[cfg(target_os = "linux")]
fn memory() -> (Option<u64>, Option<u64>) {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let (all, available) = (field(&info, "MemTotal:"), field(&info, "MemAvailable:"));
    // A container may be given less than the machine has (cgroups(7)).
    let group = |name: &str| {
        let text = std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    match (group("memory.max"), group("memory.current")) {
        (Some(limit), Some(used)) => (
            all.map(|all| all.min(limit)),
            available.map(|available| available.min(limit.saturating_sub(used))),
        ),
        _ => (all, available),
    }
}

/// A field of `/proc/meminfo` in bytes (proc_meminfo(5)).
#[cfg(target_os = "linux")]
fn field(info: &str, name: &str) -> Option<u64> {
    let line = info.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}

/// All memory; what is available of it is taken to be three quarters, because
/// the system gives what its caches hold.
#[cfg(target_os = "macos")]
fn memory() -> (Option<u64>, Option<u64>) {
    let output = std::process::Command::new("/usr/sbin/sysctl")
        .args(["-n", "hw.memsize"])
        .output();
    let all = output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.trim().parse::<u64>().ok());
    (all, all.map(|all| all / 4 * 3))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn memory() -> (Option<u64>, Option<u64>) {
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::Machine;

    #[test]
    fn this_machine_has_cores_memory_and_space() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::now(folder.path(), 3);
        assert_eq!(machine.cores, 3);
        assert!(machine.free_disk_bytes.unwrap() > 0);
        if cfg!(target_os = "linux") {
            assert!(machine.available_bytes.unwrap() <= machine.memory_bytes.unwrap());
        }
    }

    #[test]
    fn what_a_loaded_model_would_free_counts_as_room() {
        let machine = Machine {
            memory_bytes: Some(100),
            available_bytes: Some(40),
            cores: 1,
            free_disk_bytes: None,
        };
        assert_eq!(machine.holds(50, 0), Some(false));
        assert_eq!(machine.holds(50, 10), Some(true));
        let unknown = Machine {
            available_bytes: None,
            ..machine
        };
        assert_eq!(unknown.holds(50, 10), None);
    }
}
