//! Parameters of a query that its operation does not have are refused: where a filter is misspelt, a list would be of everything.
//! What an operation has is what its description says.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use super::json_body::wrong_query;
use super::problem::Problem;
use crate::app::App;

/// Parameters of queries by method and path.
type Known = HashMap<(Method, String), Vec<String>>;

/// Lets only described parameters of queries reach the operations of a description.
pub(super) fn required(routes: Router<App>, description: &OpenApi) -> Router<App> {
    let known = Arc::new(known(description));
    routes.layer(middleware::from_fn_with_state(known, check))
}

fn known(description: &OpenApi) -> Known {
    let mut known = Known::new();
    let of_api = description
        .paths
        .paths
        .iter()
        .filter(|(path, _)| path.starts_with("/api/"));
    for (path, item) in of_api {
        let operations = [
            (Method::GET, &item.get),
            (Method::HEAD, &item.get),
            (Method::POST, &item.post),
            (Method::PUT, &item.put),
            (Method::PATCH, &item.patch),
            (Method::DELETE, &item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                known.insert((method, path.clone()), parameters(operation));
            }
        }
    }
    known
}

fn parameters(operation: &Operation) -> Vec<String> {
    let all = operation.parameters.iter().flatten();
    all.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
    .filter(|parameter| parameter.parameter_in == ParameterIn::Query)
    .map(|parameter| parameter.name.clone())
    .collect()
}

async fn check(State(known): State<Arc<Known>>, request: Request, next: Next) -> Result<Response, Problem> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let operation = path.and_then(|path| known.get(&(request.method().clone(), path.to_owned())));
    // What can't be read at all whoever reads it will say.
    let given = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    if let (Some(operation), Ok(Query(given))) = (operation, given)
        && let Some((name, _)) = given.iter().find(|(name, _)| !operation.contains(name))
    {
        let there_are = if operation.is_empty() {
            "there are none".to_owned()
        } else {
            format!("there are: {}", operation.join(", "))
        };
        return Err(wrong_query(&format!("{name}: no such parameter, {there_are}")));
    }
    Ok(next.run(request).await)
}
