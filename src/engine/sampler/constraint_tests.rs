//! Constrained answers are JSON that their schema describes, whatever the
//! model would rather say.

use super::distribution_tests::scores;
use super::{Constraint, Sampled, Sampler, SamplerError, SamplingOptions, TokenTable};
use serde_json::{Value, json};
use std::sync::Arc;

const END: u32 = 0;
const OTHER_END: u32 = 1;

/// All bytes, some longer pieces as real vocabularies have them, twins, a
/// piece that is too long, and two end tokens, one with a text.
fn vocabulary() -> Vec<Vec<u8>> {
    let mut tokens = vec![b"<|end|>".to_vec(), Vec::new()];
    tokens.extend((0..=255).map(|byte| vec![byte]));
    let pieces = [
        "\"name", "\":", "\", \"", "true", "null", "  ", "12", "12", "é", "age", "{\"", "\"}",
    ];
    tokens.extend(pieces.iter().map(|piece| piece.as_bytes().to_vec()));
    tokens.push(vec![b' '; 400]);
    tokens
}

fn table() -> Arc<TokenTable> {
    TokenTable::new(vocabulary(), &[END, OTHER_END]).unwrap()
}

fn sampler(constraint: Constraint, schema: Value, seed: u64) -> Sampler {
    let options = SamplingOptions {
        temperature: 1.0,
        seed,
        json_schema: Some(schema),
        ..SamplingOptions::default()
    };
    Sampler::new(&options, Some(constraint), &[]).unwrap()
}

/// Writes with a model that has no idea, but likes to come to an end.
fn write(sampler: &mut Sampler, seed: u64) -> String {
    let tokens = vocabulary();
    let mut text = Vec::new();
    for position in 0..3000 {
        let mut row = scores(seed * 10_000 + position, tokens.len(), 6.0);
        for closing in [b'"', b'}', b']'] {
            row[2 + usize::from(closing)] += 4.0;
        }
        let token = sampler.sample(&mut row).unwrap().token;
        sampler.accept(token).unwrap();
        if token == END || token == OTHER_END {
            return String::from_utf8(text).unwrap();
        }
        text.extend_from_slice(&tokens[token as usize]);
    }
    panic!("no end after {}", String::from_utf8_lossy(&text));
}

fn person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "maxLength": 20 },
            "age": { "type": "integer", "minimum": 0, "maximum": 150 },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] }, "maxItems": 3 },
        },
        "required": ["name", "age"],
        "additionalProperties": false,
    })
}

#[test]
fn answers_follow_their_schema_whatever_the_model_would_say() {
    let table = table();
    let constraint = Constraint::json_schema(&person(), &table).unwrap();
    for seed in 0..40 {
        let mut sampler = sampler(constraint.clone(), person(), seed);
        let text = write(&mut sampler, seed);
        let value: Value = serde_json::from_str(&text).unwrap();
        let name = value["name"].as_str().unwrap();
        assert!(name.chars().count() <= 20, "{text}");
        assert!(value["age"].as_u64().unwrap() <= 150, "{text}");
        let keys = value.as_object().unwrap().keys();
        assert!(
            keys.into_iter()
                .all(|key| ["name", "age", "tags"].contains(&key.as_str()))
        );
        if let Some(tags) = value.get("tags") {
            let tags = tags.as_array().unwrap();
            assert!(tags.len() <= 3 && tags.iter().all(|tag| tag == "a" || tag == "b"));
        }
    }
}

#[test]
fn properties_come_in_the_order_of_the_schema() {
    let schema: Value = serde_json::from_str(
        r#"{"type": "object", "properties": {"z": {"const": 1}, "a": {"const": 2}}, "required": ["z", "a"]}"#,
    )
    .unwrap();
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let text = write(&mut sampler(constraint, schema, 5), 5);
    assert!(text.find("\"z\"") < text.find("\"a\""), "{text}");
}

#[test]
fn references_within_the_schema_are_followed() {
    let schema = json!({
        "$defs": { "yes": { "const": true } },
        "type": "array",
        "items": { "$ref": "#/$defs/yes" },
        "minItems": 2,
        "maxItems": 2,
    });
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let text = write(&mut sampler(constraint, schema, 3), 3);
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json!([true, true])
    );
}

#[test]
fn endless_white_space_is_no_way_out() {
    let schema = json!({
        "type": "object",
        "properties": { "a": { "const": 1 } },
        "required": ["a"],
        "additionalProperties": false,
    });
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let mut sampler = sampler(constraint, schema, 1);
    let count = vocabulary().len();
    let mut text = Vec::new();
    for _ in 0..150 {
        let mut row = vec![0.0; count];
        row[2 + usize::from(b' ')] = 100.0;
        let token = sampler.sample(&mut row).unwrap().token;
        sampler.accept(token).unwrap();
        if token == END || token == OTHER_END {
            let text = String::from_utf8(text).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["a"], 1);
            return;
        }
        text.extend_from_slice(&vocabulary()[token as usize]);
    }
    panic!(
        "white space without end: {:?}",
        String::from_utf8_lossy(&text)
    );
}

#[test]
fn after_the_end_only_end_tokens_come() {
    let schema = json!({ "const": true });
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let mut sampler = sampler(constraint, schema, 0);
    assert_eq!(write(&mut sampler, 0), "true");
    for seed in 0..20 {
        let mut row = scores(seed, vocabulary().len(), 6.0);
        let token = sampler.sample(&mut row).unwrap().token;
        assert!(token == END || token == OTHER_END);
        sampler.accept(token).unwrap();
    }
}

#[test]
fn thinking_ahead_of_the_answer_is_not_constrained() {
    let schema = json!({ "const": true });
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let mut sampler = sampler(constraint, schema, 2);
    let closing = 2 + u32::from(b'>');
    sampler.hold_constraint(Some(closing));
    for byte in b"Hm" {
        let token = 2 + u32::from(*byte);
        let mut row = vec![0.0; vocabulary().len()];
        row[token as usize] = 90.0;
        assert_eq!(sampler.sample(&mut row).unwrap().token, token);
        assert_eq!(sampler.allowed_drafts(&[token, closing]).unwrap(), 2);
        sampler.accept(token).unwrap();
    }
    sampler.accept(closing).unwrap();
    assert_eq!(write(&mut sampler, 2), "true");
}

#[test]
fn released_constraint_is_in_force_at_once() {
    let schema = json!({ "const": true });
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let mut sampler = sampler(constraint, schema, 2);
    sampler.hold_constraint(None);
    sampler.accept(100).unwrap();
    sampler.release_constraint();
    assert_eq!(write(&mut sampler, 2), "true");
}

#[test]
fn scores_beyond_the_vocabulary_are_not_chosen() {
    let schema = json!({ "const": true });
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let mut sampler = sampler(constraint, schema, 0);
    let mut row = vec![0.0; vocabulary().len() + 100];
    row[vocabulary().len() + 50] = 99.0;
    let token = sampler.sample(&mut row).unwrap().token;
    assert!((token as usize) < vocabulary().len());
}

#[test]
fn unsupported_and_wrong_schemas_are_refused_with_the_reason() {
    let refused = |schema: Value| {
        let error = Constraint::json_schema(&schema, &table()).err().unwrap();
        assert!(matches!(error, SamplerError::Schema(_)), "{error:?}");
        error.to_string()
    };
    let unsupported = refused(json!({ "type": "array", "uniqueItems": true }));
    assert!(unsupported.contains("uniqueItems"), "{unsupported}");
    let unknown = refused(json!({ "type": "strnig" }));
    assert!(unknown.contains("strnig"), "{unknown}");
    let endless = refused(json!({ "$ref": "#" }));
    assert!(endless.ends_with("no JSON satisfies it"), "{endless}");
    let large = refused(json!({ "enum": (0..5000).collect::<Vec<_>>() }));
    assert!(large.contains("5002 parts"), "{large}");
    let empty = refused(json!({ "type": "integer", "minimum": 2, "maximum": 1 }));
    assert!(
        empty.starts_with("this JSON schema cannot be used: "),
        "{empty}"
    );
    let elsewhere = refused(json!({ "$ref": "https://example.com/schema.json" }));
    assert!(elsewhere.contains("example.com"), "{elsewhere}");
    let pattern = refused(json!({ "type": "string", "pattern": "^(?=a)b$" }));
    assert!(pattern.contains("look-around"), "{pattern}");
    assert!(refused(json!(["a"])).contains("object"));
    assert!(refused(json!(false)).contains("object"));
}

#[test]
fn hostile_schemas_end_in_an_error_or_a_constraint() {
    let nested = |depth| (0..depth).fold(json!({}), |inner, _| json!({ "items": inner }));
    let many = |count| -> Value {
        (0..count)
            .map(|length| json!({ "minLength": length }))
            .collect()
    };
    let hostile = [
        nested(126),
        nested(500),
        json!({ "$ref": "#" }),
        json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }),
        json!({ "allOf": many(300) }),
        json!({ "anyOf": many(300) }),
        json!({ "type": "string", "maxLength": u32::MAX }),
        json!({ "type": "string", "maxLength": -1 }),
        json!({ "type": "string", "pattern": "^((a{1000}){1000}){1000}$" }),
        json!({ "type": "array", "minItems": u64::MAX }),
        json!({ "type": "integer", "minimum": "1" }),
        json!({ "properties": 1, "required": "a", "type": [] }),
        json!({ "enum": [] }),
    ];
    let table = table();
    for schema in hostile {
        let Ok(constraint) = Constraint::json_schema(&schema, &table) else {
            continue;
        };
        let mut sampler = sampler(constraint, schema, 1);
        for position in 0..20 {
            let sampled = sampler.sample(&mut scores(position, vocabulary().len(), 4.0));
            let Ok(Sampled { token, .. }) = sampled else {
                break;
            };
            sampler.accept(token).unwrap();
        }
    }
}

#[test]
fn options_of_the_library_cannot_be_slipped_in() {
    let schema = json!({ "const": 1, "x-guidance": { "no_such": "option" } });
    assert!(Constraint::json_schema(&schema, &table()).is_ok());
}

#[test]
fn token_that_breaks_the_schema_is_an_error_and_no_panic() {
    let schema = json!({ "const": true });
    let constraint = Constraint::json_schema(&schema, &table()).unwrap();
    let mut sampler = sampler(constraint, schema, 0);
    let error = sampler.accept(2 + u32::from(b'x')).unwrap_err();
    assert!(matches!(error, SamplerError::Constraint(_)));
    let mut row = vec![0.0; vocabulary().len()];
    assert!(matches!(
        sampler.sample(&mut row),
        Err(SamplerError::Constraint(_))
    ));
    assert!(sampler.accept(9_999_999).is_err());
}

#[test]
fn vocabulary_without_an_end_is_refused() {
    let refused = |tokens, ends: &[u32]| TokenTable::new(tokens, ends).err().unwrap();
    assert!(matches!(
        refused(vocabulary(), &[]),
        SamplerError::Vocabulary(_)
    ));
    assert!(matches!(
        refused(vocabulary(), &[9_999_999]),
        SamplerError::Vocabulary(_)
    ));
    assert!(matches!(
        refused(Vec::new(), &[0]),
        SamplerError::Vocabulary(_)
    ));
}

#[test]
fn schema_without_its_constraint_is_refused() {
    let options = SamplingOptions {
        json_schema: Some(json!({})),
        ..SamplingOptions::default()
    };
    let error = Sampler::new(&options, None, &[]).err();
    assert_eq!(error, Some(SamplerError::ConstraintMissing));
}
