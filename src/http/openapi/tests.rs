//! Facts about the document as a whole.

use super::descriptions;
use super::document::{definition, definition_names, definitions, made_of, targets};
use crate::http::routes::ENDPOINTS;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

#[test]
fn every_endpoint_of_the_table_is_described_and_nothing_else() {
    let described: HashSet<_> = descriptions()
        .iter()
        .flat_map(|one| one.operations.iter().map(|of| (one.tag, of.name)))
        .map(|(_, name)| name)
        .collect();
    for endpoint in ENDPOINTS {
        let known = described.contains(endpoint.name);
        assert!(known, "{} ({:?})", endpoint.name, endpoint.tongue);
    }
    for description in descriptions() {
        let mut seen = HashSet::new();
        for operation in &description.operations {
            let own = ENDPOINTS.iter().find(|one| one.name == operation.name);
            let own = own.unwrap_or_else(|| panic!("no endpoint {}", operation.name));
            assert_eq!(own.tongue, description.tongue, "{}", operation.name);
            assert!(seen.insert(operation.name), "{} twice", operation.name);
        }
    }
}

#[test]
fn every_operation_says_what_a_success_is() {
    let document = made_of(&descriptions());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let success = responses.keys().any(|status| status.starts_with('2'));
            assert!(success, "{method} {path}");
        }
    }
}

#[test]
fn definitions_of_one_name_are_the_same() {
    for description in descriptions() {
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        for (name, schema) in definitions(&description) {
            if let Some(other) = seen.insert(name.clone(), schema.clone()) {
                assert_eq!(other, schema, "two types are called {name}");
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = made_of(&descriptions());
    for target in targets(&document) {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
    for name in definition_names() {
        let schema = definition(name).unwrap();
        for target in targets(&schema) {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{name}: {target}");
        }
    }
}

#[test]
fn identifiers_of_operations_are_unique() {
    let document = made_of(&descriptions());
    let mut seen = HashSet::new();
    for methods in document["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(seen.insert(id.to_owned()), "{id}");
        }
    }
}
