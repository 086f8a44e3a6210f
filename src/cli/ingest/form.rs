//! A file as the body of a multipart form (RFC 7578), read from disk as it is sent.

use anyhow::Result;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::Path;
use uuid::Uuid;

type Text = Cursor<Vec<u8>>;

/// The body of an upload.
pub(in crate::cli) struct Form {
    boundary: String,
    length: u64,
    body: Chain<Chain<Text, File>, Text>,
}

impl Form {
    pub(in crate::cli) fn new(
        path: &Path,
        dataset: Option<&str>,
        metadata: Option<&Value>,
    ) -> Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let boundary = format!("satchel-{}", Uuid::now_v7().simple());
        let mut head = String::new();
        if let Some(dataset) = dataset {
            head += &field(&boundary, "dataset_id", dataset);
        }
        if let Some(metadata) = metadata {
            head += &field(&boundary, "metadata", &metadata.to_string());
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The escapes of the HTML standard for names in a form.
        let name = name
            .replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        head += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        Ok(Self {
            length: head.len() as u64 + bytes + tail.len() as u64,
            body: Cursor::new(head.into_bytes())
                .chain(file)
                .chain(Cursor::new(tail.into_bytes())),
            boundary,
        })
    }

    pub(in crate::cli) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub(in crate::cli) fn length(&self) -> u64 {
        self.length
    }
}

impl Read for Form {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

fn field(boundary: &str, name: &str, value: &str) -> String {
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

#[cfg(test)]
mod tests {
    use super::Form;
    use std::io::Read;

    #[test]
    fn form_is_as_long_as_it_says_and_holds_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a \"b\".txt");
        std::fs::write(&path, "content").unwrap();
        let mut form = Form::new(&path, Some("d1"), None).unwrap();
        let length = form.length();
        let mut text = String::new();
        form.read_to_string(&mut text).unwrap();
        assert_eq!(text.len() as u64, length);
        assert!(text.contains("filename=\"a %22b%22.txt\""));
        assert!(text.contains("\r\n\r\ncontent\r\n--"));
    }
}
