//! Checks JSON against JSON Schemas: the words that our schemas use, and a
//! panic at any other, so that nothing is left unchecked in silence.

use regex::Regex;
use satchel::types::Time;
use serde_json::{Map, Value};

/// Schemas by name, as they stand under `$defs`.
pub struct Schemas(pub Map<String, Value>);

impl Schemas {
    /// Asserts that `value` is as the schema `name` says.
    #[track_caller]
    pub fn check(&self, name: &str, value: &Value) {
        let schema = self.0.get(name);
        let schema = schema.unwrap_or_else(|| panic!("there is no schema {name}"));
        self.check_against(schema, value, name);
    }

    /// Asserts that `value` is as `schema` says, which is called `name`.
    #[track_caller]
    pub fn check_against(&self, schema: &Value, value: &Value, name: &str) {
        let mut faults = Vec::new();
        self.compare(schema, value, "$", &mut faults);
        assert!(
            faults.is_empty(),
            "{name}: {}\nin {value:#}",
            faults.join("\n")
        );
    }

    /// Whether `value` is as `schema` says.
    pub fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.compare(schema, value, "$", &mut faults);
        faults.is_empty()
    }

    fn compare(&self, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
        for (word, rule) in schema.as_object().expect("a schema is an object") {
            let holds = match word.as_str() {
                "$ref" => {
                    let name = rule.as_str().unwrap().rsplit('/').next().unwrap();
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
                "oneOf" => {
                    let fitting = rule.as_array().unwrap().iter();
                    fitting.filter(|one| self.fits(one, value)).count() == 1
                }
                "const" => value == rule,
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
                "additionalProperties" => match rule {
                    Value::Bool(allowed) => {
                        *allowed
                            || value.as_object().is_none_or(|fields| {
                                fields
                                    .keys()
                                    .all(|name| schema["properties"].get(name).is_some())
                            })
                    }
                    rule => {
                        for (name, field) in value.as_object().into_iter().flatten() {
                            if schema["properties"].get(name).is_none() {
                                self.compare(rule, field, &format!("{path}.{name}"), faults);
                            }
                        }
                        true
                    }
                },
                "propertyNames" => value.as_object().is_none_or(|fields| {
                    let mut names = fields.keys();
                    names.all(|name| self.fits(rule, &Value::String(name.clone())))
                }),
                "format" if rule == "date-time" => value
                    .as_str()
                    .is_none_or(|text| Time::parse(text).is_some()),
                "pattern" => {
                    let pattern = Regex::new(rule.as_str().unwrap()).unwrap();
                    value.as_str().is_none_or(|text| pattern.is_match(text))
                }
                "minimum" => value
                    .as_f64()
                    .is_none_or(|number| number >= rule.as_f64().unwrap()),
                "maximum" => value
                    .as_f64()
                    .is_none_or(|number| number <= rule.as_f64().unwrap()),
                "minItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
                "maxItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
                "minLength" => length(value).is_none_or(|length| length >= rule.as_u64().unwrap()),
                "maxLength" => length(value).is_none_or(|length| length <= rule.as_u64().unwrap()),
                "minProperties" => {
                    let fields = value.as_object().map(|fields| fields.len() as u64);
                    fields.is_none_or(|fields| fields >= rule.as_u64().unwrap())
                }
                // What these say is for people and for programs that write bodies.
                "description" | "default" | "examples" | "title" | "format"
                | "contentMediaType" | "contentEncoding" => true,
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
