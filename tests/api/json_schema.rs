//! As much of JSON Schema as the description of the API uses.

use serde_json::{Map, Value};

/// What is wrong with a value by a schema: `schemas` are those that it may refer to. Empty: nothing. A field that the
/// schema does not name is a fault too: callers can't know of it.
pub fn faults(value: &Value, schema: &Value, schemas: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Check { schemas }.whole(value, schema, "", &mut found);
    found
}

struct Check<'s> {
    schemas: &'s Value,
}

impl Check<'_> {
    fn named<'v>(&'v self, schema: &'v Value) -> &'v Value {
        match schema["$ref"].as_str() {
            Some(name) => self.named(&self.schemas[name.rsplit('/').next().unwrap()]),
            None => schema,
        }
    }

    /// The fields that a schema knows; `None` where it allows any.
    fn fields<'v>(&'v self, schema: &'v Value) -> Option<Map<String, Value>> {
        let schema = self.named(schema);
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().filter_map(|part| self.fields(part));
            return Some(parts.flatten().collect());
        }
        schema["properties"].as_object().cloned()
    }

    fn whole(&self, value: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
        self.part(value, schema, at, found);
        if let (Some(object), Some(fields)) = (value.as_object(), self.fields(schema)) {
            for (name, value) in object {
                match fields.get(name) {
                    Some(field) => self.whole(value, field, &format!("{at}/{name}"), found),
                    None => found.push(format!("{at}/{name} is not described")),
                }
            }
        }
    }

    fn part(&self, value: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
        let schema = self.named(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.part(value, part, at, found);
        }
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let told: Vec<Vec<String>> = choices
                .iter()
                .map(|choice| {
                    let mut found = Vec::new();
                    self.whole(value, choice, at, &mut found);
                    found
                })
                .collect();
            if told.iter().all(|found| !found.is_empty()) {
                found.push(format!("{at} is none of the choices: {told:?}"));
            }
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| is(value, kind)) {
            found.push(format!("{at} is not {kinds:?} but {value}"));
        }
        if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
            found.push(format!("{at} is not one of {}: {value}", schema["enum"]));
        }
        if let (Some(text), Some(format)) = (value.as_str(), schema["format"].as_str()) {
            let fits = match format {
                "date-time" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
                "date" => text.parse::<chrono::NaiveDate>().is_ok(),
                other => panic!("{at}: the format {other} is not known to this check"),
            };
            if !fits {
                found.push(format!("{at} is no {format}: {text}"));
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                found.push(format!("{at}/{} is missing", name.as_str().unwrap()));
            }
        }
        if let (Some(values), Some(items)) = (value.as_array(), schema.get("items")) {
            for (i, value) in values.iter().enumerate() {
                self.whole(value, items, &format!("{at}/{i}"), found);
            }
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known to this check"),
    }
}

#[test]
fn it_finds_what_is_wrong() {
    use serde_json::json;
    let schemas = json!({
        "Line": {"type": "object", "required": ["amount"], "properties": {
            "amount": {"type": "string"}, "at": {"type": ["string", "null"], "format": "date-time"}}},
        "Kind": {"type": "string", "enum": ["a", "b"]},
    });
    let schema = json!({"allOf": [
        {"$ref": "#/components/schemas/Line"},
        {"type": "object", "properties": {
            "kind": {"$ref": "#/components/schemas/Kind"},
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
            "first": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Line"}]},
            "any": {"type": "object"}}},
    ]});
    let right = json!({"amount": "1", "at": "2026-11-22T09:00:00Z", "kind": "a", "lines": [{"amount": "2", "at": null}],
        "first": null, "any": {"x": 1}});
    assert_eq!(faults(&right, &schema, &schemas), Vec::<String>::new());
    for (pointer, wrong) in [
        ("/amount", json!(1)),
        ("/at", json!("yesterday")),
        ("/kind", json!("c")),
        ("/lines", json!({})),
        ("/lines/0/amount", json!(null)),
        ("/lines/0/at", json!(5)),
        ("/first", json!({"at": null})),
        ("/any", json!([])),
    ] {
        let mut value = right.clone();
        *value.pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(faults(&value, &schema, &schemas).len(), 1, "{pointer}");
    }
    for more in [
        json!({"amount": "1", "other": 1}),
        json!({}),
        json!({"amount": "1", "first": {"amount": "1", "x": 1}}),
    ] {
        assert_eq!(faults(&more, &schema, &schemas).len(), 1, "{more}");
    }
}
