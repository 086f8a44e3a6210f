//! Writes GGUF files as a stream: the header first, then one tensor after the
//! other, none of which needs to be in memory as a whole.

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::Value;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const MAGIC: &[u8] = b"GGUF";
const VERSION: u32 = 3;
/// Tensors begin at multiples of this.
const ALIGNMENT: usize = 32;

/// A tensor as the header announces it.
pub(super) struct TensorHeader {
    pub(super) name: String,
    /// Rows, then columns.
    pub(super) dimensions: Vec<usize>,
    pub(super) kind: GgmlDType,
}

impl TensorHeader {
    /// How many numbers it has.
    pub(super) fn elements(&self) -> usize {
        self.dimensions.iter().product()
    }

    fn bytes(&self) -> usize {
        self.elements() / self.kind.block_size() * self.kind.type_size()
    }
}

/// Writes a file; `fill` writes the bytes of the tensor with the given index.
/// What was written before a failure is removed.
pub(super) fn write_gguf(
    path: &Path,
    metadata: &[(String, Value)],
    tensors: &[TensorHeader],
    fill: impl FnMut(usize, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let written = File::create(path).and_then(|file| {
        let mut output = Counted {
            output: BufWriter::with_capacity(1 << 20, file),
            bytes: 0,
        };
        write_all(&mut output, metadata, tensors, fill)?;
        output.flush()
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(path);
    }
    written
}

fn write_all(
    output: &mut Counted<impl Write>,
    metadata: &[(String, Value)],
    tensors: &[TensorHeader],
    mut fill: impl FnMut(usize, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    output.write_all(MAGIC)?;
    output.write_all(&VERSION.to_le_bytes())?;
    write_count(output, tensors.len())?;
    write_count(output, metadata.len())?;
    for (key, value) in metadata {
        write_text(output, key)?;
        output.write_all(&type_number(value)?.to_le_bytes())?;
        write_value(output, value)?;
    }
    let mut offset = 0;
    for tensor in tensors {
        write_text(output, &tensor.name)?;
        output.write_all(&(tensor.dimensions.len() as u32).to_le_bytes())?;
        for side in tensor.dimensions.iter().rev() {
            write_count(output, *side)?;
        }
        output.write_all(&tensor_type_number(tensor.kind).to_le_bytes())?;
        write_count(output, offset)?;
        offset += tensor.bytes().next_multiple_of(ALIGNMENT);
    }
    output.align()?;
    for (index, tensor) in tensors.iter().enumerate() {
        let start = output.bytes;
        fill(index, output)?;
        let written = output.bytes - start;
        if written != tensor.bytes() {
            return Err(io::Error::other(format!(
                "{} has {written} bytes instead of {}",
                tensor.name,
                tensor.bytes()
            )));
        }
        output.align()?;
    }
    Ok(())
}

fn write_count(output: &mut impl Write, count: usize) -> io::Result<()> {
    output.write_all(&(count as u64).to_le_bytes())
}

fn write_text(output: &mut impl Write, text: &str) -> io::Result<()> {
    write_count(output, text.len())?;
    output.write_all(text.as_bytes())
}

fn write_value(output: &mut impl Write, value: &Value) -> io::Result<()> {
    match value {
        Value::U32(number) => output.write_all(&number.to_le_bytes()),
        Value::I32(number) => output.write_all(&number.to_le_bytes()),
        Value::F32(number) => output.write_all(&number.to_le_bytes()),
        Value::Bool(flag) => output.write_all(&[u8::from(*flag)]),
        Value::String(text) => write_text(output, text),
        Value::Array(values) => {
            let first = values.first().map_or(Ok(0), type_number)?;
            output.write_all(&first.to_le_bytes())?;
            write_count(output, values.len())?;
            values
                .iter()
                .try_for_each(|value| write_value(output, value))
        }
        other => Err(not_written(other)),
    }
}

fn type_number(value: &Value) -> io::Result<u32> {
    Ok(match value {
        Value::U32(_) => 4,
        Value::I32(_) => 5,
        Value::F32(_) => 6,
        Value::Bool(_) => 7,
        Value::String(_) => 8,
        Value::Array(_) => 9,
        other => return Err(not_written(other)),
    })
}

fn not_written(value: &Value) -> io::Error {
    let kind = value.value_type();
    io::Error::other(format!("metadata of the type {kind:?} is not written"))
}

fn tensor_type_number(kind: GgmlDType) -> u32 {
    match kind {
        GgmlDType::F32 => 0,
        GgmlDType::F16 => 1,
        GgmlDType::Q4_0 => 2,
        GgmlDType::Q4_1 => 3,
        GgmlDType::Q5_0 => 6,
        GgmlDType::Q5_1 => 7,
        GgmlDType::Q8_0 => 8,
        GgmlDType::Q8_1 => 9,
        GgmlDType::Q2K => 10,
        GgmlDType::Q3K => 11,
        GgmlDType::Q4K => 12,
        GgmlDType::Q5K => 13,
        GgmlDType::Q6K => 14,
        GgmlDType::Q8K => 15,
        GgmlDType::BF16 => 30,
    }
}

/// Knows how much has been written.
struct Counted<W> {
    output: W,
    bytes: usize,
}

impl<W: Write> Counted<W> {
    fn align(&mut self) -> io::Result<()> {
        let missing = self.bytes.next_multiple_of(ALIGNMENT) - self.bytes;
        self.write_all(&[0; ALIGNMENT][..missing])
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.bytes += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
