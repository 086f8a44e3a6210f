//! The public keys of an outside issuer: read from a file or fetched, again
//! when a token names one that is not known, and not more often than now and
//! then. Must not judge a token.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use ureq::Agent;

/// Longest answer that is read, in bytes.
const LARGEST: u64 = 256 * 1024;

/// How long fetching may take altogether.
const PATIENCE: Duration = Duration::from_secs(5);

/// Characters of the base64url form of 2048 bits: shorter RSA keys are weak.
const LEAST_MODULUS: usize = 342;

/// Where the keys are.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Url(String),
}

/// When keys are looked for again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The shortest time between two looks.
    pub(super) between: Duration,
    /// The age from which on known keys are looked at again.
    pub(super) stale: Duration,
}

impl Source {
    pub(super) fn pace(&self) -> Pace {
        let seconds = |between, stale| Pace {
            between: Duration::from_secs(between),
            stale: Duration::from_secs(stale),
        };
        match self {
            Self::File(_) => seconds(1, 10),
            Self::Url(_) => seconds(30, 600),
        }
    }

    fn read(&self) -> Result<Vec<Key>, KeysError> {
        let text = match self {
            Self::File(path) => std::fs::read(path)?,
            Self::Url(url) => fetch(url)?,
        };
        parse(&text)
    }
}

/// A public key.
#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Default)]
struct Known {
    keys: Vec<Key>,
    /// When they were read.
    read: Option<Instant>,
    /// When reading was tried last.
    tried: Option<Instant>,
}

/// The keys of one issuer.
pub(super) struct KeySet {
    source: Source,
    pace: Pace,
    known: RwLock<Known>,
    /// Held by who looks; the others wait for what it finds.
    looking: Mutex<()>,
}

impl KeySet {
    pub(super) fn new(source: Source, pace: Pace) -> Self {
        Self {
            source,
            pace,
            known: RwLock::default(),
            looking: Mutex::new(()),
        }
    }

    /// The key of this name for this algorithm; without a name, the only one there is.
    pub(super) async fn find(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<DecodingKey> {
        if let Some(key) = self.known_key(id, algorithm, true) {
            return Some(key);
        }
        let _looking = self.looking.lock().await;
        if let Some(key) = self.known_key(id, algorithm, true) {
            return Some(key);
        }
        if self.may_look() {
            let own = Arc::clone(self);
            let looked = tokio::task::spawn_blocking(move || own.look()).await;
            if let Err(error) = looked {
                tracing::warn!(%error, "looking for an issuer's keys was broken off");
            }
        }
        self.known_key(id, algorithm, false)
    }

    fn known_key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        fresh: bool,
    ) -> Option<DecodingKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if fresh && known.read.is_none_or(|at| at.elapsed() >= self.pace.stale) {
            return None;
        }
        let mut fitting = known.keys.iter().filter(|key| key.algorithm == algorithm);
        let found = match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id))?,
            None => {
                let only = fitting.next()?;
                fitting.next().is_none().then_some(only)?
            }
        };
        Some(found.key.clone())
    }

    fn may_look(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .tried
            .is_none_or(|at| at.elapsed() >= self.pace.between)
    }

    fn look(&self) {
        let found = self.source.read();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried = Some(Instant::now());
        match found {
            Ok(keys) => {
                known.keys = keys;
                known.read = known.tried;
            }
            // What was known stays good until the issuer says otherwise.
            Err(error) => {
                tracing::warn!(%error, source = ?self.source, "the keys of an issuer cannot be read");
            }
        }
    }
}

fn fetch(url: &str) -> Result<Vec<u8>, KeysError> {
    let settings = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .build();
    let agent: Agent = settings.into();
    let mut response = agent.get(url).call().map_err(Box::new)?;
    if response.status() != 200 {
        return Err(KeysError::Status(response.status().as_u16()));
    }
    let body = response.body_mut().with_config().limit(LARGEST);
    Ok(body.read_to_vec().map_err(Box::new)?)
}

/// The keys of a JWKS that sign by an algorithm that is accepted; others are
/// no concern of ours.
fn parse(text: &[u8]) -> Result<Vec<Key>, KeysError> {
    let set: Value = serde_json::from_slice(text)?;
    let keys = set["keys"].as_array().ok_or(KeysError::NoKeys)?;
    let keys = keys.iter().filter_map(|one| {
        let jwk: Jwk = serde_json::from_value(one.clone()).ok()?;
        key(&jwk)
    });
    Ok(keys.collect())
}

fn key(jwk: &Jwk) -> Option<Key> {
    let signs =
        !matches!(&jwk.common.public_key_use, Some(other) if *other != PublicKeyUse::Signature);
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if rsa.n.len() >= LEAST_MODULUS => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        _ => return None,
    };
    let named = jwk.common.key_algorithm;
    let fits = named.is_none_or(|named| named == KeyAlgorithm::from(algorithm));
    (signs && fits).then_some(())?;
    Some(Key {
        id: jwk.common.key_id.clone(),
        algorithm,
        key: DecodingKey::from_jwk(jwk).ok()?,
    })
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("{0}")]
    Fetch(#[from] Box<ureq::Error>),
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("not a set of keys: there is no list called keys")]
    NoKeys,
}
