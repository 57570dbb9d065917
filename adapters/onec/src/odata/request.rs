//! Questions to a base, and what it answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDateTime;
use kopilka_contract::{HttpAnswer, HttpCall, Words, percent_encoded};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::profile::DocumentFields;
use super::settings::ODataSettings;

/// Documents of one page.
pub(super) const PAGE: usize = 100;
/// So many keys are asked for at once: addresses have their limits.
pub(super) const KEYS: usize = 15;

/// What was asked last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    /// A page of documents.
    Page,
    /// Cards by their keys.
    Cards(Vec<String>),
    /// Products by their keys.
    Products(Vec<String>),
    /// Kinds of payment by their keys.
    PaymentKinds(Vec<String>),
}

/// A page of documents since a moment, in their order; without filters, the newest first.
pub(super) fn page(
    own: &ODataSettings,
    fields: &DocumentFields,
    since: NaiveDateTime,
    skip: usize,
) -> HttpCall {
    let order = if own.filter { "Date asc" } else { "Date desc" };
    let mut query = vec![
        ("$format", "json".to_owned()),
        ("$orderby", order.to_owned()),
        ("$top", PAGE.to_string()),
        ("$skip", skip.to_string()),
    ];
    if own.filter {
        query.push((
            "$filter",
            format!("Date ge datetime'{}'", since.format("%Y-%m-%dT%H:%M:%S")),
        ));
    }
    call(own, &fields.entity, &query)
}

/// Things by their keys.
pub(super) fn named(own: &ODataSettings, entity: &str, keys: &[String]) -> HttpCall {
    let filter: Vec<String> = keys.iter().map(|key| format!("Ref_Key eq guid'{key}'")).collect();
    let query = [("$format", "json".to_owned()), ("$filter", filter.join(" or "))];
    call(own, entity, &query)
}

fn call(own: &ODataSettings, entity: &str, query: &[(&str, String)]) -> HttpCall {
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
        .collect();
    let url = format!(
        "{}/{}?{}",
        own.url.trim_end_matches('/'),
        percent_encoded(entity),
        query.join("&")
    );
    let login = STANDARD.encode(format!("{}:{}", own.user, own.password));
    let mut call = HttpCall::get(url)
        .with_header("Authorization", format!("Basic {login}"))
        .with_header("Accept", "application/json");
    call.allow_plain = own.allow_http;
    call.timeout_s = 60;
    call
}

/// The values of an answer, or why there are none.
pub(super) fn values(answer: &HttpAnswer) -> Result<Vec<Value>, Words> {
    let text = String::from_utf8_lossy(&answer.body);
    let body: Option<Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok();
    if answer.status != 200 {
        let said = body
            .as_ref()
            .and_then(|body| body["odata.error"]["message"]["value"].as_str());
        return Err(refused(answer.status, said.unwrap_or_default()));
    }
    match body.and_then(|mut body| body.get_mut("value").map(Value::take)) {
        Some(Value::Array(values)) => Ok(values),
        _ => Err(Words::new(
            "база ответила не списком OData: проверьте адрес, он кончается на /odata/standard.odata",
            "the base did not answer with a list of OData: check the address, it ends with /odata/standard.odata",
        )),
    }
}

fn refused(status: u16, said: &str) -> Words {
    let said: String = said.chars().take(200).collect();
    match status {
        401 | 403 => Words::new(
            format!(
                "база не пустила пользователя ({status}): проверьте имя, пароль и права на чтение чеков. {said}"
            ),
            format!(
                "the base did not let the user in ({status}): check name, password and the right to read receipts. {said}"
            ),
        ),
        404 => Words::new(
            format!(
                "в OData базы нет такого объекта (404): включите его в состав OData или поправьте mapping. {said}"
            ),
            format!("the base's OData has no such object (404): publish it, or mend the mapping. {said}"),
        ),
        500 => Words::new(
            format!("ошибка базы (500). Если она отвечает так на отбор, поставьте filter: false. {said}"),
            format!("the base failed (500). If it answers so to filters, set filter to false. {said}"),
        ),
        _ => Words::new(
            format!("база ответила {status}. {said}"),
            format!("the base answered {status}. {said}"),
        ),
    }
}
