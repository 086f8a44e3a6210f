//! `.jsonl` files: each line becomes a document of its own. The whole file is
//! checked before anything of it is stored.

use super::upload::{Added, AddedDocument, UploadRequest};
use super::{Caller, Inner};
use crate::error::Fault;
use crate::extract::{JsonlRecord, jsonl_records};
use crate::jobs::JobsError;
use crate::service::tokens::hex;
use crate::store::{Insertion, NewDocument};
use crate::types::{Dataset, DocumentId, DocumentMetadata};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Bytes that are looked at to tell documents from other records.
const LOOKED_AT: u64 = 1024 * 1024;

/// What the text of a line is read as.
pub(super) const RECORD_NAME: &str = "record.txt";

/// Documents that are stored in one transaction.
const BATCH: usize = 256;

/// Adds each line of the file `incoming` as a document.
pub(super) fn add(
    inner: &Inner,
    caller: &Caller,
    dataset: &Dataset,
    request: &UploadRequest,
    incoming: &Path,
) -> Result<Added, Fault> {
    check(request, incoming)?;
    let mut documents = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    for record in records(incoming)? {
        batch.push(record.map_err(|error| invalid(request, &error.to_string()))?);
        if batch.len() == BATCH {
            documents.extend(store(inner, caller, dataset, request, &batch)?);
            batch.clear();
        }
    }
    documents.extend(store(inner, caller, dataset, request, &batch)?);
    Ok(Added { documents })
}

/// What the contents of the documents are called that the lines of a file
/// become. Fails where adding it would.
pub(super) fn hashes(path: &Path) -> Result<Vec<String>, Fault> {
    let hashed = records(path)?.map(|record| match record {
        Ok(record) => Ok(content_hash(&record)),
        Err(error) => Err(Fault::invalid(error.to_string())),
    });
    hashed.collect()
}

/// Whether a file of this name may be one whose lines are documents.
pub(super) fn is_jsonl(filename: &str) -> bool {
    let extension = Path::new(filename).extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("jsonl")
}

/// Whether the lines are meant as documents: whether the first that can be read
/// at all has a text. Other records are read as the lines of one document.
pub(super) fn are_documents(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return true;
    };
    let lines = BufReader::new(file.take(LOOKED_AT)).lines();
    let mut values = lines.map_while(Result::ok).filter_map(|line| {
        let value: serde_json::Value = serde_json::from_str(line.trim()).ok()?;
        Some(value.get("text").is_some() || !value.is_object())
    });
    values.next().unwrap_or(true)
}

fn records(
    path: &Path,
) -> Result<impl Iterator<Item = Result<JsonlRecord, crate::extract::ExtractError>>, Fault> {
    let file = File::open(path).map_err(JobsError::Files)?;
    Ok(jsonl_records(BufReader::new(file)))
}

/// An error that names the first bad line, if there is one.
fn check(request: &UploadRequest, path: &Path) -> Result<(), Fault> {
    let mut count = 0_u64;
    for record in records(path)? {
        record.map_err(|error| invalid(request, &error.to_string()))?;
        count += 1;
    }
    match count {
        0 => Err(invalid(request, "there is no document in it")),
        _ => Ok(()),
    }
}

fn invalid(request: &UploadRequest, reason: &str) -> Fault {
    Fault::invalid(format!(
        "{}: {reason}; nothing of this file was added",
        request.filename
    ))
}

fn store(
    inner: &Inner,
    caller: &Caller,
    dataset: &Dataset,
    request: &UploadRequest,
    records: &[JsonlRecord],
) -> Result<Vec<AddedDocument>, Fault> {
    let originals = &inner.jobs.pipeline().originals;
    let mut new = Vec::with_capacity(records.len());
    for record in records {
        let document = document(caller, dataset, request, record);
        originals
            .put(&document.id, record.text.as_bytes())
            .map_err(JobsError::Files)?;
        new.push(document);
    }
    let insertions = inner.store.insert_documents(&new)?;
    let mut added = Vec::with_capacity(new.len());
    for (document, insertion) in new.into_iter().zip(insertions) {
        added.push(match insertion {
            Insertion::Inserted { key } => {
                inner.announce(key)?;
                AddedDocument {
                    id: document.id,
                    duplicate: false,
                }
            }
            Insertion::Duplicate(id) => {
                originals.remove(&document.id).map_err(JobsError::Files)?;
                AddedDocument {
                    id,
                    duplicate: true,
                }
            }
        });
    }
    inner.jobs.wake();
    Ok(added)
}

fn document(
    caller: &Caller,
    dataset: &Dataset,
    request: &UploadRequest,
    record: &JsonlRecord,
) -> NewDocument {
    let title = record.title.clone();
    let own = DocumentMetadata {
        title: title.or_else(|| record.metadata.title.clone()),
        ..record.metadata.clone()
    };
    NewDocument {
        id: DocumentId::generate(),
        dataset_key: dataset.key,
        user_id: caller.user_id.clone(),
        // A line without an id goes by its number: a document that was a line
        // always has an external id.
        external_id: Some(record.id.clone().unwrap_or_else(|| record.line.to_string())),
        filename: request.filename.clone(),
        bytes: record.text.len() as u64,
        sha256: content_hash(record),
        metadata: own.or(request.metadata.clone()),
    }
}

/// Names the content of a record. Lengths keep the parts apart.
fn content_hash(record: &JsonlRecord) -> String {
    let (id, title) = (record.id.as_deref(), record.title.as_deref());
    hash(id, title, record.text.as_bytes())
}

/// The same of its parts.
pub(super) fn hash(id: Option<&str>, title: Option<&str>, text: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [
        id.unwrap_or_default().as_bytes(),
        title.unwrap_or_default().as_bytes(),
        text,
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}
