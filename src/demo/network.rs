//! The demo network as it is set up: settings, venues, menus, rules, tills, staff, keys.

use chrono::{Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Map, Value, json};

use super::credentials::{DELIVERY_TOKEN, IIKO_TOKEN, LIVE_KEY, LOGINS, ONEC_TOKEN, RKEEPER_TOKEN, TEST_KEY};
use super::menu::{self, CategoryPlan};
use crate::addresses::Addresses;
use crate::api::secrets::{LIVE_PREFIX, TEST_PREFIX, hash_of};
use crate::domain::Timestamp;
use crate::domain::ids::{
    CategoryId, ConnectionId, GroupId, IdSource, KeyId, NetworkId, ProductId, RuleId, UserId, VenueId,
};
use crate::domain::rate::{Coefficient, Percent};
use crate::domain::settings::{NetworkSettings, VenueSettings};
use crate::domain::terms::{RuleCondition, Weekdays};
use crate::domain::watch::Watch;
use crate::storage::keys::StoredKey;
use crate::storage::menu::{Category, Group, Product, Unit};
use crate::storage::networks::StoredNetwork;
use crate::storage::till_connections::StoredConnection;
use crate::storage::users::StoredUser;
use crate::storage::venues::{StoredRule, Venue};
use crate::storage::{AnyConnection, StorageError, Tenant};
use crate::storage::{keys, menu as stored_menu, networks, till_connections, user_pins, users, venues};

/// Name of the network.
pub const NAME: &str = "Копилка-демо";
/// What a newcomer agrees to.
const CONSENT: &str = "Я соглашаюсь на обработку имени, телефона и дня рождения, чтобы участвовать в бонусной программе. \
    Отозвать согласие можно в любой момент на кассе.";
/// Zone of the network and of its venues.
pub const ZONE: Tz = chrono_tz::Europe::Moscow;

/// What the shop weighs.
const WEIGHED: &[&str] = &["Пастила яблочная", "Печенье овсяное", "Зефир"];

/// What tills show first.
const FAVOURITES: &[&str] = &[
    "Борщ",
    "Цезарь с курицей",
    "Стейк рибай",
    "Капучино",
    "Латте",
    "Бизнес-ланч",
    "Круассан",
    "Чизкейк",
    "Сырники",
    "Кофе Эфиопия в зёрнах, 250 г",
    "Пастила яблочная",
    "Мёд липовый, 500 г",
    "Пакет бумажный",
];

/// What makes a venue.
#[derive(Debug, Clone, Copy)]
pub struct VenuePlan {
    /// The caller's own id of it.
    pub external_id: &'static str,
    /// Its name.
    pub name: &'static str,
    base_percent: &'static str,
    /// Transaction types; the first one is the usual one.
    pub types: &'static [&'static str],
    redeem_max_percent: Option<&'static str>,
    day_starts_at_hour: u32,
    /// Its menu.
    pub categories: &'static [CategoryPlan],
    /// Name, coefficient, the till's ids of the categories.
    groups: &'static [(&'static str, &'static str, &'static [&'static str])],
    /// Which tills it has.
    pub kind: &'static str,
    connection: &'static str,
    /// Token of their connection.
    pub token: &'static str,
    /// Another connection of it: kind, name, token.
    other: Option<(&'static str, &'static str, &'static str)>,
    /// What stands before the number of a product in the till's id of it.
    product_prefix: &'static str,
}

/// The venues, the restaurant first, then the café, then the shop.
pub const VENUES: [VenuePlan; 3] = [
    VenuePlan {
        external_id: "restaurant",
        name: "Ресторан на Мира",
        base_percent: "5",
        types: &["place", "delivery"],
        redeem_max_percent: Some("50"),
        day_starts_at_hour: 5,
        categories: menu::RESTAURANT,
        groups: &[(
            "Кухня",
            "1.1",
            &[
                "CA7E0000-0000-4000-8000-000000000001",
                "CA7E0000-0000-4000-8000-000000000002",
            ],
        )],
        kind: "rkeeper",
        connection: "r_keeper, станция 2",
        token: RKEEPER_TOKEN,
        other: Some(("rkeeper-delivery", "r_keeper Delivery", DELIVERY_TOKEN)),
        product_prefix: "1",
    },
    VenuePlan {
        external_id: "cafe",
        name: "Кофейня на Мира",
        base_percent: "7",
        types: &["place", "delivery"],
        redeem_max_percent: None,
        day_starts_at_hour: 0,
        categories: menu::CAFE,
        groups: &[("Сладкое к кофе", "1.3", &["bakery", "dessert"])],
        kind: "iiko",
        connection: "iiko Cloud",
        token: IIKO_TOKEN,
        other: None,
        product_prefix: "8a000000-0000-4000-8000-0000000000",
    },
    VenuePlan {
        external_id: "shop",
        name: "Лавка на Садовой",
        base_percent: "3",
        types: &["place", "online"],
        redeem_max_percent: Some("30"),
        day_starts_at_hour: 0,
        categories: menu::SHOP,
        groups: &[(
            "К чаю",
            "1.2",
            &[
                "6a718293-90ab-11f0-8d3a-00155d0a0111",
                "6a718293-90ab-11f0-8d3a-00155d0a0113",
            ],
        )],
        kind: "onec",
        connection: "1С:Розница, касса 1",
        token: ONEC_TOKEN,
        other: None,
        product_prefix: "4e5f6071-90ab-11f0-8d3a-00155d0a02",
    },
];

/// Token of the connection of a kind.
pub fn token_of(kind: &str) -> Option<&'static str> {
    VENUES.iter().find_map(|venue| match venue.other {
        _ if venue.kind == kind => Some(venue.token),
        Some((other, _, token)) if other == kind => Some(token),
        _ => None,
    })
}

impl VenuePlan {
    /// Whether it has a connection of this kind.
    pub fn has(&self, kind: &str) -> bool {
        self.kind == kind || self.other.is_some_and(|(other, _, _)| other == kind)
    }

    /// The till's id of a product by its number in the menu, from 0.
    pub fn product_id(&self, number: usize) -> String {
        format!("{}{:02}", self.product_prefix, number + 1)
    }

    /// A product with the number that its id is made of.
    pub fn product(&self, name: &str) -> Option<(String, &'static str, Money)> {
        let mut number = 0;
        for category in self.categories {
            for (product, roubles, _) in category.products {
                if *product == name {
                    return Some((
                        self.product_id(number),
                        category.till_id,
                        Money::from_kopecks(roubles * 100),
                    ));
                }
                number += 1;
            }
        }
        None
    }

    /// What its rules are: name, condition, coefficient.
    fn rules(&self, today: NaiveDate) -> Vec<(&'static str, RuleCondition, &'static str)> {
        let days = |days: &[Weekday]| Weekdays(days.to_vec());
        let roubles = |roubles: i64| Money::from_kopecks(roubles * 100);
        let date = |days: i64| RuleCondition::Date {
            date: today + chrono::Duration::days(days),
        };
        match self.external_id {
            "restaurant" => vec![
                (
                    "Счастливые часы",
                    RuleCondition::WeekdayHours {
                        weekdays: days(&[Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu]),
                        from_hour: 16,
                        to_hour: 18,
                    },
                    "2",
                ),
                (
                    "Семейное воскресенье",
                    RuleCondition::Weekday {
                        weekdays: days(&[Weekday::Sun]),
                    },
                    "1.5",
                ),
                (
                    "Ночная кухня",
                    RuleCondition::Hours {
                        from_hour: 22,
                        to_hour: 2,
                    },
                    "1.2",
                ),
                ("День рождения ресторана", date(-25), "3"),
                (
                    "Большой стол",
                    RuleCondition::ReceiptOver {
                        amount: roubles(5000),
                    },
                    "1.5",
                ),
            ],
            "cafe" => vec![
                (
                    "Утренний кофе",
                    RuleCondition::Hours {
                        from_hour: 8,
                        to_hour: 10,
                    },
                    "1.5",
                ),
                (
                    "Вечер пятницы",
                    RuleCondition::WeekdayHours {
                        weekdays: days(&[Weekday::Fri]),
                        from_hour: 17,
                        to_hour: 20,
                    },
                    "2",
                ),
                ("День кофе", date(10), "3"),
                (
                    "Маленький чек",
                    RuleCondition::ReceiptUnder { amount: roubles(200) },
                    "0.5",
                ),
                (
                    "Обед на двоих",
                    RuleCondition::ReceiptOver {
                        amount: roubles(1200),
                    },
                    "1.2",
                ),
            ],
            _ => vec![
                (
                    "Вторник — двойные бонусы",
                    RuleCondition::Weekday {
                        weekdays: days(&[Weekday::Tue]),
                    },
                    "2",
                ),
                ("Ярмарка", date(-40), "2.5"),
                (
                    "Полная корзина",
                    RuleCondition::ReceiptOver {
                        amount: roubles(3000),
                    },
                    "1.5",
                ),
            ],
        }
    }

    fn settings(&self) -> VenueSettings {
        VenueSettings {
            redeem_max_percent: self.redeem_max_percent.map(percent),
            day_starts_at: NaiveTime::from_hms_opt(self.day_starts_at_hour, 0, 0)
                .filter(|t| *t != NaiveTime::MIN),
            offline_limit: Some(Money::from_kopecks(50_000)),
            ..VenueSettings::default()
        }
    }

    /// Most of a receipt that bonuses may pay here.
    pub fn redeem_max_percent(&self) -> i64 {
        percent(self.redeem_max_percent.unwrap_or("100")).scaled() / percent("1").scaled()
    }

    fn connection_settings(&self) -> Value {
        match self.kind {
            // Cards of this network look like telephone numbers, and nobody types numbers at this till.
            "rkeeper" => json!({"card_as_phone": false, "delivery_order_categories": ["2"]}),
            // An order names only products: which category they are in, the connection knows.
            "iiko" => {
                let mut categories = Map::new();
                for category in self.categories {
                    for _ in category.products {
                        categories.insert(self.product_id(categories.len()), category.till_id.into());
                    }
                }
                json!({"categories": categories})
            }
            _ => json!({}),
        }
    }
}

/// A rate that is written in this folder; tests read them all.
pub(super) fn percent(text: &str) -> Percent {
    text.parse().unwrap_or(Percent::from_scaled(0))
}

/// The same for a coefficient.
pub(super) fn coefficient(text: &str) -> Coefficient {
    text.parse().unwrap_or(Coefficient::from_scaled(0))
}

/// The network's settings.
pub fn settings() -> NetworkSettings {
    NetworkSettings {
        redeem_max_percent: Percent::HUNDRED,
        min_money_payment: Money::from_kopecks(100),
        excluded_payment_kinds: vec!["gift_certificate".to_owned()],
        bonus_lifetime_days: Some(180),
        refund_grace_days: 14,
        consent_version: Some("2026-01".to_owned()),
        consent_text: Some(CONSENT.to_owned()),
        join_url: Some("https://kopilka.example/join".to_owned()),
        ..NetworkSettings::default()
    }
}

/// A venue that was set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founded {
    /// The venue.
    pub venue: VenueId,
    /// Its link to its tills: the source of what they send.
    pub connection: ConnectionId,
}

/// Writes the network down as it was `since`. `passwords`: hashes of password and PIN, one pair for each of [`LOGINS`].
///
/// # Errors
/// Those of the database.
pub fn found(
    connection: &mut AnyConnection,
    ids: &dyn IdSource,
    since: Timestamp,
    today: NaiveDate,
    passwords: &[(String, String)],
) -> Result<(Tenant, Vec<Founded>), StorageError> {
    let network = StoredNetwork {
        id: NetworkId(ids.next_id()),
        name: NAME.to_owned(),
        time_zone: ZONE.name().to_owned(),
        settings: settings(),
        version: 1,
        sandbox: true,
        clock_offset: chrono::Duration::zero(),
        created_at: since,
    };
    let tenant = networks::create(connection, &network)?;
    let mut founded = Vec::with_capacity(VENUES.len());
    for plan in &VENUES {
        founded.push(found_venue(connection, tenant, plan, ids, since, today)?);
    }
    let venue = |external_id: &str| {
        let mut venues = VENUES.iter().zip(&founded);
        venues
            .find(|(plan, _)| plan.external_id == external_id)
            .map(|(_, founded)| founded.venue)
    };
    for (login, (password_hash, pin_hash)) in LOGINS.iter().zip(passwords) {
        let user = StoredUser {
            id: UserId(ids.next_id()),
            login: login.login.to_owned(),
            name: login.name.to_owned(),
            role: login.role.as_str().to_owned(),
            venues: login.venue.and_then(venue).map(|v| vec![v]),
            password_hash: password_hash.clone(),
            active: true,
            created_at: since,
        };
        if !users::insert(connection, tenant, &user)? {
            return Err(StorageError::Corrupt(format!(
                "the login {} is taken",
                user.login
            )));
        }
        user_pins::set(connection, tenant, user.id, pin_hash, since)?;
    }
    for (secret, prefix, test) in [(LIVE_KEY, LIVE_PREFIX, false), (TEST_KEY, TEST_PREFIX, true)] {
        let key = StoredKey {
            id: KeyId(ids.next_id()),
            name: if test { "Проба" } else { "Демо" }.to_owned(),
            prefix: secret.chars().take(prefix.len() + 4).collect(),
            scopes: ["till", "customers", "reports", "admin"]
                .map(str::to_owned)
                .to_vec(),
            venue: None,
            test,
            created_at: since,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        keys::insert(connection, tenant, &key, &hash_of(secret))?;
    }
    Ok((tenant, founded))
}

fn found_venue(
    connection: &mut AnyConnection,
    tenant: Tenant,
    plan: &VenuePlan,
    ids: &dyn IdSource,
    since: Timestamp,
    today: NaiveDate,
) -> Result<Founded, StorageError> {
    let id = VenueId(ids.next_id());
    let types: Vec<String> = plan.types.iter().map(|t| (*t).to_owned()).collect();
    let venue = Venue {
        id,
        external_id: Some(plan.external_id.to_owned()),
        name: plan.name.to_owned(),
        time_zone: ZONE,
        base_percent: percent(plan.base_percent),
        default_type: types.first().cloned().unwrap_or_default(),
        types,
        settings: plan.settings(),
        archived_at: None,
        created_at: since,
    };
    venues::insert(connection, tenant, &venue)?;
    let mut number = 0;
    let mut favourites = Vec::new();
    for category in plan.categories {
        let row = Category {
            id: CategoryId(ids.next_id()),
            venue: id,
            external_id: category.till_id.to_owned(),
            name: category.name.to_owned(),
            coefficient: category.coefficient.map(coefficient),
            redeemable: category.redeemable,
        };
        stored_menu::insert_category(connection, tenant, &row)?;
        for (name, roubles, own) in category.products {
            let row = Product {
                id: ProductId(ids.next_id()),
                venue: id,
                external_id: Some(plan.product_id(number)),
                name: (*name).to_owned(),
                category_id: Some(category.till_id.to_owned()),
                price: Some(Money::from_kopecks(roubles * 100)),
                barcode: (plan.kind == "onec").then(|| format!("46000000{number:05}")),
                coefficient: own.map(coefficient),
                redeemable: true,
                unit: if WEIGHED.contains(name) {
                    Unit::Kg
                } else {
                    Unit::Piece
                },
            };
            stored_menu::insert_product(connection, tenant, &row)?;
            if FAVOURITES.contains(name) {
                favourites.push(row.id);
            }
            number += 1;
        }
    }
    stored_menu::set_favourites(connection, tenant, id, &favourites)?;
    for (name, k, categories) in plan.groups {
        let group = Group {
            id: GroupId(ids.next_id()),
            venue: id,
            name: (*name).to_owned(),
            category_ids: categories.iter().map(|c| (*c).to_owned()).collect(),
            coefficient: coefficient(k),
        };
        stored_menu::insert_group(connection, tenant, &group)?;
    }
    for (name, condition, k) in plan.rules(today) {
        let rule = StoredRule {
            id: RuleId(ids.next_id()),
            venue: id,
            name: Some(name.to_owned()),
            condition,
            coefficient: coefficient(k),
            created_at: since,
        };
        venues::insert_rule(connection, tenant, &rule)?;
    }
    let link = StoredConnection {
        id: ConnectionId(ids.next_id()),
        venue: id,
        kind: plan.kind.to_owned(),
        name: plan.connection.to_owned(),
        settings: plan.connection_settings(),
        language: "ru".to_owned(),
        active: true,
        created_at: since,
        watch: Watch::default(),
        heard_at: None,
        shares_orders_with: None,
        orders_before: Vec::new(),
        only_from: Addresses::default(),
    };
    till_connections::insert(connection, tenant, &link, &hash_of(plan.token))?;
    if let Some((kind, name, token)) = plan.other {
        let other = StoredConnection {
            id: ConnectionId(ids.next_id()),
            kind: kind.to_owned(),
            name: name.to_owned(),
            settings: json!({}),
            ..link.clone()
        };
        till_connections::insert(connection, tenant, &other, &hash_of(token))?;
    }
    Ok(Founded {
        venue: id,
        connection: link.id,
    })
}

/// The midnight that begins a day in the network's zone.
pub(super) fn midnight(day: NaiveDate) -> Timestamp {
    day.and_time(NaiveTime::MIN)
        .and_local_timezone(ZONE)
        .earliest()
        .map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |t| t.to_utc())
}

/// The day so many days before another.
pub(super) fn days_before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_can_be_read_and_every_category_of_a_group_is_on_the_menu() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let mut kinds = Vec::new();
        for plan in &VENUES {
            assert!(plan.base_percent.parse::<Percent>().is_ok());
            assert!(
                plan.redeem_max_percent
                    .is_none_or(|p| p.parse::<Percent>().is_ok())
            );
            assert!(plan.settings().fault().is_none());
            let count: usize = plan.categories.iter().map(|c| c.products.len()).sum();
            assert!((25..=40).contains(&count), "{} {count}", plan.name);
            for category in plan.categories {
                assert!(
                    category
                        .coefficient
                        .is_none_or(|k| k.parse::<Coefficient>().is_ok())
                );
                for (name, _, k) in category.products {
                    assert!(k.is_none_or(|k| k.parse::<Coefficient>().is_ok()));
                    assert!(plan.product(name).is_some());
                }
            }
            for (_, k, categories) in plan.groups {
                assert!(k.parse::<Coefficient>().is_ok());
                assert!(
                    categories
                        .iter()
                        .all(|id| plan.categories.iter().any(|c| c.till_id == *id))
                );
            }
            for (_, condition, k) in plan.rules(today) {
                assert!(k.parse::<Coefficient>().is_ok());
                kinds.push(serde_json::to_value(condition).unwrap()["kind"].clone());
            }
        }
        for kind in [
            "date",
            "weekday",
            "hours",
            "weekday_hours",
            "receipt_over",
            "receipt_under",
        ] {
            assert!(kinds.contains(&json!(kind)), "{kind}");
        }
        assert!(settings().fault().is_none());
    }
}
