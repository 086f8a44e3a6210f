//! Messages and descriptions of tools as templates see them: objects with an
//! order. A JSON object that was parsed has lost the order of its keys; models
//! were trained on one particular order, so it is restored.

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use std::sync::Arc;

/// The usual order in descriptions of functions; other keys follow by name.
const ORDER: [&str; 9] = [
    "type",
    "function",
    "name",
    "description",
    "enum",
    "items",
    "parameters",
    "properties",
    "required",
];

/// An object with an order.
#[derive(Debug)]
struct Ordered(Vec<(String, Value)>);

impl Object for Ordered {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.0
                .iter()
                .map(|(name, _)| name.as_str().into())
                .collect(),
        )
    }
}

/// An object with its members in this order.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Value::from_object(Ordered(members.into()))
}

/// The value of a JSON document; `guard` is applied to each text in it.
pub(super) fn value_of(json: &serde_json::Value, guard: &dyn Fn(&str) -> String) -> Value {
    value_at(json, guard, true)
}

/// `ranked`: this object's keys are those of the schema language, not names
/// that the tool's author chose.
fn value_at(json: &serde_json::Value, guard: &dyn Fn(&str) -> String, ranked: bool) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or_default(),
        serde_json::Value::String(text) => Value::from(guard(text)),
        serde_json::Value::Array(elements) => elements
            .iter()
            .map(|element| value_at(element, guard, true))
            .collect(),
        serde_json::Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members
                .iter()
                .map(|(name, member)| {
                    let ranked = !(ranked && name == "properties");
                    (guard(name), value_at(member, guard, ranked))
                })
                .collect();
            if ranked {
                let rank = |name: &str| ORDER.iter().position(|known| *known == name);
                members.sort_by_key(|(name, _)| rank(name).unwrap_or(ORDER.len()));
            }
            Value::from_object(Ordered(members))
        }
    }
}
