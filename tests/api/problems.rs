//! Refusals, probes and the description of the API.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use kopilka::api::finished;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::client::{Answer, Service};
use crate::databases::each_database_async;

#[test]
fn every_refusal_is_a_problem() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let nobody = service.anybody();
        let problem = nobody
            .with("x-request-id", "abc-1")
            .with("accept-language", "en")
            .get("/api/v1/nowhere?x=1")
            .await;
        assert_eq!(problem.header("x-request-id"), "abc-1");
        assert_eq!(problem.header("content-language"), "en");
        assert_eq!(
            problem.refused(404, "not-found"),
            json!({
                "type": "https://kopilka.dev/problems/not-found", "title": "not found", "status": 404,
                "detail": "Not found.", "instance": "/api/v1/nowhere", "code": "not-found", "retryable": false,
                "request_id": "abc-1", "user_message": "Not found.",
            })
        );
        let answer = nobody.with("x-request-id", "bad id\t").get("/nowhere").await;
        assert_eq!(answer.refused(404, "not-found")["user_message"], "Не найдено.");
        assert_eq!(answer.header("x-request-id").len(), 22);

        let answer = nobody.delete("/api/v1/setup").await;
        answer.refused(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "POST");

        let answer = nobody.get("/api/v1/network").await;
        answer.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"kopilka\"");

        let post = |kind: &str, body: Body| {
            let request = Request::post("/api/v1/sessions").header("content-type", kind);
            service.send(request.body(body).unwrap())
        };
        let large = Body::from(vec![b' '; 1024 * 1024 + 1]);
        post("application/json", large)
            .await
            .refused(413, "body-too-large");
        post("text/plain", Body::from("{}"))
            .await
            .refused(415, "unsupported-media-type");
        post("application/json", Body::from("{"))
            .await
            .refused(400, "malformed-json");
        let wrong = post("application/json; charset=utf-8", Body::from(r#"{"login": 1}"#)).await;
        assert_eq!(
            wrong.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/login"
        );
        let wrong = post("application/json", Body::from(r#"{"login": "x"}"#)).await;
        assert_eq!(
            wrong.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/password"
        );
    });
}

#[test]
fn a_panic_is_a_problem_that_says_nothing_of_it() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        async fn broken() -> &'static str {
            panic!("secret")
        }
        let routes = Router::new().route("/api/v1/broken", get(broken));
        let router = finished(routes).with_state(service.app.clone());
        let request = Request::get("/api/v1/broken").body(Body::empty()).unwrap();
        let answer = Answer::of(router.oneshot(request).await.unwrap()).await;
        answer.refused(500, "internal");
        assert!(!answer.text.contains("secret"));
    });
}

#[test]
fn probes_answer() {
    each_database_async(|store| async move {
        let nobody = Service::on(store).anybody();
        assert_eq!(nobody.get("/healthz").await.text, "ok");
        assert_eq!(nobody.get("/readyz").await.text, "ok");
    });
}

#[test]
fn the_description_is_openapi_and_complete() {
    each_database_async(|store| async move {
        let nobody = Service::on(store).anybody();
        let description = nobody.get("/api/openapi.json").await.expect(200);
        assert_eq!(description["openapi"], "3.1.0");
        let schemes = &description["components"]["securitySchemes"];
        for scheme in ["key", "venue", "session"] {
            assert!(schemes[scheme].is_object(), "{scheme}");
        }
        let mut references = Vec::new();
        referenced(&description, &mut references);
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(
                description.pointer(pointer).is_some(),
                "{reference} leads nowhere"
            );
        }
        let mut names = std::collections::HashSet::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(
                    operation["summary"].is_string() && operation["tags"][0].is_string(),
                    "{method} {path} is not described"
                );
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "two operations are called {name}");
            }
        }
        assert!(description["paths"]["/api/v1/keys"]["post"]["responses"]["401"].is_object());
    });
}

fn referenced(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.push(reference.clone());
            }
            fields.values().for_each(|v| referenced(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| referenced(v, found)),
        _ => {}
    }
}

#[test]
fn whoever_opens_the_bare_address_finds_the_till_page() {
    each_database_async(|store| async move {
        let nobody = Service::on(store).anybody();
        let bare = nobody.get("/").await;
        assert_eq!((bare.status.as_u16(), bare.header("location")), (303, "/till"));
        nobody.get("/console").await.refused(404, "not-found");
    });
}

#[test]
fn the_page_of_the_description_runs_under_its_policy() {
    each_database_async(|store| async move {
        let nobody = Service::on(store).anybody();
        assert_eq!(nobody.get("/api/docs").await.header("location"), "/api/docs/");
        let page = nobody.get("/api/docs/").await;
        assert_eq!(page.status, 200);
        assert!(
            page.header("content-security-policy")
                .contains("script-src 'self';")
        );
        // No script of the page is inline.
        for tag in page.text.split("<script").skip(1) {
            let (attributes, rest) = tag.split_once('>').unwrap();
            let (inside, _) = rest.split_once("</script>").unwrap();
            assert!(
                attributes.contains("src=\"./") && inside.trim().is_empty(),
                "{tag}"
            );
        }
        let start = nobody.get("/api/docs/swagger-initializer.js").await;
        assert!(start.text.contains("/api/openapi.json"), "{start:?}");
        assert!(!start.text.contains("validator.swagger.io"));
    });
}
