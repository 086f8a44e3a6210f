//! Reads thousands of mutants of the documents in `tests/fixtures/documents`,
//! each in a process of its own: none may crash, run longer than 10 s or take
//! more than 512 MB. `cargo run --example fuzz [-- MUTANTS [FIRST_SEED]]`.

#[path = "mutants.rs"]
mod mutants;

use satchel::extract::{Limits, extract};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_secs(10);
const MOST_KIB: u64 = 512 * 1024;
const DEFAULT_MUTANTS: u64 = 10_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [mode, path] if mode == "read" => {
            read(Path::new(path));
            Ok(())
        }
        numbers => {
            let number = |at: usize| numbers.get(at).and_then(|text| text.parse().ok());
            run(number(0).unwrap_or(DEFAULT_MUTANTS), number(1).unwrap_or(0))
        }
    }
}

/// The child: reads one file and says how much memory that took.
fn read(path: &Path) {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    let outcome = match extract(path, name, &Limits::default()) {
        Ok(_) => "read",
        Err(_) => "refused",
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap_or("").trim().trim_end_matches(" kB");
    println!("{outcome} {peak}");
}

#[derive(Default)]
struct Tally {
    read: u64,
    refused: u64,
    bad: u64,
    longest: Duration,
    most_kib: u64,
}

fn run(mutants: u64, first_seed: u64) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    let mut originals: Vec<PathBuf> = std::fs::read_dir(root)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some() && !path.ends_with("make.py"))
        .collect();
    originals.sort();
    let folder = tempfile::tempdir()?;
    let mut tally = Tally::default();
    for seed in first_seed..first_seed + mutants {
        let original = &originals[(seed % originals.len() as u64) as usize];
        let name = original.file_name().unwrap_or_default();
        let path = folder.path().join(name);
        std::fs::write(&path, mutants::mutant(&std::fs::read(original)?, seed))?;
        let started = Instant::now();
        let outcome = in_child(&path)?;
        let took = started.elapsed();
        tally.longest = tally.longest.max(took);
        let fault = match outcome {
            Ok((read, kib)) => {
                *(if read {
                    &mut tally.read
                } else {
                    &mut tally.refused
                }) += 1;
                tally.most_kib = tally.most_kib.max(kib);
                (kib > MOST_KIB).then(|| format!("took {} MiB", kib / 1024))
            }
            Err(reason) => Some(reason),
        };
        if let Some(fault) = fault {
            tally.bad += 1;
            println!("seed {seed}, {}: {fault}", name.to_string_lossy());
        }
        std::fs::remove_file(&path)?;
    }
    println!(
        "{mutants} mutants of {} files: {} read, {} refused with a reason, {} bad; longest {:.2} s, most memory {} MiB",
        originals.len(),
        tally.read,
        tally.refused,
        tally.bad,
        tally.longest.as_secs_f64(),
        tally.most_kib / 1024
    );
    anyhow::ensure!(tally.bad == 0, "{} mutants broke a bound", tally.bad);
    Ok(())
}

/// Whether the file was read and at which peak of memory, or what went wrong.
fn in_child(path: &Path) -> anyhow::Result<Result<(bool, u64), String>> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("read")
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let started = Instant::now();
    while child.try_wait()?.is_none() {
        if started.elapsed() > LONGEST {
            child.kill()?;
            child.wait()?;
            return Ok(Err("took longer than 10 s".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut words = said.split_whitespace();
    Ok(
        match (output.status.success(), words.next(), words.next()) {
            (true, Some(outcome), Some(kib)) => Ok((outcome == "read", kib.parse().unwrap_or(0))),
            _ => Err(format!("ended by {}", output.status)),
        },
    )
}
