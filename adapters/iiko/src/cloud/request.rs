//! The calls of the iikoCloud API (*iikoCloud API*, all `POST` with JSON).

use chrono::{DateTime, Duration, Utc};
use kopilka_contract::{HttpCall, Settings};
use serde_json::{Value, json};

use super::settings::CloudSettings;
use super::state::What;
use crate::Id;
use crate::settings::IikoSettings;

/// Delivery dates are asked for with so much to spare on either side: an order is closed near the time that the guest
/// was promised, not at it.
pub(crate) const MARGIN: Duration = Duration::days(1);
/// So long a list of a day's orders may take.
const LIST_TIMEOUT_S: u32 = 60;

/// A token, by the account.
pub(crate) fn token(cloud: &CloudSettings) -> HttpCall {
    let call = match &cloud.application {
        Some(app) => {
            let body = json!({"apiKey": app.api_key, "appId": app.app_id, "clientSecret": app.client_secret});
            HttpCall::post_json(cloud.url("v2", "access_token"), &body)
        }
        None => HttpCall::post_json(
            cloud.url("1", "access_token"),
            &json!({"apiLogin": cloud.api_login}),
        ),
    };
    HttpCall {
        allow_plain: cloud.plain_http,
        ..call
    }
}

/// A method with its body.
pub(crate) fn method(cloud: &CloudSettings, token: &str, method: &str, body: &Value) -> HttpCall {
    let call = HttpCall::post_json(cloud.url("1", method), body);
    HttpCall {
        allow_plain: cloud.plain_http,
        timeout_s: LIST_TIMEOUT_S,
        ..call.with_header("Authorization", format!("Bearer {token}"))
    }
}

/// Deliveries that changed after a revision, of at most three hours ago.
pub(crate) fn changes(organization: &Id, revision: i64) -> (&'static str, Value) {
    (
        "deliveries/by_revision",
        json!({"startRevision": revision, "organizationIds": [organization]}),
    )
}

/// Finished deliveries that were promised between two moments. The limits are in the terminal's time, for which the
/// venue's is taken.
pub(crate) fn day(
    organization: &Id,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    settings: &Settings,
    iiko: &IikoSettings,
) -> (&'static str, Value) {
    let local = |at: DateTime<Utc>| {
        let local = at.with_timezone(&settings.time_zone);
        local.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
    };
    let statuses: &[&str] = match iiko.accrue_on_delivered {
        true => &["Delivered", "Closed", "Cancelled"],
        false => &["Closed", "Cancelled"],
    };
    let body = json!({
        "organizationIds": [organization],
        "deliveryDateFrom": local(from),
        "deliveryDateTo": local(to),
        "statuses": statuses,
    });
    ("deliveries/by_delivery_date_and_status", body)
}

/// Orders by their ids.
pub(crate) fn orders(
    organization: &Id,
    what: What,
    ids: &[Id],
    external_data: &[&str],
) -> (&'static str, Value) {
    let (method, mut body) = match what {
        What::Delivery => (
            "deliveries/by_id",
            json!({"organizationId": organization, "orderIds": ids}),
        ),
        What::Table => (
            "order/by_id",
            json!({"organizationIds": [organization], "orderIds": ids}),
        ),
        What::TillOrder => (
            "order/by_id",
            json!({"organizationIds": [organization], "posOrderIds": ids}),
        ),
    };
    if !external_data.is_empty() {
        body["returnExternalDataKeys"] = json!(external_data);
    }
    (method, body)
}

/// Loads orders of a till into the cloud.
pub(crate) fn load(organization: &Id, terminal_group: &Id, ids: &[Id]) -> (&'static str, Value) {
    let body = json!({"organizationId": organization, "terminalGroupId": terminal_group, "posOrderIds": ids});
    ("order/init_by_posOrder", body)
}

/// Flags an order for the attention of the restaurant.
pub(crate) fn notify(
    cloud: &CloudSettings,
    organization: &Id,
    order: &Id,
    text: &str,
) -> (&'static str, Value) {
    let body = json!({
        "messageType": "order_attention",
        "organizationId": organization,
        "orderSource": cloud.order_source,
        "orderId": order,
        "additionalInfo": text,
    });
    ("notifications/send", body)
}

/// The menu, if it has changed since a revision.
pub(crate) fn menu(organization: &Id, revision: i64) -> (&'static str, Value) {
    (
        "nomenclature",
        json!({"organizationId": organization, "startRevision": revision}),
    )
}
