//! Rows that a test starts from, put straight into the tables.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use kopilka::domain::ids::{CustomerId, IdSource, NetworkId, VenueId};
use kopilka::domain::rate::{Coefficient, Percent};
use kopilka::domain::settings::{NetworkSettings, VenueSettings};
use kopilka::domain::terms::RuleCondition;
use kopilka::id_source::TimeOrderedIds;
use kopilka::storage::Store;
use kopilka::storage::schema::*;

pub fn long_ago() -> NaiveDateTime {
    DateTime::<Utc>::from_timestamp(1_700_000_000, 0)
        .unwrap()
        .naive_utc()
}

pub struct Seed<'a> {
    pub store: &'a Store,
    pub network: NetworkId,
}

/// Of one source, so that seeds of one network never make the same id.
static IDS: LazyLock<TimeOrderedIds> = LazyLock::new(|| TimeOrderedIds::new(9));

impl<'a> Seed<'a> {
    /// A network.
    pub fn network(store: &'a Store, settings: &NetworkSettings) -> Self {
        let network = NetworkId(IDS.next_id());
        diesel::insert_into(networks::table)
            .values((
                networks::id.eq(network.0),
                networks::name.eq("Test"),
                networks::time_zone.eq("Europe/Moscow"),
                networks::settings.eq(serde_json::to_string(settings).unwrap()),
                networks::version.eq(1),
                networks::sandbox.eq(true),
                networks::clock_offset_us.eq(0),
                networks::created_at.eq(long_ago()),
            ))
            .execute(&mut store.connection().unwrap())
            .unwrap();
        Seed { store, network }
    }

    /// For a network that is there.
    pub fn of(store: &'a Store, network: NetworkId) -> Self {
        Seed { store, network }
    }

    pub fn next_id(&self) -> i64 {
        IDS.next_id()
    }

    pub fn venue(&self, name: &str, zone: chrono_tz::Tz, base: Percent, settings: &VenueSettings) -> VenueId {
        let id = VenueId(self.next_id());
        diesel::insert_into(venues::table)
            .values((
                venues::network_id.eq(self.network.0),
                venues::id.eq(id.0),
                venues::external_id.eq(Some(name)),
                venues::name.eq(name),
                venues::time_zone.eq(zone.name()),
                venues::base_percent.eq(base.scaled()),
                venues::types.eq(r#"["place","delivery","online"]"#),
                venues::default_type.eq("place"),
                venues::settings.eq(serde_json::to_string(settings).unwrap()),
                venues::created_at.eq(long_ago()),
            ))
            .execute(&mut self.store.connection().unwrap())
            .unwrap();
        id
    }

    pub fn rule(&self, venue: VenueId, condition: &RuleCondition, coefficient: Coefficient) {
        diesel::insert_into(rules::table)
            .values((
                rules::network_id.eq(self.network.0),
                rules::id.eq(self.next_id()),
                rules::venue_id.eq(venue.0),
                rules::condition.eq(serde_json::to_string(condition).unwrap()),
                rules::coefficient.eq(coefficient.scaled()),
                rules::created_at.eq(long_ago()),
            ))
            .execute(&mut self.store.connection().unwrap())
            .unwrap();
    }

    pub fn category(
        &self,
        venue: VenueId,
        till_id: &str,
        coefficient: Option<Coefficient>,
        redeemable: bool,
    ) {
        diesel::insert_into(categories::table)
            .values((
                categories::network_id.eq(self.network.0),
                categories::id.eq(self.next_id()),
                categories::venue_id.eq(venue.0),
                categories::external_id.eq(till_id),
                categories::name.eq(till_id),
                categories::coefficient.eq(coefficient.map(Coefficient::scaled)),
                categories::redeemable.eq(redeemable),
            ))
            .execute(&mut self.store.connection().unwrap())
            .unwrap();
    }

    pub fn product(&self, venue: VenueId, name: &str, coefficient: Coefficient) {
        diesel::insert_into(products::table)
            .values((
                products::network_id.eq(self.network.0),
                products::id.eq(self.next_id()),
                products::venue_id.eq(venue.0),
                products::name.eq(name),
                products::coefficient.eq(Some(coefficient.scaled())),
                products::redeemable.eq(true),
            ))
            .execute(&mut self.store.connection().unwrap())
            .unwrap();
    }

    pub fn group(&self, venue: VenueId, name: &str, category_ids: &[String], coefficient: Coefficient) {
        diesel::insert_into(category_groups::table)
            .values((
                category_groups::network_id.eq(self.network.0),
                category_groups::id.eq(self.next_id()),
                category_groups::venue_id.eq(venue.0),
                category_groups::name.eq(name),
                category_groups::category_ids.eq(serde_json::to_string(category_ids).unwrap()),
                category_groups::coefficient.eq(coefficient.scaled()),
            ))
            .execute(&mut self.store.connection().unwrap())
            .unwrap();
    }

    /// A registered customer with a card.
    pub fn customer(&self, card: &str, network_coefficient: Option<Coefficient>) -> CustomerId {
        let id = CustomerId(self.next_id());
        let mut connection = self.store.connection().unwrap();
        diesel::insert_into(customers::table)
            .values((
                customers::network_id.eq(self.network.0),
                customers::id.eq(id.0),
                customers::status.eq("registered"),
                customers::name.eq(Some("Анна")),
                customers::network_coefficient.eq(network_coefficient.map(Coefficient::scaled)),
                customers::created_at.eq(long_ago()),
                customers::updated_at.eq(long_ago()),
            ))
            .execute(&mut connection)
            .unwrap();
        diesel::insert_into(cards::table)
            .values((
                cards::network_id.eq(self.network.0),
                cards::id.eq(self.next_id()),
                cards::number.eq(card),
                cards::customer_id.eq(id.0),
                cards::kind.eq("plastic"),
                cards::status.eq("active"),
                cards::created_at.eq(long_ago()),
            ))
            .execute(&mut connection)
            .unwrap();
        id
    }

    pub fn venue_coefficient(&self, customer: CustomerId, venue: VenueId, coefficient: Coefficient) {
        diesel::insert_into(customer_coefficients::table)
            .values((
                customer_coefficients::network_id.eq(self.network.0),
                customer_coefficients::customer_id.eq(customer.0),
                customer_coefficients::venue_id.eq(venue.0),
                customer_coefficients::coefficient.eq(coefficient.scaled()),
            ))
            .execute(&mut self.store.connection().unwrap())
            .unwrap();
    }
}
