//! Compares JSON with the shapes that the contracts write down.

use serde_json::Value;

/// Asserts that `value` has the form that `shape` describes: every field that
/// is named is there and of its type. More fields may be there. Types are the
/// contract's words: `string`, `number`, `boolean`, `datetime`, `object`,
/// `array`, `null`, `any`, and alternatives by ` | `; `[x]` is a list of `x`.
#[track_caller]
pub fn assert_shape(value: &Value, shape: &Value) {
    let mut faults = Vec::new();
    compare(value, shape, "$", &mut faults);
    assert!(faults.is_empty(), "{}\nin {value:#}", faults.join("\n"));
}

fn compare(value: &Value, shape: &Value, path: &str, faults: &mut Vec<String>) {
    match shape {
        Value::String(words) => {
            if !words.split(" | ").any(|word| is(value, word)) {
                faults.push(format!("{path} is not {words}: {value}"));
            }
        }
        Value::Array(one) => match value.as_array() {
            Some(items) => {
                for (index, item) in items.iter().enumerate() {
                    compare(item, &one[0], &format!("{path}[{index}]"), faults);
                }
            }
            None => faults.push(format!("{path} is not a list: {value}")),
        },
        Value::Object(fields) => {
            for (name, shape) in fields {
                match value.get(name) {
                    Some(value) => compare(value, shape, &format!("{path}.{name}"), faults),
                    None => faults.push(format!("{path}.{name} is missing")),
                }
            }
        }
        other => panic!("{other} is not a shape"),
    }
}

fn is(value: &Value, word: &str) -> bool {
    match word {
        "any" => true,
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "datetime" => value.as_str().is_some_and(is_time),
        literal => value.as_str() == Some(literal),
    }
}

/// RFC 3339 in UTC with milliseconds.
fn is_time(text: &str) -> bool {
    let pattern = "0000-00-00T00:00:00.000Z";
    text.len() == pattern.len()
        && text.chars().zip(pattern.chars()).all(|(c, p)| match p {
            '0' => c.is_ascii_digit(),
            p => c == p,
        })
}
