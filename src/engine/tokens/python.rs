//! What chat templates take for granted because they were written for Python's
//! Jinja: methods, filters and functions, and how values look when written.
//! Must not know what a conversation is.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Tuple, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State};
use minijinja_contrib::pycompat;
use std::fmt::Write;

/// Steps that a template may take for one conversation.
const FUEL: u64 = 5_000_000;

/// An environment in which templates find what they do in Python.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("the default delimiters are valid"),
    );
    environment.set_unknown_method_callback(call_method);
    environment.set_formatter(write_value);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", |value: &Value| as_text(value));
    environment
}

/// Replaces the marks around what a model says, which trainers need and which
/// change nothing in the text, by a condition that always holds.
pub(super) fn without_generation_marks(source: &str) -> String {
    let mut rest = source;
    let mut plain = String::with_capacity(source.len());
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at);
        plain.push_str(before);
        let Some(end) = tag.find("%}") else {
            rest = tag;
            break;
        };
        let (tag, behind) = tag.split_at(end + 2);
        let inner = tag[2..end].trim_matches(['-', '+']).trim();
        match inner {
            "generation" => plain.push_str(&tag.replacen(inner, "if true", 1)),
            "endgeneration" => plain.push_str(&tag.replacen(inner, "endif", 1)),
            _ => plain.push_str(tag),
        }
        rest = behind;
    }
    plain + rest
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn raise_exception(message: String) -> Result<String, Error> {
    Err(invalid(message))
}

fn strftime_now(format: &str) -> Result<String, Error> {
    jiff::fmt::strtime::format(format, &jiff::Zoned::now())
        .map_err(|error| invalid(error.to_string()))
}

fn call_method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let text = |at: usize| arguments.get(at).and_then(Value::as_str);
    let (Some(this), Some(argument)) = (value.as_str(), text(0)) else {
        return pycompat::unknown_method_callback(state, value, method, arguments);
    };
    let three = |found: Option<(&str, &str)>, otherwise: [&str; 3]| {
        let parts = found.map_or(otherwise, |(before, after)| [before, argument, after]);
        Value::from(Tuple::from(parts.map(Value::from).to_vec()))
    };
    Ok(match method {
        "removeprefix" => Value::from(this.strip_prefix(argument).unwrap_or(this)),
        "removesuffix" => Value::from(this.strip_suffix(argument).unwrap_or(this)),
        "partition" => three(this.split_once(argument), [this, "", ""]),
        "rpartition" => three(this.rsplit_once(argument), ["", "", this]),
        "rsplit" if !argument.is_empty() => {
            let most = arguments.get(1).and_then(Value::as_usize);
            let parts = this.rsplitn(most.unwrap_or(usize::MAX - 1) + 1, argument);
            let parts: Vec<&str> = parts.collect();
            parts.into_iter().rev().collect()
        }
        _ => return pycompat::unknown_method_callback(state, value, method, arguments),
    })
}

fn write_value(
    output: &mut Output<'_>,
    _state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let written = match value.as_str() {
        Some(text) => output.write_str(text),
        None => output.write_str(&as_text(value)),
    };
    written.map_err(|_| Error::new(ErrorKind::WriteFailure, "its text is too long"))
}

/// What Python's `str` makes of a value.
fn as_text(value: &Value) -> String {
    match value.kind() {
        ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map => {
            let mut text = String::new();
            write_literal(value, &mut text);
            text
        }
        _ => value.to_string(),
    }
}

/// What Python's `repr` makes of a value.
fn write_literal(value: &Value, text: &mut String) {
    let each = |value: &Value| value.try_iter().into_iter().flatten().enumerate();
    match value.kind() {
        ValueKind::Bool if value.is_true() => text.push_str("True"),
        ValueKind::Bool => text.push_str("False"),
        ValueKind::None => text.push_str("None"),
        ValueKind::String => write_quoted(value.as_str().unwrap_or_default(), text),
        ValueKind::Seq => {
            let is_tuple = value.is_tuple();
            text.push(if is_tuple { '(' } else { '[' });
            for (at, element) in each(value) {
                text.push_str(if at > 0 { ", " } else { "" });
                write_literal(&element, text);
            }
            text.push_str(match (is_tuple, value.len()) {
                (false, _) => "]",
                (true, Some(1)) => ",)",
                (true, _) => ")",
            });
        }
        ValueKind::Map => {
            text.push('{');
            for (at, key) in each(value) {
                text.push_str(if at > 0 { ", " } else { "" });
                write_literal(&key, text);
                text.push_str(": ");
                write_literal(&value.get_item(&key).unwrap_or_default(), text);
            }
            text.push('}');
        }
        _ => text.push_str(&value.to_string()),
    }
}

fn write_quoted(content: &str, text: &mut String) {
    let quote = if content.contains('\'') && !content.contains('"') {
        '"'
    } else {
        '\''
    };
    text.push(quote);
    for character in content.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\\' => text.push_str("\\\\"),
            _ if character == quote => text.extend(['\\', quote]),
            _ => text.push(character),
        }
    }
    text.push(quote);
}

/// `tojson` as chat templates know it: a space behind commas and colons, no
/// escapes for HTML.
fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent = options.get::<Option<usize>>("indent")?;
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let (between, colon) = match separators.as_deref() {
        Some([between, colon]) => (between.clone(), colon.clone()),
        Some(_) => return Err(invalid("separators are two texts")),
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let writer = JsonWriter {
        indent,
        between,
        colon,
        ascii: options
            .get::<Option<bool>>("ensure_ascii")?
            .unwrap_or(false),
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    let mut text = String::new();
    writer.write(value, 0, &mut text)?;
    Ok(Value::from(text))
}

struct JsonWriter {
    indent: Option<usize>,
    between: String,
    colon: String,
    ascii: bool,
    sorted: bool,
}

impl JsonWriter {
    fn write(&self, value: &Value, depth: usize, text: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => text.push_str("null"),
            ValueKind::Bool => text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => text.push_str(&value.to_string()),
            ValueKind::String => self.write_string(value.as_str().unwrap_or_default(), text),
            ValueKind::Seq | ValueKind::Iterable => {
                let elements: Vec<Value> = value.try_iter()?.collect();
                self.write_many(['[', ']'], &elements, depth, text, |element, text| {
                    self.write(element, depth + 1, text)
                })?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.write_many(['{', '}'], &keys, depth, text, |key, text| {
                    self.write_string(&key.to_string(), text);
                    text.push_str(&self.colon);
                    self.write(&value.get_item(key)?, depth + 1, text)
                })?;
            }
            kind => return Err(invalid(format!("{kind} cannot be written as JSON"))),
        }
        Ok(())
    }

    fn write_many(
        &self,
        [open, close]: [char; 2],
        parts: &[Value],
        depth: usize,
        text: &mut String,
        write: impl Fn(&Value, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        text.push(open);
        for (at, part) in parts.iter().enumerate() {
            text.push_str(if at > 0 { &self.between } else { "" });
            self.break_line(depth + 1, text);
            write(part, text)?;
        }
        if !parts.is_empty() {
            self.break_line(depth, text);
        }
        text.push(close);
        Ok(())
    }

    fn break_line(&self, depth: usize, text: &mut String) {
        if let Some(indent) = self.indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent.min(16) * depth));
        }
    }

    fn write_string(&self, content: &str, text: &mut String) {
        text.push('"');
        for character in content.chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\u{8}' => text.push_str("\\b"),
                '\u{c}' => text.push_str("\\f"),
                _ if character < ' ' || (self.ascii && !character.is_ascii()) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        // Writing to a string cannot fail.
                        let _ = write!(text, "\\u{unit:04x}");
                    }
                }
                _ => text.push(character),
            }
        }
        text.push('"');
    }
}
