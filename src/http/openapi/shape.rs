//! Schemas with the definitions that they refer to, before a dialect's prefix
//! tells them from those of others.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Where definitions are in the document.
pub(super) const COMPONENTS: &str = "#/components/schemas/";

/// Where they are in a schema that is complete in itself.
pub(super) const DEFINITIONS: &str = "#/$defs/";

/// A schema, and what it refers to.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(super) schema: Value,
    pub(super) definitions: BTreeMap<String, Value>,
}

impl Shape {
    /// That of a type, which becomes a definition.
    pub(crate) fn of<T: ToSchema>() -> Self {
        let mut all = Vec::new();
        T::schemas(&mut all);
        all.push((T::name().into_owned(), T::schema()));
        let own = all.into_iter();
        let definitions = own.map(|(name, schema)| (name, json!(schema))).collect();
        Self {
            schema: reference(&T::name()),
            definitions,
        }
    }

    /// One that is written out; it may refer to definitions made elsewhere.
    pub(crate) fn written(schema: Value) -> Self {
        Self {
            schema,
            definitions: BTreeMap::new(),
        }
    }

    /// One that is written out and becomes a definition.
    pub(crate) fn named(name: &str, schema: Value) -> Self {
        Self {
            schema: reference(name),
            definitions: [(name.to_owned(), schema)].into(),
        }
    }

    /// What it refers to, and itself if it is a definition.
    pub(crate) fn into_definitions(self) -> BTreeMap<String, Value> {
        self.definitions
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("{COMPONENTS}{name}")})
}

/// Replaces every reference's target.
pub(super) fn redirect(schema: &mut Value, to: &impl Fn(&str) -> String) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(|one| redirect(one, to)),
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(target) if key == "$ref" => *target = to(target),
                    member => redirect(member, to),
                }
            }
        }
        _ => {}
    }
}

/// The name of the definition that a reference is to.
pub(super) fn definition_of(target: &str) -> Option<&str> {
    target
        .strip_prefix(COMPONENTS)
        .or_else(|| target.strip_prefix(DEFINITIONS))
}

/// Says in the terms of JSON Schema what the types of Rust mean: widths are
/// ranges, and the formats that are made for signed numbers go.
pub(super) fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(tidy),
        Value::Object(members) => {
            members.values_mut().for_each(tidy);
            tidy_number(members);
        }
        _ => {}
    }
}

fn tidy_number(members: &mut Map<String, Value>) {
    let width = match members.get("format").and_then(Value::as_str) {
        Some("int32") => u64::from(u32::MAX),
        Some("int64") => u64::MAX,
        _ => return,
    };
    let unsigned = members.get("minimum").and_then(Value::as_f64) >= Some(0.0);
    if unsigned {
        members.remove("format");
        members.entry("maximum").or_insert(json!(width));
    }
}

/// A parameter that is absent is absent, and never the word "null".
pub(super) fn without_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema["type"] = one;
        }
    }
}
