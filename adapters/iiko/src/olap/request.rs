//! What the restaurant's server is asked, and what it answers beside reports. The vendor publishes nothing of it; addresses and
//! fields are those of public programs that ask for such reports.

use chrono::NaiveDate;
use kopilka_contract::{HttpAnswer, HttpCall, Words, percent_encoded};
use serde_json::json;
use sha1::{Digest, Sha1};

use super::settings::ServerSettings;

/// Reports of a busy day take the server a while.
const REPORT_TIMEOUT_S: u32 = 60;
/// Longer is no key of a session.
const LONGEST_KEY: usize = 256;

impl ServerSettings {
    fn call(&self, method: &str, call: impl FnOnce(String) -> HttpCall) -> HttpCall {
        let base = self.address.trim_end_matches('/');
        let base = base.strip_suffix("/resto").unwrap_or(base);
        let mut call = call(format!("{base}/resto/api/{method}"));
        call.allow_plain = self.plain_http;
        call
    }

    /// Opens a session. By `POST`, so that no log on the way keeps the password's hash.
    pub(super) fn login_call(&self) -> HttpCall {
        let digest = Sha1::digest(&self.password);
        let pass: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.call("auth", |url| {
            HttpCall::post_form(url, &[("login", &self.login), ("pass", &pass)])
        })
    }

    /// Closes a session: each takes a seat of the licence (assumed).
    pub(super) fn logout_call(&self, key: &str) -> HttpCall {
        self.call(&format!("logout?key={}", percent_encoded(key)), HttpCall::get)
    }

    /// Asks for all that was sold on a day, down to the lines: grouped by orders alone the report was seen to be wrong.
    pub(super) fn report_call(&self, key: &str, day: NaiveDate) -> HttpCall {
        let until = day.succ_opt().unwrap_or(day);
        let mut filters = json!({"OpenDate.Typed": {
            "filterType": "DateRange", "periodType": "CUSTOM", "from": day.to_string(), "to": until.to_string(),
            "includeLow": true, "includeHigh": false,
        }});
        if !self.departments.is_empty() {
            let values: Vec<&str> = self.departments.iter().map(|id| id.as_str()).collect();
            filters["Department.Id"] = json!({"filterType": "IncludeValues", "values": values});
        }
        let mut fields = vec![
            "Department.Id",
            "UniqOrderId.Id",
            "OrderNum",
            "OpenDate.Typed",
            "CloseTime",
            "ItemSaleEvent.Id",
            "Storned",
            "OrderDeleted",
            "SourceOrderId",
        ];
        // A row more for each way of paying: only where it matters.
        if !self.not_sold_pay_types.is_empty() {
            fields.push("PayTypes");
        }
        let report = json!({
            "reportType": "SALES", "buildSummary": false,
            "groupByRowFields": fields,
            "groupByColFields": [],
            "aggregateFields": ["DishDiscountSumInt", "DishReturnSum"],
            "filters": filters,
        });
        let path = format!("v2/reports/olap?key={}", percent_encoded(key));
        let mut call = self.call(&path, |url| HttpCall::post_json(url, &report));
        call.timeout_s = REPORT_TIMEOUT_S;
        call
    }
}

/// The key of a session that was opened: plain text.
pub(super) fn key(answer: &HttpAnswer) -> Result<String, Words> {
    match answer.status {
        200 => {}
        400 | 401 | 403 => {
            return Err(Words::new(
                "сервер не принял логин и пароль (server.login, server.password), или заняты все места лицензии iikoAPIServer",
                "the server takes neither login nor password (server.login, server.password), or all seats of the licence iikoAPIServer are taken",
            ));
        }
        status => return Err(answered(status)),
    }
    let key = String::from_utf8_lossy(&answer.body);
    let key = key.trim();
    if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Words::new(
            "по адресу server.address отвечает не iikoServer",
            "what answers at server.address is no iikoServer",
        ));
    }
    Ok(key.to_owned())
}

/// An answer that is no report.
pub(super) fn answered(status: u16) -> Words {
    Words::new(
        format!("сервер ответил {status}"),
        format!("the server answered {status}"),
    )
}
