//! The tensors of a model file, GGUF or safetensors: what there is, and reading
//! it into the forms that the forward pass wants. Must not know what a tensor
//! is for.

use std::borrow::Cow;
use std::collections::HashMap;

use candle_core::quantized::gguf_file::Content;
use serde::Deserialize;

use super::bytes::Bytes;
use super::error::EncoderError;
use super::panels::Panels;
use crate::kernels::Matrix;
use crate::kernels::PANEL;
use crate::kernels::Quantization;
use crate::kernels::Storage;
use crate::kernels::Workers;
use crate::storage::storage;

/// Weights in a Q8_0 block, and its bytes: an f16 scale before the codes.
const BLOCK: usize = 32;
const BLOCK_BYTES: usize = 2 + BLOCK;
/// Longest header of a safetensors file that is believed.
const LONGEST_HEADER: u64 = 100 << 20;

/// A matrix for products.
pub(super) enum Factor {
    /// Meets 16-bit activations, or floats where those are faster; unpacked
    /// panel by panel.
    Exact(Panels),
    /// Meets 8-bit activations if it is quantized, else floats.
    Packed(Matrix),
}

impl Factor {
    /// Rows: the width of a product.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Exact(panels) => panels.outputs(),
            Self::Packed(matrix) => matrix.rows(),
        }
    }

    /// Columns: the width of what it is multiplied with.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Exact(panels) => panels.inputs(),
            Self::Packed(matrix) => matrix.columns(),
        }
    }

    /// Whether it meets what is as good as exact.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }

    /// Whether it meets 8-bit codes.
    pub(super) fn is_quantized(&self) -> bool {
        matches!(self, Self::Packed(matrix) if matrix.is_quantized())
    }
}

/// A tensor's place.
struct Place {
    storage: Storage,
    /// Rows and columns; a list is one row.
    rows: usize,
    columns: usize,
    dimensions: Vec<usize>,
    offset: u64,
}

/// An opened model file.
pub(super) struct Tensors {
    bytes: Bytes,
    places: HashMap<String, Place>,
}

/// A tensor of a safetensors header.
#[derive(Deserialize)]
struct Described {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

impl Tensors {
    /// The tensors of a GGUF file. Those of unknown types are passed over until
    /// somebody asks for them.
    pub(super) fn of_gguf(bytes: Bytes, content: &Content) -> Result<Self, EncoderError> {
        let mut places = HashMap::new();
        for (name, info) in &content.tensor_infos {
            let Some(storage) = storage(info.ggml_dtype) else {
                continue;
            };
            let offset = content.tensor_data_offset.saturating_add(info.offset);
            let place = place(storage, info.shape.dims(), offset, bytes.len());
            places.insert(
                name.clone(),
                place.ok_or_else(|| cut_short(name, bytes.len()))?,
            );
        }
        Ok(Self { bytes, places })
    }

    /// The tensors of a safetensors file: the length of the header, the header
    /// as JSON, the data.
    pub(super) fn of_safetensors(bytes: Bytes) -> Result<Self, EncoderError> {
        let mut length = [0; 8];
        bytes.read_at(0, &mut length)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length > bytes.len() {
            return Err(EncoderError::Damaged(
                "its header is longer than the file".into(),
            ));
        }
        let header = bytes.part(8, length as usize)?;
        let described: HashMap<String, serde_json::Value> = serde_json::from_slice(&header)
            .map_err(|error| EncoderError::Damaged(format!("its header: {error}")))?;
        let mut places = HashMap::new();
        for (name, described) in described {
            if name == "__metadata__" {
                continue;
            }
            let one = Described::deserialize(described)
                .map_err(|error| EncoderError::Damaged(format!("the tensor {name}: {error}")))?;
            let storage = match one.dtype.as_str() {
                "F32" => Storage::F32,
                "F16" => Storage::F16,
                "BF16" => Storage::Bf16,
                // Numbers of positions, which are counted here.
                _ => continue,
            };
            let offset = one.data_offsets[0].saturating_add(8 + length);
            let place = place(storage, &one.shape, offset, bytes.len());
            let place = place.ok_or_else(|| cut_short(&name, bytes.len()))?;
            places.insert(name, place);
        }
        Ok(Self { bytes, places })
    }

    /// Whether there is such a tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// How many rows a matrix has.
    pub(super) fn rows_of(&self, name: &str) -> Result<usize, EncoderError> {
        Ok(self.place(name)?.rows)
    }

    fn place(&self, name: &str) -> Result<&Place, EncoderError> {
        let found = self.places.get(name);
        found.ok_or_else(|| EncoderError::Unsupported(format!("it has no tensor {name}")))
    }

    /// A matrix for products. Q8_0 keeps more of the weights than 8-bit
    /// activations keep of what they are multiplied with, so it meets better.
    pub(super) fn factor(
        &self,
        name: &str,
        columns: usize,
        workers: &mut Workers,
    ) -> Result<Factor, EncoderError> {
        let place = self.place(name)?;
        let is_exact = place.storage == Storage::Quantized(Quantization::Q8_0)
            && place.columns == columns
            && place.rows.is_multiple_of(PANEL);
        if !is_exact {
            return self.matrix(name, columns, workers).map(Factor::Packed);
        }
        let row_bytes = row_bytes(place.storage, columns).unwrap_or(0);
        let bytes = self.bytes.part(place.offset, place.rows * row_bytes)?;
        Ok(Factor::Exact(Panels::pack(&bytes, columns)))
    }

    fn matrix(
        &self,
        name: &str,
        columns: usize,
        workers: &mut Workers,
    ) -> Result<Matrix, EncoderError> {
        let place = self.place(name)?;
        if place.columns != columns {
            return Err(wrong_shape(name, place));
        }
        let read = |offset: u64, out: &mut [u8]| self.bytes.read_at(place.offset + offset, out);
        let shape = (place.rows, place.columns);
        Ok(Matrix::read(place.storage, shape, workers, read)?)
    }

    /// Numbers of whichever type: so many rows, from row `first` on.
    pub(super) fn numbers(
        &self,
        name: &str,
        (first, rows): (usize, usize),
        columns: usize,
    ) -> Result<Vec<f32>, EncoderError> {
        let place = self.place(name)?;
        let until = first.saturating_add(rows);
        if place.columns != columns || until > place.rows {
            return Err(wrong_shape(name, place));
        }
        let table = self.table(name, columns)?;
        let mut values = vec![0.0; rows * columns];
        for (row, values) in (first..until).zip(values.chunks_exact_mut(columns.max(1))) {
            table.row(row, values);
        }
        Ok(values)
    }

    /// A list of numbers.
    pub(super) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, EncoderError> {
        self.numbers(name, (0, 1), length)
    }

    /// A matrix of which single rows are wanted.
    pub(super) fn table(&self, name: &str, columns: usize) -> Result<Table, EncoderError> {
        let place = self.place(name)?;
        if place.columns != columns {
            return Err(wrong_shape(name, place));
        }
        let plain = match place.storage {
            Storage::Quantized(kind) => kind == Quantization::Q8_0,
            _ => true,
        };
        if !plain {
            let matrix = self.matrix(name, columns, &mut Workers::alone())?;
            return Ok(Table::Packed(matrix));
        }
        let row_bytes = row_bytes(place.storage, columns).unwrap_or(0);
        Ok(Table::Plain {
            storage: place.storage,
            row_bytes,
            bytes: self.bytes.part(place.offset, place.rows * row_bytes)?,
        })
    }
}

/// Rows by number, as the file has them where that is quick to read.
pub(super) enum Table {
    Plain {
        storage: Storage,
        row_bytes: usize,
        bytes: Cow<'static, [u8]>,
    },
    Packed(Matrix),
}

impl Table {
    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Plain {
                bytes, row_bytes, ..
            } => bytes.len() / (*row_bytes).max(1),
            Self::Packed(matrix) => matrix.rows(),
        }
    }

    /// The values of a row.
    pub(super) fn row(&self, row: usize, values: &mut [f32]) {
        match self {
            Self::Packed(matrix) => matrix.row(row, values),
            Self::Plain {
                storage,
                row_bytes,
                bytes,
            } => {
                let bytes = &bytes[row * row_bytes..][..*row_bytes];
                unpack(*storage, bytes, values);
            }
        }
    }
}

fn unpack(storage: Storage, bytes: &[u8], values: &mut [f32]) {
    match storage {
        Storage::F32 => {
            for (bytes, value) in bytes.as_chunks::<4>().0.iter().zip(values) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        Storage::F16 => {
            for (bytes, value) in bytes.as_chunks::<2>().0.iter().zip(values) {
                *value = half::f16::from_le_bytes(*bytes).to_f32();
            }
        }
        Storage::Bf16 => {
            for (bytes, value) in bytes.as_chunks::<2>().0.iter().zip(values) {
                *value = half::bf16::from_le_bytes(*bytes).to_f32();
            }
        }
        Storage::Quantized(_) => {
            let blocks = bytes.chunks_exact(BLOCK_BYTES);
            for (block, values) in blocks.zip(values.chunks_exact_mut(BLOCK)) {
                let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
                for (code, value) in block[2..].iter().zip(values) {
                    *value = f32::from(code.cast_signed()) * scale;
                }
            }
        }
    }
}

/// Bytes of a row; none if the columns are no whole blocks or too many.
fn row_bytes(storage: Storage, columns: usize) -> Option<usize> {
    columns.checked_mul(4)?;
    storage.row_bytes(columns)
}

/// A tensor's place, if it lies within the file.
fn place(storage: Storage, dimensions: &[usize], offset: u64, length: u64) -> Option<Place> {
    let (rows, columns) = match *dimensions {
        [] => (1, 1),
        [columns] => (1, columns),
        [rows, columns] => (rows, columns),
        // Nothing that is wanted; kept for its name.
        _ => (0, 0),
    };
    let size = row_bytes(storage, columns)?.checked_mul(rows)?;
    let end = offset.checked_add(u64::try_from(size).ok()?)?;
    (end <= length).then(|| Place {
        storage,
        rows,
        columns,
        dimensions: dimensions.to_vec(),
        offset,
    })
}

fn cut_short(name: &str, length: u64) -> EncoderError {
    EncoderError::Damaged(format!(
        "the tensor {name} does not lie within its {length} bytes"
    ))
}

fn wrong_shape(name: &str, place: &Place) -> EncoderError {
    let dimensions = &place.dimensions;
    EncoderError::Unsupported(format!("its tensor {name} has the shape {dimensions:?}"))
}
