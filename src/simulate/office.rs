//! The network's side, over REST: guests, what a receipt would do, and at the end what is in the books.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Value, json};

use super::Failure;
use super::dialect::{Dialect, GuestName, Sale};
use super::vendor::Vendor;
use crate::domain::Timestamp;
use crate::http_client::Client;

/// How often a call is tried while nobody answers, or there are too many.
const TRIES: u32 = 100;
/// How often it is looked whether the service has asked everything: five minutes. A
/// service that was killed while it asked lets go of the connection after a while only.
const ERRAND_LOOKS: u32 = 1000;
/// After so many looks it is told what is waited for: ten seconds.
const LOOKS_TOLD: u32 = 33;
const PAUSE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(10);

/// A caller of the REST API.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) address: SocketAddr,
    pub(super) host: String,
    pub(super) key: String,
}

/// A till connection, and its venue.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `con_…`, the source of its receipts.
    pub(super) connection: String,
    /// `ven_…`
    pub(super) venue: String,
    pub(super) zone: Tz,
    pub(super) settings: Value,
}

/// What a receipt would do.
#[derive(Debug, Clone)]
pub(super) struct Quote {
    pub(super) may_redeem: Money,
    pub(super) accrued: Money,
    /// Redeemed and accrued of each line.
    pub(super) lines: Vec<(Money, Money)>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Office {
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.call("GET", path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.call("POST", path, Some(body)).await
    }

    /// Refuses a key that the service does not know.
    pub(super) async fn check_key(&self, is_given: bool) -> Result<(), Failure> {
        if self.get("/connections?limit=1").await?.status != 401 {
            return Ok(());
        }
        Err(if is_given {
            format!("{} does not know this key, or it has expired (--key)", self.host).into()
        } else {
            format!(
                "{} is not the demo network (kopilka demo): give an API key of its network by --key, with the scopes till, customers, \
                 reports and admin. Guests are made there and receipts are posted: take a network for trying things",
                self.host
            )
            .into()
        })
    }

    /// Sets connections so, besides what they are set to. Only networks for trying things are played with.
    pub(super) async fn set(&self, places: &[Place], settings: &Value) -> Result<(), Failure> {
        for place in places {
            let mut values = place.settings.as_object().cloned().unwrap_or_default();
            values.extend(settings.as_object().cloned().unwrap_or_default());
            let path = format!("/connections/{}", place.connection);
            let body = json!({"settings": values});
            self.call("PATCH", &path, Some(&body)).await?.expect(200, &path)?;
        }
        Ok(())
    }

    /// Makes a connection of a kind at the network's first venue; gives its token too.
    pub(super) async fn connect(&self, kind: &str) -> Result<(Place, String), Failure> {
        let venues = self.all("/venues").await?;
        let venue = venues.first().ok_or("the network has no venue: make one first")?;
        let body = json!({"venue_id": venue["id"], "kind": kind, "name": format!("Симулятор: {kind}")});
        let made = self
            .post("/connections", &body)
            .await?
            .expect(201, "/connections")?;
        let place = Place {
            connection: text(&made, "id"),
            venue: text(venue, "id"),
            zone: text(venue, "time_zone").parse().unwrap_or(Tz::UTC),
            settings: made["settings"].clone(),
        };
        Ok((place, text(&made, "token")))
    }

    /// Puts connections out of use.
    pub(super) async fn switch_off(&self, places: &[Place]) -> Result<(), Failure> {
        for place in places {
            let path = format!("/connections/{}", place.connection);
            let body = json!({"active": false});
            self.call("PATCH", &path, Some(&body)).await?.expect(200, &path)?;
        }
        Ok(())
    }

    /// Waits until the service has asked the vendor's system about everything that has happened there.
    pub(super) async fn asked(&self, places: &[Place], vendor: &dyn Vendor) -> Result<(), Failure> {
        for place in places {
            let path = format!("/connections/{}", place.connection);
            let mut last = Value::Null;
            let mut done = false;
            for look in 1..=ERRAND_LOOKS {
                // What was shown is in the books when the round in which it was shown went well, or a later one did: the
                // vendor is on this machine, so its clock is the service's.
                let shown = vendor.shown_since();
                last = self.get(&path).await?.expect(200, &path)?["polling"].clone();
                let succeeded = text(&last, "succeeded_at").parse::<Timestamp>().ok();
                done = last["errands"] == 0 && shown.is_some_and(|shown| succeeded > Some(shown));
                if done {
                    break;
                }
                if look % LOOKS_TOLD == 0 {
                    tracing::info!(connection = place.connection, polling = %last, "waiting until the service has asked the vendor's system");
                }
                tokio::time::sleep(PAUSE).await;
            }
            if !done {
                return Err(format!("the service does not ask the vendor's system: {last}").into());
            }
        }
        Ok(())
    }

    /// Calls until there is an answer. All calls made here may be repeated.
    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.host,
            self.key,
            body.len()
        );
        let mut last = String::new();
        for _ in 0..TRIES {
            let exchange = async {
                let mut client = Client::connect(self.address).await?;
                let answer = client.ask(request.as_bytes()).await?;
                std::io::Result::Ok((answer.status, String::from_utf8_lossy(answer.body).into_owned()))
            };
            match tokio::time::timeout(PATIENCE, exchange).await {
                Ok(Ok((429 | 503, text))) => last = text,
                Ok(Ok((status, text))) => {
                    let body = text.parse().unwrap_or_default();
                    return Ok(Answer { status, body });
                }
                Ok(Err(error)) => last = error.to_string(),
                Err(_) => last = "no answer in time".to_owned(),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("{method} {path}: {last}").into())
    }

    /// The active connections of a kind.
    pub(super) async fn places(&self, kind: &str) -> Result<Vec<Place>, Failure> {
        let venues = self.all("/venues").await?;
        let connections = self.all("/connections").await?;
        let mut places = Vec::new();
        for connection in connections {
            if connection["kind"] != kind || connection["active"] != true {
                continue;
            }
            let venue = text(&connection, "venue_id");
            let zone = venues
                .iter()
                .find(|v| v["id"] == venue.as_str())
                .map(|v| text(v, "time_zone"))
                .and_then(|zone| zone.parse().ok())
                .unwrap_or(Tz::UTC);
            places.push(Place {
                connection: text(&connection, "id"),
                venue,
                zone,
                settings: connection["settings"].clone(),
            });
        }
        Ok(places)
    }

    /// All items of a list.
    async fn all(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{joint}limit=100{cursor}")).await?;
            let page = page.expect(200, path)?;
            items.extend(page["items"].as_array().into_iter().flatten().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// Id of the customer with this telephone.
    pub(super) async fn customer(&self, phone: &str) -> Result<Option<String>, Failure> {
        let path = format!("/customers?phone={}", phone.replace('+', "%2B"));
        let page = self.get(&path).await?.expect(200, &path)?;
        Ok(page["items"][0]["id"].as_str().map(str::to_owned))
    }

    /// A registered customer with a telephone and a card: the one that is there, or a new one.
    pub(super) async fn register(&self, name: &str, phone: &str, card: &str) -> Result<String, Failure> {
        let id = match self.customer(phone).await? {
            Some(id) => id,
            None => {
                let made = self
                    .post("/customers", &json!({"name": name, "phone": phone}))
                    .await?;
                match self.customer(phone).await? {
                    Some(id) => id,
                    None => return Err(format!("a guest can't be registered: {}", made.body).into()),
                }
            }
        };
        let issued = self
            .post(
                &format!("/customers/{id}/cards"),
                &json!({"number": card, "kind": "plastic"}),
            )
            .await?;
        match issued.status {
            // Issued on another day.
            200 | 201 | 409 => Ok(id),
            _ => Err(format!("a card can't be issued: {}", issued.body).into()),
        }
    }

    /// What he has, and what of it he may spend now.
    pub(super) async fn balance(&self, customer: &str) -> Result<(Money, Money), Failure> {
        let path = format!("/customers/{customer}/balance");
        let balance = self.get(&path).await?.expect(200, &path)?;
        Ok((
            money(&balance, "balance") + money(&balance, "pending"),
            money(&balance, "available"),
        ))
    }

    /// Gives him bonuses.
    pub(super) async fn credit(&self, customer: &str, amount: Money) -> Result<(), Failure> {
        let path = format!("/customers/{customer}/credits");
        let body = json!({"amount": amount, "comment": "Симулятор кассы"});
        self.post(&path, &body).await?.expect(201, &path)?;
        Ok(())
    }

    /// Ids of his transactions.
    pub(super) async fn transactions(&self, customer: &str) -> Result<HashSet<String>, Failure> {
        let items = self.all(&format!("/customers/{customer}/transactions")).await?;
        Ok(items.iter().map(|item| text(item, "id")).collect())
    }

    /// What the sale would do with this redemption.
    pub(super) async fn quote(
        &self,
        dialect: &dyn Dialect,
        place: &Place,
        sale: &Sale,
        redeem: Money,
    ) -> Result<Quote, Failure> {
        let lines: Vec<Value> = sale
            .items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let (product, category) = dialect.ids(item, &place.settings);
                // Of a line that names a product of the menu and no category the books take the menu's.
                let of_menu = || (product == item.product).then(|| item.category.to_owned());
                let category = category.or_else(of_menu);
                json!({
                    "line_id": (index + 1).to_string(), "name": item.name, "product_id": product,
                    "category_id": category, "quantity": item.pieces.to_string(), "price": item.price,
                    "amount": item.amount(),
                })
            })
            .collect();
        let customer = match dialect.guest(sale) {
            Some(GuestName::Card(card)) => json!({"card": card}),
            Some(GuestName::Phone(phone)) => json!({"phone": phone}),
            None => Value::Null,
        };
        let body = json!({
            "venue_id": place.venue, "closed_at": sale.at.to_rfc3339(), "customer": customer, "lines": lines,
            "payments": [{"kind": "card", "amount": sale.total() - redeem}], "redeem": redeem,
        });
        let path = "/receipts/quote";
        let quoted = self.post(path, &body).await?.expect(200, path)?;
        let of = |line: &Value| (money(line, "redeemed"), money(line, "accrued"));
        Ok(Quote {
            may_redeem: money(&quoted, "may_redeem"),
            accrued: money(&quoted, "accrued"),
            lines: quoted["lines"].as_array().into_iter().flatten().map(of).collect(),
        })
    }

    /// A receipt of the books.
    pub(super) async fn receipt(&self, place: &Place, external_id: &str) -> Result<Option<Value>, Failure> {
        let path = format!(
            "/receipts?venue_id={}&source={}&external_id={external_id}",
            place.venue, place.connection
        );
        let answer = self.get(&path).await?;
        match answer.status {
            404 => Ok(None),
            _ => answer.expect(200, &path).map(Some),
        }
    }
}

impl Answer {
    /// The body of an answer with this status.
    pub(super) fn expect(self, status: u16, what: &str) -> Result<Value, Failure> {
        if self.status == status {
            Ok(self.body)
        } else {
            Err(format!("{what}: {} {}", self.status, self.body).into())
        }
    }
}

/// A text member.
pub(super) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// An amount, a decimal string.
pub(super) fn money(value: &Value, name: &str) -> Money {
    value[name]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}
