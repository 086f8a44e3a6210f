//! The server under load, in a process of its own: started over a new folder,
//! watched from outside, stopped at the end.

use super::report::Memory;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub(crate) struct Server {
    process: Child,
    folder: TempDir,
    satchel: PathBuf,
    pub(crate) base: String,
}

impl Server {
    /// Starts `satchel`. The administrator makes all accounts at once and all
    /// visitors have one address, so that limits would only refuse;
    /// tokens outlive the run; all else is as it comes.
    pub(crate) fn start(satchel: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let mut process = Command::new(satchel)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--rate-limit", "0", "--public-rate-limit", "0"])
            .args(["--streams-per-user", "1000"])
            .args(["--access-token-minutes", "1440", "--data-dir"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} does not run", satchel.display()))?;
        let printed = process.stdout.take().context("no output")?;
        let line = BufReader::new(printed)
            .lines()
            .map_while(Result::ok)
            .find(|line| line.contains("http://"));
        let Some(line) = line else {
            bail!("it did not start");
        };
        let address = line.split("http://").nth(1).unwrap_or_default();
        let address = address.split('/').next().unwrap_or_default();
        Ok(Self {
            base: format!("http://{address}"),
            satchel: satchel.to_owned(),
            process,
            folder,
        })
    }

    /// The administrator's access token.
    pub(crate) fn token(&self) -> Result<String> {
        let token = Command::new(&self.satchel)
            .args(["token", "--data-dir"])
            .arg(self.folder.path().join("data"))
            .output()?;
        Ok(String::from_utf8(token.stdout)?.trim().to_owned())
    }

    /// What it holds now.
    pub(crate) fn memory(&self) -> Memory {
        let process = format!("/proc/{}", self.process.id());
        Memory {
            resident: kilobytes(&format!("{process}/status"), "VmRSS:") * 1024,
            proportional: kilobytes(&format!("{process}/smaps_rollup"), "Pss:") * 1024,
        }
    }

    /// Lines of its log that tell of an error.
    pub(crate) fn complaints(&self) -> Result<Vec<String>> {
        let log = std::fs::read_to_string(self.folder.path().join("log"))?;
        let bad = |line: &&str| line.contains("database is locked") || line.contains("ERROR");
        Ok(log.lines().filter(bad).map(str::to_owned).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already if these fail.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A number of a file of `/proc`; nothing where there is no such file.
fn kilobytes(path: &str, field: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
