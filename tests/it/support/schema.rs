//! Checks JSON against JSON Schemas: the words that our schemas use, and a
//! panic at any other, so that nothing is left unchecked in silence.

use regex::Regex;
use serde_json::{Map, Value};

/// Schemas by name, as they stand under `$defs`.
pub struct Schemas(pub Map<String, Value>);

impl Schemas {
    /// Asserts that `value` is as the schema `name` says.
    #[track_caller]
    pub fn check(&self, name: &str, value: &Value) {
        let schema = self.0.get(name);
        let schema = schema.unwrap_or_else(|| panic!("there is no schema {name}"));
        let mut faults = Vec::new();
        self.compare(schema, value, "$", &mut faults);
        assert!(
            faults.is_empty(),
            "{name}: {}\nin {value:#}",
            faults.join("\n")
        );
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.compare(schema, value, "$", &mut faults);
        faults.is_empty()
    }

    fn compare(&self, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
        for (word, rule) in schema.as_object().expect("a schema is an object") {
            let holds = match word.as_str() {
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    self.compare(&self.0[name], value, path, faults);
                    true
                }
                "allOf" => {
                    let all = rule.as_array().unwrap();
                    all.iter()
                        .for_each(|one| self.compare(one, value, path, faults));
                    true
                }
                "anyOf" => rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| self.fits(one, value)),
                "type" => match rule {
                    Value::String(kind) => is(value, kind),
                    kinds => kinds
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|kind| is(value, kind.as_str().unwrap())),
                },
                "enum" => rule.as_array().unwrap().contains(value),
                "required" if !value.is_object() => true,
                "required" => {
                    let names = rule.as_array().unwrap().iter();
                    let missing = names.filter(|name| value.get(name.as_str().unwrap()).is_none());
                    faults.extend(missing.map(|name| format!("{path}.{name} is missing")));
                    true
                }
                "properties" => {
                    for (name, schema) in rule.as_object().unwrap() {
                        if let Some(field) = value.get(name) {
                            self.compare(schema, field, &format!("{path}.{name}"), faults);
                        }
                    }
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.compare(rule, item, &format!("{path}[{index}]"), faults);
                    }
                    true
                }
                "pattern" => {
                    let pattern = Regex::new(rule.as_str().unwrap()).unwrap();
                    value.as_str().is_none_or(|text| pattern.is_match(text))
                }
                "minimum" => value
                    .as_f64()
                    .is_none_or(|number| number >= rule.as_f64().unwrap()),
                "minLength" => length(value).is_none_or(|length| length >= rule.as_u64().unwrap()),
                "maxLength" => length(value).is_none_or(|length| length <= rule.as_u64().unwrap()),
                "minProperties" => {
                    let fields = value.as_object().map(|fields| fields.len() as u64);
                    fields.is_none_or(|fields| fields >= rule.as_u64().unwrap())
                }
                other => panic!("the test does not know the word {other} of a schema"),
            };
            if !holds {
                faults.push(format!("{path} is not {word} {rule}: {value}"));
            }
        }
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type of JSON"),
    }
}
