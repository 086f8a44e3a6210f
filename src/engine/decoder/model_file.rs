//! A GGUF file: opening, checking that it is whole, and typed access to its
//! metadata. Must not know what a particular model does with any of it.

use super::error::DecoderError;
use super::request::hexadecimal;
use crate::guarded::guarded;
use crate::tokens::whole_number;
use candle_core::Device;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// Bytes of the weights that are looked at to tell models apart, and at how
/// many places.
const SAMPLE: usize = 4096;
const SAMPLES: u64 = 64;

/// An opened model file.
pub(super) struct ModelFile {
    /// The file's name, for messages.
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) content: Content,
    pub(super) reader: BufReader<File>,
}

impl ModelFile {
    /// Opens the file and reads everything but the weights.
    pub(super) fn open(path: &Path) -> Result<Self, DecoderError> {
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => DecoderError::ModelMissing {
                path: path.display().to_string(),
            },
            _ => DecoderError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            },
        };
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let content =
            guarded(|| Content::read(&mut reader)).map_err(|reason| header_error(&name, reason))?;
        let opened = Self {
            name,
            bytes,
            content,
            reader,
        };
        opened.check_whole()?;
        Ok(opened)
    }

    /// Refuses a file that ends before its last tensor does, as an interrupted
    /// copy leaves it, before gigabytes of it are read.
    fn check_whole(&self) -> Result<(), DecoderError> {
        let split_into = self.number("split.count").unwrap_or(1);
        if split_into > 1 {
            return Err(self.unsupported(format!(
                "it is one of {split_into} parts of a model; merge them into one file"
            )));
        }
        for (tensor, info) in &self.content.tensor_infos {
            let end = tensor_bytes(info)
                .and_then(|bytes| bytes.checked_add(info.offset))
                .and_then(|end| end.checked_add(self.content.tensor_data_offset))
                .ok_or_else(|| self.damaged(format!("tensor {tensor} has an impossible size")))?;
            if end > self.bytes {
                return Err(self.damaged(format!(
                    "it ends after {} bytes, but tensor {tensor} reaches to byte {end}",
                    self.bytes
                )));
            }
        }
        Ok(())
    }

    /// What the file says of a tensor.
    pub(super) fn tensor(&self, name: &str) -> Result<&TensorInfo, DecoderError> {
        let info = self.content.tensor_infos.get(name);
        info.ok_or_else(|| self.missing(format!("the tensor {name}")))
    }

    /// The numbers of a small tensor, of whichever type.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f32>, DecoderError> {
        guarded(|| {
            let mut reader = self.reader.get_ref();
            self.content
                .tensor(&mut reader, name, &Device::Cpu)?
                .dequantize(&Device::Cpu)?
                .flatten_all()?
                .to_vec1()
        })
        .map_err(|reason| self.damaged(format!("{name}: {reason}")))
    }

    /// Fills `bytes` from the file, wherever others read meanwhile.
    pub(super) fn read_at(&self, offset: u64, bytes: &mut [u8]) -> std::io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_exact_at(self.reader.get_ref(), bytes, offset);
        #[cfg(windows)]
        {
            let (mut offset, mut rest) = (offset, bytes);
            while !rest.is_empty() {
                let file = self.reader.get_ref();
                match std::os::windows::fs::FileExt::seek_read(file, rest, offset)? {
                    0 => return Err(ErrorKind::UnexpectedEof.into()),
                    read => {
                        rest = &mut rest[read..];
                        offset += read as u64;
                    }
                }
            }
            Ok(())
        }
    }

    /// Tells models apart, wherever their files lie and whenever they came: what
    /// the file says of itself, its size, and samples of its weights. Reading
    /// all of it would take as long as loading it.
    pub(super) fn digest(&self) -> std::io::Result<[u8; 32]> {
        let mut digest = Sha256::new();
        digest.update(self.bytes.to_le_bytes());
        let weights = self.content.tensor_data_offset.min(self.bytes);
        let mut header = vec![0; weights as usize];
        self.read_at(0, &mut header)?;
        digest.update(&header);
        let mut sample = [0; SAMPLE];
        let step = (self.bytes - weights) / SAMPLES;
        for at in (0..SAMPLES).map(|n| weights + n * step) {
            let length = (self.bytes - at).min(SAMPLE as u64) as usize;
            self.read_at(at, &mut sample[..length])?;
            digest.update(&sample[..length]);
        }
        Ok(digest.finalize().into())
    }

    /// The digest in hexadecimal digits.
    pub(super) fn fingerprint(&self) -> Result<String, DecoderError> {
        let digest = self.digest().map_err(|error| DecoderError::Unreadable {
            path: self.name.clone(),
            reason: error.to_string(),
        })?;
        Ok(hexadecimal(&digest))
    }

    /// A text of the metadata.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.content.metadata.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A whole number of the metadata, of whichever width.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.content.metadata.get(key).and_then(whole_number)
    }

    /// A fractional number of the metadata; a whole one counts too.
    pub(super) fn float(&self, key: &str) -> Option<f32> {
        match self.content.metadata.get(key)? {
            Value::F32(number) => Some(*number),
            Value::F64(number) => Some(*number as f32),
            other => whole_number(other).map(|number| number as f32),
        }
    }

    /// The name under which quantizations like this file's are known.
    pub(super) fn quantization(&self) -> String {
        self.number("general.file_type")
            .and_then(file_type_name)
            .map(str::to_owned)
            .or_else(|| self.commonest_tensor_type().map(tensor_type_name))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    fn commonest_tensor_type(&self) -> Option<GgmlDType> {
        let mut bytes_of = HashMap::<String, (u64, GgmlDType)>::new();
        for info in self.content.tensor_infos.values() {
            let entry = bytes_of
                .entry(format!("{:?}", info.ggml_dtype))
                .or_insert((0, info.ggml_dtype));
            entry.0 = entry.0.saturating_add(tensor_bytes(info).unwrap_or(0));
        }
        bytes_of
            .into_values()
            .max_by_key(|(bytes, _)| *bytes)
            .map(|(_, kind)| kind)
    }

    /// How many weights the file holds.
    pub(super) fn parameters(&self) -> Option<u64> {
        let elements = |info: &TensorInfo| elements(info).unwrap_or(0);
        let sum: u64 = self.content.tensor_infos.values().map(elements).sum();
        (sum > 0).then_some(sum)
    }

    /// The error of a file that contradicts itself.
    pub(super) fn damaged(&self, reason: impl Into<String>) -> DecoderError {
        DecoderError::Damaged {
            file: self.name.clone(),
            reason: reason.into(),
        }
    }

    /// The error of a file that lacks something indispensable.
    pub(super) fn missing(&self, what: impl Into<String>) -> DecoderError {
        DecoderError::Missing {
            file: self.name.clone(),
            what: what.into(),
        }
    }

    /// The error of a sound file that needs more than is implemented.
    pub(super) fn unsupported(&self, what: impl Into<String>) -> DecoderError {
        DecoderError::Unsupported {
            file: self.name.clone(),
            what: what.into(),
        }
    }
}

fn header_error(name: &str, reason: String) -> DecoderError {
    let file = name.to_owned();
    match reason.strip_prefix("unknown dtype for tensor ") {
        Some(number) => DecoderError::Unsupported {
            file,
            what: format!(
                "a tensor has the quantization number {number}; use a file with Q4_0 to Q8_0 or Q2_K to Q6_K, such as Q4_K_M"
            ),
        },
        None => DecoderError::Damaged { file, reason },
    }
}

fn elements(info: &TensorInfo) -> Option<u64> {
    info.shape
        .dims()
        .iter()
        .try_fold(1_u64, |product, side| product.checked_mul(*side as u64))
}

fn tensor_bytes(info: &TensorInfo) -> Option<u64> {
    let blocks = elements(info)?.div_ceil(info.ggml_dtype.block_size() as u64);
    blocks.checked_mul(info.ggml_dtype.type_size() as u64)
}

fn tensor_type_name(kind: GgmlDType) -> String {
    let name = format!("{kind:?}").to_uppercase();
    match name.strip_suffix('K') {
        Some(bits) => format!("{bits}_K"),
        None => name,
    }
}

/// The names that `general.file_type` numbers.
fn file_type_name(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        21 => "Q2_K_S",
        32 => "BF16",
        _ => return None,
    })
}
