//! The doors of the tills: a connection of each kind, and what its tills send, in their own dialects.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::Utc;
use chrono_tz::Europe::Moscow;
use kopilka_contract::{Adapter, Language, Message, Money, Settings};
use serde_json::json;

use super::Failure;
use crate::addresses::Addresses;
use crate::api::secrets::hash_of;
use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, IdSource, VenueId};
use crate::domain::watch::Watch;
use crate::id_source::TimeOrderedIds;
use crate::pos;
use crate::simulate::dialect::{self, Dialect, Heard, Item, Sale};
use crate::simulate::dialects;
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::{AnyConnection, Tenant};

/// Lines of the longest receipt, and how often it is read.
const MANY_LINES: usize = 92;
const READS: u32 = 300;
/// A name that tells what is in the dish; with it the longest receipt of r_keeper is some 60 KB.
const LONG_NAME: &str = "Стейк из лосося на гриле с соусом тартар, молодым картофелем и салатом из свежих овощей \
                         с домашним сыром, порция 350/150/50 г (соус: майонез, огурцы маринованные, каперсы, лимон; \
                         картофель отварной с укропом; томаты, огурцы, перец болгарский, сыр, масло)";

/// What a till says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// It asks about the guest and what he may redeem: a cashier waits.
    Ask,
    /// It tells of a sale.
    Close,
}

impl Call {
    /// In reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Call::Ask => "ask",
            Call::Close => "close",
        }
    }
}

/// A dialect, and one of its calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct TillCall {
    /// Whose.
    pub(super) dialect: &'static dyn Dialect,
    /// Which.
    pub(super) call: Call,
}

impl TillCall {
    /// Every call of every dialect.
    pub(super) fn all() -> impl Iterator<Item = TillCall> {
        let calls = |dialect| [Call::Ask, Call::Close].map(|call| TillCall { dialect, call });
        // A kind whose base is asked sends what the same kind sends by itself.
        let sends =
            |dialect: &&'static dyn Dialect| dialect.vendor().is_none() || dialect.name() == dialect.kind();
        let all = dialects().filter(sends).flat_map(calls);
        all.filter(|call| call.message(&sale(0, "9000000001", [])).is_some())
    }

    /// The message; `None`: its tills do not ask.
    fn message(self, sale: &Sale) -> Option<dialect::Message> {
        match self.call {
            Call::Ask => self.dialect.before(sale).into_iter().next(),
            Call::Close => Some(self.dialect.close(sale, sale.at)),
        }
    }

    /// A request about a sale, to the door of its connection.
    pub(super) fn request(self, secret: &str, sale: &Sale) -> Vec<u8> {
        let Some(message) = self.message(sale) else {
            return Vec::new();
        };
        let kind = self.dialect.kind();
        let head = format!(
            "{} /pos/{kind}/{}/{} HTTP/1.1\r\nhost: bench\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            message.method,
            token(kind, secret),
            message.path,
            message.content_type,
            message.body.len()
        );
        [head.into_bytes(), message.body.into_bytes()].concat()
    }

    /// Whether a till is content with an answer.
    pub(super) fn is_answered(self, sale: &Sale, status: u16, body: &str) -> bool {
        let heard = |message| self.dialect.hear(&message, status, body);
        self.message(sale).map(heard) == Some(Heard::Taken)
    }
}

/// How long an adapter takes to read the longest receipt.
#[derive(Debug, Clone, Copy)]
pub(super) struct LongReceipt {
    /// Whose.
    pub(super) dialect: &'static str,
    /// How long the message is.
    pub(super) bytes: usize,
    /// For each time it was read, and dropped.
    pub(super) took: Duration,
}

/// Reads the longest receipt of each dialect, many times.
pub(super) fn long_receipts() -> Result<Vec<LongReceipt>, Failure> {
    let close = |dialect| TillCall {
        dialect,
        call: Call::Close,
    };
    dialects().map(close).map(read_long_receipt).collect()
}

fn read_long_receipt(close: TillCall) -> Result<LongReceipt, Failure> {
    let kind = close.dialect.kind();
    let adapter = pos::adapter(kind).ok_or("a dialect without an adapter")?;
    let item = |n: usize| item(LONG_NAME, 100 + n, 10_000 + i64::try_from(n).unwrap_or(0), 1);
    let sale = sale(1, "9000000001", (0..MANY_LINES).map(item));
    let sent = close.dialect.close(&sale, sale.at);
    let (path, query) = sent.path.split_once('?').unwrap_or((&sent.path, ""));
    let message = Message {
        method: sent.method,
        path,
        query,
        content_type: Some(sent.content_type),
        body: sent.body.as_bytes(),
        login: None,
        received_at: Utc::now(),
    };
    let settings = Settings {
        time_zone: Moscow,
        language: Language::Ru,
        values: json!({}),
    };
    let read = |adapter: &dyn Adapter| {
        let read = adapter.read(&message, &settings);
        read.map_err(|unreadable| format!("{}: {}", close.dialect.name(), unreadable.reason.en))
    };
    // Once for the caches.
    black_box(read(adapter)?);
    let started = Instant::now();
    for _ in 0..READS {
        black_box(read(adapter)?);
    }
    Ok(LongReceipt {
        dialect: close.dialect.name(),
        bytes: sent.body.len(),
        took: started.elapsed() / READS,
    })
}

/// A connection for each kind of till.
pub(super) fn connect(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    ids: &TimeOrderedIds,
    secret: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    for adapter in pos::ADAPTERS {
        let link = StoredConnection {
            id: ConnectionId(ids.next_id()),
            venue,
            kind: adapter.kind().to_owned(),
            name: adapter.kind().to_owned(),
            settings: json!({}),
            language: "ru".to_owned(),
            active: true,
            created_at: now,
            watch: Watch::default(),
            heard_at: None,
            shares_orders_with: None,
            orders_before: Vec::new(),
            only_from: Addresses::default(),
        };
        let token = token(adapter.kind(), secret);
        till_connections::insert(connection, tenant, &link, &hash_of(&token))?;
    }
    Ok(())
}

/// Two connections never have one.
fn token(kind: &str, secret: &str) -> String {
    format!("{kind}-{secret}")
}

/// A sale that closes now.
pub(super) fn sale(number: u32, card: &str, items: impl IntoIterator<Item = Item>) -> Sale {
    Sale {
        number,
        id: format!("{number:08x}-be4c-4000-8000-{number:012x}"),
        at: Utc::now().with_timezone(&Moscow),
        card: Some(card.to_owned()),
        phone: Some(format!("+7{card}")),
        member: None,
        items: items.into_iter().collect(),
        redeem: Money::ZERO,
        payer: None,
    }
}

/// A dish that was ordered: the number of its product, its price in kopecks, and how many.
pub(super) fn item(name: &'static str, product: usize, price: i64, pieces: i64) -> Item {
    Item {
        name,
        product: product.to_string(),
        category: "2",
        pieces,
        price: Money::from_kopecks(price),
        redeemed: Money::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_till_closes_and_most_ask() {
        let calls = |call| TillCall::all().filter(move |c| c.call == call);
        for adapter in pos::ADAPTERS {
            let closes = calls(Call::Close).any(|c| c.dialect.kind() == adapter.kind());
            assert!(closes, "{}", adapter.kind());
        }
        assert!(calls(Call::Ask).count() >= 3);
    }

    #[test]
    fn the_longest_receipt_is_read_by_every_adapter() {
        let read = long_receipts().unwrap();
        assert_eq!(read.len(), dialects().count());
        let till = read.iter().find(|r| r.dialect == "rkeeper").unwrap();
        assert!((55_000..70_000).contains(&till.bytes), "{}", till.bytes);
    }
}
