//! Fetches a file: in ranges, over as many connections as it takes, checked.

use super::error::HubError;
use super::part::{Part, check_space, disk_full};
use super::request::{Fetched, plain, text};
use super::{Hub, RemoteFile};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Connections that may break one after the other without bringing anything.
const FRUITLESS: u32 = 6;

/// Longest pause before another try.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often those who wait look whether they should stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a download is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A connection is being made.
    Connecting,
    /// Bytes arrive.
    Receiving,
    /// The connection broke; another follows after a pause.
    Waiting,
    /// What is there is read and hashed.
    Checking,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub phase: Phase,
    pub received: u64,
    pub total: Option<u64>,
}

/// Hears of progress and says whether to go on.
type Watch<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

impl Hub {
    /// Fetches a file into `folder` and gives its path. What has arrived stays
    /// when it fails or `watch` breaks it off, and the next call goes on there.
    pub fn download(
        &self,
        remote: &RemoteFile,
        folder: &Path,
        watch: Watch<'_>,
    ) -> Result<PathBuf, HubError> {
        let mut part = Part::open(folder, remote, |received| {
            tell(watch, Phase::Checking, received, remote.bytes)
        })?;
        let resumed = part.received() > 0;
        self.fetch_all(remote, &mut part, watch)?;
        tell(watch, Phase::Checking, part.received(), part.total())?;
        match part.finish() {
            // What was there before may have been damaged since: once from the start.
            Err(HubError::WrongHash { .. }) if resumed => {
                let mut part = Part::open(folder, remote, |_| Ok(()))?;
                self.fetch_all(remote, &mut part, watch)?;
                part.finish()
            }
            finished => finished,
        }
    }

    /// Fetches until all is there.
    fn fetch_all(
        &self,
        remote: &RemoteFile,
        part: &mut Part,
        watch: Watch<'_>,
    ) -> Result<(), HubError> {
        let mut fruitless = 0;
        loop {
            let before = part.received();
            let error = match self.fetch_some(remote, part, watch) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if part.received() > before {
                fruitless = 0;
            }
            fruitless += 1;
            if !error.may_pass() || fruitless >= FRUITLESS {
                return Err(error);
            }
            tracing::debug!(file = %remote.name, %error, fruitless, "trying the download again");
            let wait = self.retry_wait * 2_u32.pow(fruitless - 1);
            pause(wait.min(LONGEST_WAIT), part, watch)?;
        }
    }

    /// Fetches over one connection.
    fn fetch_some(
        &self,
        remote: &RemoteFile,
        part: &mut Part,
        watch: Watch<'_>,
    ) -> Result<(), HubError> {
        if part.total().is_some_and(|total| part.received() > total) {
            part.restart()?;
        }
        if part.received() > 0 && part.total() == Some(part.received()) {
            return Ok(());
        }
        tell(watch, Phase::Connecting, part.received(), part.total())?;
        let mut headers = vec![("accept-encoding", "identity".to_owned())];
        if part.received() > 0 {
            headers.push(("range", format!("bytes={}-", part.received())));
            if let Some(etag) = part.etag() {
                headers.push(("if-range", etag.to_owned()));
            }
        }
        let fetched = self.client.fetch(&self.address(remote), &headers)?;
        let fetched = self.check_status(remote, part, fetched)?;
        learn(part, remote, &fetched)?;
        let missing = part.total().unwrap_or(0).saturating_sub(part.received());
        check_space(part.folder(), &remote.name, missing)?;
        receive(part, remote, fetched, watch)
    }

    /// Brings the part in line with what the server sends.
    fn check_status(
        &self,
        remote: &RemoteFile,
        part: &mut Part,
        fetched: Fetched,
    ) -> Result<Fetched, HubError> {
        let host = fetched.host.clone();
        let nonsense = |reason: &str| HubError::Nonsense {
            host: host.clone(),
            reason: reason.to_owned(),
        };
        match fetched.response.status().as_u16() {
            206 => {
                let start = range(&fetched).map(|(start, _)| start);
                if start != Some(part.received()) {
                    return Err(nonsense("it sends another range than the one asked for"));
                }
                Ok(fetched)
            }
            // The whole, because it has no ranges or has other content now.
            200 => {
                if part.received() > 0 {
                    part.restart()?;
                }
                Ok(fetched)
            }
            416 => {
                part.restart()?;
                Err(HubError::Broken {
                    host,
                    reason: "what was there does not fit".to_owned(),
                })
            }
            // Addresses of stores of files are valid for a while only.
            403 | 410 if !fetched.is_hub => Err(HubError::Broken {
                host,
                reason: "its address has expired".to_owned(),
            }),
            401 | 403 | 404 if fetched.is_hub => {
                Err(self.client.refused(&fetched.response, &remote.repository))
            }
            status => Err(HubError::Refused { host, status }),
        }
    }
}

/// Notes what the answer says of the content, and refuses other content.
fn learn(part: &mut Part, remote: &RemoteFile, fetched: &Fetched) -> Result<(), HubError> {
    let headers = fetched.response.headers();
    let linked_size = text(&fetched.linked, "x-linked-size").and_then(|size| size.parse().ok());
    let sent = match fetched.response.status().as_u16() {
        206 => range(fetched).and_then(|(_, total)| total),
        _ => fetched.response.body().content_length(),
    };
    let bytes = sent.or(linked_size);
    let linked_hash = text(&fetched.linked, "x-linked-etag").and_then(as_sha256);
    let differs = |known: Option<u64>, now: Option<u64>| matches!((known, now), (Some(known), Some(now)) if known != now);
    let other_hash = matches!(
        (part.sha256(), &linked_hash), (Some(known), Some(now)) if known != now
    );
    if differs(part.total(), bytes) || other_hash {
        part.restart()?;
        return Err(HubError::Nonsense {
            host: fetched.host.clone(),
            reason: format!("{} is not the file that was announced", remote.name),
        });
    }
    let etag = text(headers, "etag").map(str::to_owned);
    // A weak one does not name bytes (RFC 9110, section 13.1.5).
    let strong = etag.filter(|etag| etag.starts_with('"'));
    part.learn(bytes, linked_hash, strong)
}

/// Writes what arrives until it ends.
fn receive(
    part: &mut Part,
    remote: &RemoteFile,
    fetched: Fetched,
    watch: Watch<'_>,
) -> Result<(), HubError> {
    let Fetched { response, host, .. } = fetched;
    let broken = |reason: String| HubError::Broken {
        host: host.clone(),
        reason,
    };
    let body = response.into_body().into_with_config().limit(u64::MAX);
    let mut reader = body.reader();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(plain(&error))),
        };
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        if let Err(error) = part.write(bytes) {
            return Err(unwritten(part, remote, &error));
        }
        if part.total().is_some_and(|total| part.received() > total) {
            part.restart()?;
            return Err(HubError::Nonsense {
                host,
                reason: format!("it sends more of {} than there is", remote.name),
            });
        }
        tell(watch, Phase::Receiving, part.received(), part.total())?;
    }
    match (part.total(), part.sha256()) {
        (Some(total), _) if part.received() < total => {
            Err(broken("it ended before the file did".to_owned()))
        }
        // Neither its length nor its hash: nobody could say that it is whole.
        (None, None) => Err(HubError::Nonsense {
            host,
            reason: format!("it gives neither length nor hash of {}", remote.name),
        }),
        _ => Ok(()),
    }
}

fn unwritten(part: &Part, remote: &RemoteFile, error: &io::Error) -> HubError {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    if full {
        let missing = part.total().unwrap_or(0).saturating_sub(part.received());
        return disk_full(part.folder(), &remote.name, missing, 0);
    }
    HubError::Files {
        file: remote.name.clone(),
        reason: plain(error),
    }
}

/// First byte and whole size of a range (RFC 9110, section 14.4).
fn range(fetched: &Fetched) -> Option<(u64, Option<u64>)> {
    let value = text(fetched.response.headers(), "content-range")?;
    let (place, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = place.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// The sha256 in an etag of the hub; other etags say nothing about content.
fn as_sha256(etag: &str) -> Option<String> {
    let etag = etag.trim_start_matches("W/").trim_matches('"');
    let is_hash = etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| etag.to_ascii_lowercase())
}

fn tell(watch: Watch<'_>, phase: Phase, received: u64, total: Option<u64>) -> Result<(), HubError> {
    let progress = Progress {
        phase,
        received,
        total,
    };
    match watch(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(HubError::Stopped),
    }
}

fn pause(wait: Duration, part: &Part, watch: Watch<'_>) -> Result<(), HubError> {
    let until = Instant::now() + wait;
    while Instant::now() < until {
        tell(watch, Phase::Waiting, part.received(), part.total())?;
        std::thread::sleep(LOOK_EVERY.min(wait));
    }
    Ok(())
}
