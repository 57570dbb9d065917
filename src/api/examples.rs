//! Examples of whole requests, put together from those of their fields: the page of the API shows them, people copy
//! them, and a test sends every one.

use serde_json::{Map, Value};

use super::problem::ProblemBody;

/// Gives every request body of a description its example, and every refusal that says nothing of its body the body
/// that all refusals have.
pub fn complete(description: &mut Value) {
    let schemas = description["components"]["schemas"].clone();
    let Some(paths) = description["paths"].as_object_mut() else {
        return;
    };
    for item in paths.values_mut() {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Some(media) = operation.pointer_mut("/requestBody/content/application~1json")
                && let Some(example) = example(&media["schema"], &schemas)
            {
                media["example"] = example;
            }
            let answers = operation["responses"].as_object_mut();
            for (status, answer) in answers.into_iter().flatten() {
                if status.starts_with(['4', '5']) && answer.get("content").is_none() {
                    answer["content"] = refusal();
                }
            }
        }
    }
}

fn refusal() -> Value {
    let schema = format!(
        "#/components/schemas/{}",
        <ProblemBody as utoipa::ToSchema>::name()
    );
    serde_json::json!({"application/problem+json": {"schema": {"$ref": schema}}})
}

/// An example of a schema: its own, or that of its parts. `None` where a part that is needed has none.
fn example(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(example) = schema.get("example") {
        return Some(example.clone());
    }
    if let Some(name) = schema["$ref"].as_str() {
        return example(&schemas[name.rsplit('/').next()?], schemas);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().find_map(|choice| example(choice, schemas));
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.first().cloned();
    }
    if let Some(items) = schema.get("items") {
        return example(items, schemas).map(|item| Value::Array(vec![item]));
    }
    let needed = schema["required"].as_array();
    let mut whole = Map::new();
    for (name, field) in schema["properties"].as_object()? {
        match example(field, schemas) {
            Some(value) => {
                whole.insert(name.clone(), value);
            }
            None if needed.is_some_and(|names| names.iter().any(|n| n == name)) => return None,
            None => {}
        }
    }
    Some(Value::Object(whole))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_example_is_made_of_its_parts() {
        let schemas = json!({
            "Guest": {"type": "object", "required": ["card"], "properties": {
                "card": {"type": "string", "example": "42"}, "note": {"type": "string"}}},
            "Own": {"type": "object", "example": {"a": 1}, "properties": {"a": {"type": "integer", "example": 2}}},
            "Short": {"type": "object", "required": ["note"], "properties": {"note": {"type": "string"}}},
        });
        let of = |schema: Value| example(&schema, &schemas);
        assert_eq!(of(json!({"$ref": "#/s/Guest"})), Some(json!({"card": "42"})));
        assert_eq!(of(json!({"$ref": "#/s/Own"})), Some(json!({"a": 1})));
        assert_eq!(of(json!({"$ref": "#/s/Short"})), None);
        assert_eq!(
            of(json!({"type": "array", "items": {"$ref": "#/s/Guest"}})),
            Some(json!([{"card": "42"}]))
        );
        assert_eq!(
            of(json!({"oneOf": [{"type": "null"}, {"type": "string", "enum": ["b", "c"]}]})),
            Some(json!("b"))
        );
    }
}
