//! Contracts of our own that a till's door speaks: what their descriptions show, works. Every example is sent as it stands, in the
//! order of the description, and every answer has the shape that is described.

use kopilka::pos::ADAPTERS;
use serde_json::{Value, json};

use super::Till;
use crate::api::client::Service;
use crate::api::json_schema::faults;
use crate::databases::each_database_async;

/// One request of a description.
struct Example {
    method: String,
    path: String,
    body: String,
    answers: Value,
}

/// Addresses with the examples of their parameters, each with every example of its body.
fn examples(description: &Value) -> Vec<Example> {
    let mut found = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let query: Vec<String> = parameters
                .iter()
                .map(|p| {
                    format!(
                        "{}={}",
                        p["name"].as_str().unwrap(),
                        p["example"].as_str().unwrap()
                    )
                })
                .collect();
            let example = |body: String| Example {
                method: method.to_uppercase(),
                path: format!("{}?{}", path.trim_start_matches('/'), query.join("&")),
                body,
                answers: operation["responses"].clone(),
            };
            let bodies = &operation["requestBody"]["content"]["application/json"]["examples"];
            match bodies.as_object() {
                Some(bodies) => found.extend(bodies.values().map(|body| example(body["value"].to_string()))),
                None => found.push(example(String::new())),
            }
        }
    }
    found
}

#[test]
fn what_the_description_of_receipts_by_json_shows_works() {
    each_database_async(|store| async move {
        // Without the loyalty server: the receipt itself redeems.
        let settings = json!({"receipt_redemption": "now"});
        let till = Till::new(&Service::on(store), "onec", settings).await;
        till.customer("2900000001734", "+79005550101", "1000.00").await;
        let served = till
            .service
            .anybody()
            .get("/pos/onec/openapi.json")
            .await
            .expect(200);
        let examples = examples(&served);
        assert!(examples.len() >= 5, "{}", examples.len());
        let mut statuses = Vec::new();
        for example in examples {
            let answer = till.send(&example.method, &example.path, example.body).await;
            assert_eq!(answer.status, 200, "{} {}", example.path, answer.text);
            let told: Value = answer.json();
            let schema = &example.answers["200"]["content"]["application/json"]["schema"];
            let wrong = faults(&told, schema, &served["components"]["schemas"]);
            assert!(wrong.is_empty(), "{}: {wrong:?} in {told}", example.path);
            let results = told["results"].as_array().cloned().unwrap_or_else(|| vec![told]);
            statuses.extend(results.iter().map(|r| r["status"].as_str().unwrap().to_owned()));
        }
        // A cancelled reservation, a return, a sale, a sale with redemption, a reservation (the description lists them by
        // name: the cancellation comes first, so that the reservation is refused), and the batch of repeats.
        statuses.sort();
        assert_eq!(
            statuses,
            [
                "accepted",
                "accepted",
                "accepted",
                "accepted",
                "duplicate",
                "duplicate",
                "found",
                "refused"
            ]
        );
        till.assert_books();
    });
}

#[test]
fn a_door_that_speaks_only_its_vendors_language_has_no_description() {
    let described: Vec<_> = ADAPTERS
        .iter()
        .filter(|a| a.description().is_some())
        .map(|a| a.kind())
        .collect();
    assert!(
        described.contains(&"onec") && !described.contains(&"rkeeper"),
        "{described:?}"
    );
    for adapter in ADAPTERS {
        let Some(text) = adapter.description() else {
            continue;
        };
        let description: Value = text.parse().unwrap();
        assert!(
            description["openapi"].as_str().unwrap().starts_with("3."),
            "{}",
            adapter.kind()
        );
    }
}
