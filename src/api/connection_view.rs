//! What is told of a connection: how it does, how it is looked after, and what a person should mend.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use kopilka_contract::Words;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::connection_alerts::AlertView;
use super::problem::Problem;
use crate::addresses::Addresses;
use crate::domain::ids::{ConnectionId, MessageId, VenueId};
use crate::domain::rate::Percent;
use crate::domain::watch::{ALERT_KINDS, OpeningHours, Watch};
use crate::pos::same_sales::{self, Tellers, may_share_orders};
use crate::pos::{adapter, secrets};
use crate::storage::connection_alerts::{self, AlertFilter, StoredAlert};
use crate::storage::messages::{self, Lately};
use crate::storage::polls;
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::venues::{self, Venue};
use crate::storage::{AnyConnection, StorageError, Tenant};

/// More connections of a network than this are not compared with one another.
const MANY_OF_A_NETWORK: i64 = 10_000;

/// A venue's link to a till system, without its token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct ConnectionView {
    #[schema(value_type = String, example = "con_01hgw3zj3q7hx")]
    id: ConnectionId,
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    venue_id: VenueId,
    #[schema(example = "rkeeper")]
    kind: String,
    #[schema(example = "r_keeper на Невском")]
    name: String,
    /// The adapter's own. A password that was given stands here as `***`.
    #[schema(value_type = Object, example = json!({}))]
    settings: Value,
    /// Language of the words for the cashier.
    #[schema(example = "ru")]
    language: String,
    /// Whether its messages are taken.
    active: bool,
    created_at: DateTime<Utc>,
    /// How it is looked after.
    #[schema(value_type = WatchView)]
    watch: Watch,
    /// The connection whose orders its orders are, under the same ids; null: they are its own.
    #[schema(value_type = Option<String>)]
    shares_orders_with: Option<ConnectionId>,
    /// From where its messages may come; empty: from anywhere.
    #[schema(value_type = Vec<String>, example = json!([]))]
    only_from: Addresses,
    /// What a person should mend.
    warnings: Vec<ConnectionWarning>,
    state: ConnectionState,
    /// How asking the vendor's system goes; null where this kind only speaks itself.
    polling: Option<PollingState>,
}

/// How asking the vendor's system goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct PollingState {
    /// When it is asked next; null: the settings say nothing of whom to ask.
    next_at: Option<DateTime<Utc>>,
    /// When asking last went well.
    succeeded_at: Option<DateTime<Utc>>,
    /// When it last failed.
    failed_at: Option<DateTime<Utc>>,
    /// Why it last failed.
    #[schema(example = "auth-delivery.ucs.ru answered 401")]
    failure: Option<String>,
    /// How many times in a row it has failed since it went well.
    #[schema(example = 0)]
    failures: u32,
    /// How many things wait to be asked.
    #[schema(example = 0)]
    errands: u32,
}

impl PollingState {
    fn of(standing: polls::Standing) -> Self {
        PollingState {
            next_at: standing.next_at,
            succeeded_at: standing.succeeded_at,
            failed_at: standing.failed_at,
            failure: standing.failure,
            failures: standing.failures,
            errands: standing.errands,
        }
    }
}

/// How a connection has done of late, by its newest 200 messages. What only asks (a card read, a quote) is not kept and
/// not counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
struct ConnectionState {
    /// When its till last spoke, to the minute, be it to ask; null: never.
    heard_at: Option<DateTime<Utc>>,
    /// When its newest message came that was let in; null: nothing has yet.
    last_message_at: Option<DateTime<Utc>>,
    /// The newest message that waits for a person, or was turned away at the door.
    last_error: Option<ConnectionError>,
    /// How many of its newest messages came to each outcome.
    #[schema(example = json!({"posted": 180, "repeated": 19, "refused": 1}))]
    outcomes: BTreeMap<String, u32>,
    /// The longest time that one of them took, in milliseconds.
    #[schema(example = 41)]
    took_ms_max: Option<i64>,
    /// The middle one of these times.
    #[schema(example = 4)]
    took_ms_median: Option<i64>,
    /// What is wrong with it now, as `/connection-alerts` tells it.
    alerts: Vec<AlertView>,
}

/// How a connection is looked after, for the description of the API.
#[derive(ToSchema)]
#[schema(as = Watch)]
#[expect(dead_code, reason = "describes `Watch`, which the domain owns")]
pub(super) struct WatchView {
    /// So many messages in a row that were refused or not understood are a failure, and so many rounds in which the vendor's system
    /// could not be asked; at most 50; 0: never.
    #[schema(example = 5, default = 5)]
    failing_after: u32,
    /// Silence of so many minutes within opening hours is told; null: never.
    #[schema(example = 120)]
    quiet_minutes: Option<u32>,
    /// When the venue is open, by its own clock; empty: always. `until` not after `from` is on the next day.
    #[schema(value_type = Vec<Object>, example = json!([{"weekdays": ["fri", "sat"], "from": "10:00", "until": "02:00"}]))]
    opening_hours: Vec<OpeningHours>,
}

/// Something about a connection that a person should mend.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct ConnectionWarning {
    /// `counts-twice`: other connections of the venue tell of the same sales; `counts-elsewhere`: connections of other venues do;
    /// `counts-never`: it leaves delivery orders to others, which leave them too; `unknown-type`: the venue does not have transaction types of its receipts, which are refused;
    /// `never-quiet`: the venue closes before `watch.quiet_minutes` are over, so silence is never told; `incomplete-settings`: what its settings promise needs more of them;
    /// `accrues-nothing`: the venue's base bonus is zero.
    #[schema(example = "counts-twice")]
    code: String,
    /// The other connections, where it is about such.
    #[schema(value_type = Vec<String>, example = json!(["con_01hgw3zj3q7hx"]))]
    connection_ids: Vec<ConnectionId>,
    #[schema(example = json!({"ru": "…", "en": "…"}), value_type = Object)]
    words: Words,
}

impl ConnectionWarning {
    /// All that there are.
    fn of(connection: &StoredConnection, standing: &Standing) -> Vec<Self> {
        let twice = ConnectionWarning::twice(connection, &standing.twice);
        let elsewhere = ConnectionWarning::elsewhere(&standing.elsewhere);
        let never = ConnectionWarning::never(&standing.never);
        let unknown = ConnectionWarning::unknown(&standing.unknown_types);
        let quiet = ConnectionWarning::never_quiet(&connection.watch);
        let nothing = standing
            .accrues_nothing
            .then(|| ConnectionWarning::nothing(connection.venue));
        let known = [twice, elsewhere, never, unknown, nothing, quiet];
        let incomplete = ConnectionWarning::incomplete(connection);
        known.into_iter().flatten().chain(incomplete).collect()
    }

    /// Of connections of other venues that count the same sales; `None`: there are none.
    fn elsewhere(others: &[StoredConnection]) -> Option<Self> {
        (!others.is_empty()).then(|| ConnectionWarning {
            code: "counts-elsewhere".to_owned(),
            connection_ids: others.iter().map(|other| other.id).collect(),
            words: Words::new(
                format!(
                    "О тех же продажах сообщает и {} другого заведения: чек посчитается у обоих. Назовите в настройках каждого, какой ресторан его.",
                    names(others, "«", "»")
                ),
                format!(
                    "{} of another venue tells of the same sales: a receipt would count at both. Name in the settings of each which restaurant is its own.",
                    names(others, "“", "”")
                ),
            ),
        })
    }

    /// Of the other connections that leave delivery orders to this one, which leaves them too; `None`: there are none.
    fn never(others: &[StoredConnection]) -> Option<Self> {
        (!others.is_empty()).then(|| ConnectionWarning {
            code: "counts-never".to_owned(),
            connection_ids: others.iter().map(|other| other.id).collect(),
            words: Words::new(
                format!(
                    "Заказы доставки не проводит никто: их оставляют другим и это подключение, и {}. Измените настройки одного из них.",
                    names(others, "«", "»")
                ),
                format!(
                    "Nobody posts delivery orders: this connection leaves them to others, and so does {}. Change the settings of one.",
                    names(others, "“", "”")
                ),
            ),
        })
    }

    /// Of transaction types that the venue does not have; `None`: it has all.
    fn unknown(types: &[String]) -> Option<Self> {
        let names = types.join(", ");
        (!types.is_empty()).then(|| ConnectionWarning {
            code: "unknown-type".to_owned(),
            connection_ids: Vec::new(),
            words: Words::new(
                format!(
                    "У заведения нет типа транзакций {names}: такие чеки будут отклонены. Добавьте тип заведению (PATCH /venues/{{id}}, types) или измените настройки подключения."
                ),
                format!(
                    "The venue has no transaction type {names}: such receipts will be refused. Add it to the venue (PATCH /venues/{{id}}, types), or change the connection's settings."
                ),
            ),
        })
    }

    /// Of what its settings leave undone although they promise it.
    fn incomplete(connection: &StoredConnection) -> impl Iterator<Item = Self> {
        let words = same_sales::shortcomings(connection).into_iter();
        let words = words.filter(|_| connection.active);
        words.map(|words| ConnectionWarning {
            code: "incomplete-settings".to_owned(),
            connection_ids: Vec::new(),
            words,
        })
    }

    /// Of a silence that is never told, because the venue closes before; `None`: it is, or is not asked for.
    fn never_quiet(watch: &Watch) -> Option<Self> {
        watch.is_never_quiet().then(|| ConnectionWarning {
            code: "never-quiet".to_owned(),
            connection_ids: Vec::new(),
            words: Words::new(
                "О молчании кассы не сообщим никогда: заведение закрывается раньше, чем пройдёт столько минут (watch.quiet_minutes). Уменьшите их или поправьте часы работы (watch.opening_hours).",
                "The till's silence will never be told: the venue closes before so many minutes are over (watch.quiet_minutes). Make them fewer, or mend the opening hours (watch.opening_hours).",
            ),
        })
    }

    /// Of a venue whose receipts accrue nothing.
    fn nothing(venue: VenueId) -> Self {
        ConnectionWarning {
            code: "accrues-nothing".to_owned(),
            connection_ids: Vec::new(),
            words: Words::new(
                format!(
                    "У заведения базовый бонус 0 %: чеки ничего не начислят, правила и коэффициенты его только умножают. Задайте его: PATCH /api/v1/venues/{venue}, {{\"base_percent\": \"5\"}}."
                ),
                format!(
                    "The venue's base bonus is 0 %: receipts will accrue nothing, rules and coefficients only multiply it. Set it: PATCH /api/v1/venues/{venue}, {{\"base_percent\": \"5\"}}."
                ),
            ),
        }
    }

    /// Of the other connections that count the same sales; `None`: there are none.
    fn twice(of: &StoredConnection, others: &[StoredConnection]) -> Option<Self> {
        let (first, more) = others.split_first()?;
        let (told_ru, told_en) = if more.is_empty() {
            ("сообщает и подключение", "The connection")
        } else {
            ("сообщают и подключения", "The connections")
        };
        let tell = if more.is_empty() { "tells" } else { "tell" };
        let (link_ru, link_en) = if more
            .iter()
            .chain([first])
            .any(|other| may_share_orders(of, other))
        {
            (
                " Подключения одной кассовой системы можно и связать (shares_orders_with).",
                " Connections of one till system can also be linked (shares_orders_with).",
            )
        } else {
            ("", "")
        };
        let settings = parting_settings(others.iter().chain([of]));
        let part_ru = settings.as_ref().map_or_else(String::new, |names| {
            format!(" или разделите заказы настройками ({names})")
        });
        let part_en = settings.as_ref().map_or_else(String::new, |names| {
            format!(", or part the orders by settings ({names})")
        });
        Some(ConnectionWarning {
            code: "counts-twice".to_owned(),
            connection_ids: others.iter().map(|other| other.id).collect(),
            words: Words::new(
                format!(
                    "О тех же продажах {told_ru} {}: чек посчитается не один раз. Выключите лишнее (PATCH /connections/{{id}}, active){part_ru}.{link_ru}",
                    names(others, "«", "»")
                ),
                format!(
                    "{told_en} {} {tell} of the same sales: a receipt would count more than once. Switch off what is too much (PATCH /connections/{{id}}, active){part_en}.{link_en}",
                    names(others, "“", "”")
                ),
            ),
        })
    }
}

/// Which settings part the orders of connections, by till system; `None`: none do.
fn parting_settings<'a>(of: impl Iterator<Item = &'a StoredConnection>) -> Option<String> {
    let kinds: BTreeSet<&str> = of.map(|of| of.kind.as_str()).collect();
    let by_kind: Vec<String> = kinds
        .into_iter()
        .filter_map(adapter)
        .filter(|adapter| !adapter.parting_settings().is_empty())
        .map(|adapter| format!("{}: {}", adapter.kind(), adapter.parting_settings().join(", ")))
        .collect();
    (!by_kind.is_empty()).then(|| by_kind.join("; "))
}

/// Names of connections, each between quotation marks.
fn names(of: &[StoredConnection], open: &str, close: &str) -> String {
    let names: Vec<String> = of.iter().map(|of| format!("{open}{}{close}", of.name)).collect();
    names.join(", ")
}

/// What the books know of how a connection does.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    lately: Lately,
    alerts: Vec<StoredAlert>,
    /// Connections of the venue that tell of the same sales.
    twice: Vec<StoredConnection>,
    /// Connections of other venues that do.
    elsewhere: Vec<StoredConnection>,
    /// Connections of the venue that leave delivery orders to others, as this one does, while none posts them.
    never: Vec<StoredConnection>,
    /// Transaction types of its receipts that the venue does not have.
    unknown_types: Vec<String>,
    /// Whether its receipts would accrue by a base bonus that is zero.
    accrues_nothing: bool,
    /// How asking its vendor's system goes.
    asking: polls::Standing,
}

/// A message that was refused or not understood.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct ConnectionError {
    #[schema(value_type = String, example = "msg_01hgw3zj3q7hx")]
    message_id: MessageId,
    at: DateTime<Utc>,
    /// Code of the refusal; null: it was not understood.
    #[schema(example = "insufficient-balance")]
    code: Option<String>,
    /// Why, for the person who looks at it, in the connection's language.
    detail: Option<String>,
}

impl ConnectionState {
    fn of(standing: Standing, connection: &StoredConnection) -> Self {
        let lately = standing.lately;
        let alerts = standing.alerts.into_iter();
        ConnectionState {
            heard_at: connection.heard_at,
            alerts: alerts
                .map(|alert| AlertView::of(alert, Some(connection)))
                .collect(),
            last_message_at: lately.last_message_at,
            last_error: lately.last_error.map(|wrong| ConnectionError {
                message_id: wrong.id,
                at: wrong.at,
                code: wrong.code,
                detail: wrong.detail,
            }),
            outcomes: lately.outcomes,
            took_ms_max: lately.took_ms.map(|(longest, _)| longest),
            took_ms_median: lately.took_ms.map(|(_, middle)| middle),
        }
    }
}

impl ConnectionView {
    /// A connection with how it does.
    pub(super) fn of((connection, standing): (StoredConnection, Standing)) -> Self {
        let adapter = adapter(&connection.kind);
        let asks = adapter.is_some_and(|adapter| adapter.poll().is_some());
        let warnings = ConnectionWarning::of(&connection, &standing);
        let polling = asks.then(|| PollingState::of(standing.asking.clone()));
        let state = ConnectionState::of(standing, &connection);
        ConnectionView {
            id: connection.id,
            venue_id: connection.venue,
            kind: connection.kind,
            name: connection.name,
            settings: secrets::hidden(adapter, connection.settings),
            language: connection.language,
            active: connection.active,
            created_at: connection.created_at,
            watch: connection.watch,
            shares_orders_with: connection.shares_orders_with,
            only_from: connection.only_from,
            warnings,
            polling,
            state,
        }
    }
}

/// A connection with how it does.
///
/// # Errors
/// Those of the database.
pub(super) fn with_state(
    connection: &mut AnyConnection,
    tenant: Tenant,
    found: StoredConnection,
) -> Result<(StoredConnection, Standing), Problem> {
    let network = tellers(connection, tenant)?;
    among(connection, tenant, &network, found)
}

/// The connections of a network, to compare some of them with.
///
/// # Errors
/// Those of the database.
pub(super) fn tellers(connection: &mut AnyConnection, tenant: Tenant) -> Result<Tellers, StorageError> {
    till_connections::list(connection, tenant, None, None, MANY_OF_A_NETWORK).map(Tellers::of)
}

/// A connection among those of its network, with how it does.
///
/// # Errors
/// Those of the database.
pub(super) fn among(
    connection: &mut AnyConnection,
    tenant: Tenant,
    network: &Tellers,
    found: StoredConnection,
) -> Result<(StoredConnection, Standing), Problem> {
    let going_on = AlertFilter {
        connection: Some(found.id),
        open: true,
        ..AlertFilter::default()
    };
    let venue = venues::find(connection, tenant, found.venue)?.filter(|_| found.active);
    let venue = venue.as_ref();
    let standing = Standing {
        asking: polls::standing(connection, tenant, found.id)?,
        unknown_types: venue.map_or_else(Vec::new, |venue| unknown_types(&found, venue)),
        accrues_nothing: venue.is_some_and(|venue| accrues_nothing(&found, venue)),
        lately: messages::lately(connection, tenant, found.id)?,
        alerts: connection_alerts::list(connection, tenant, &going_on, ALERT_KINDS)?,
        twice: network.counting_twice(&found),
        elsewhere: network.counting_elsewhere(&found),
        never: network.counting_never(&found),
    };
    Ok((found, standing))
}

/// Transaction types of a connection's receipts that its venue does not have.
fn unknown_types(of: &StoredConnection, venue: &Venue) -> Vec<String> {
    let wanted = same_sales::receipt_types(of).into_iter();
    wanted.filter(|kind| !venue.types.contains(kind)).collect()
}

/// Whether a connection's receipts would accrue by a base bonus that is zero.
fn accrues_nothing(of: &StoredConnection, venue: &Venue) -> bool {
    venue.base_percent == Percent::ZERO && same_sales::accrues_by_terms(of)
}

/// What a person should mend about a connection, in words.
///
/// # Errors
/// Those of the database.
pub(crate) fn warnings(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: StoredConnection,
) -> Result<Vec<Words>, Problem> {
    let (of, standing) = with_state(connection, tenant, of)?;
    let warnings = ConnectionWarning::of(&of, &standing);
    Ok(warnings.into_iter().map(|warning| warning.words).collect())
}
