//! Cards: the numbers that identify customers at tills.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::connection::write_tx;
use super::dialect::Kind::{BigInt, Text, Timestamp as Time};
use super::ledger::apply;
use super::schema::cards;
use super::statement::{Rows, Value};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{CardId, CustomerId};

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its id.
    pub id: CardId,
    /// Its number, its own in the network.
    pub number: String,
    /// Whose it is.
    pub customer: CustomerId,
    /// What it is made of.
    pub kind: CardKind,
    /// Whether it works.
    pub status: CardStatus,
    /// The card that was issued instead of it.
    pub replaced_by: Option<CardId>,
    /// When it was issued.
    pub created_at: Timestamp,
}

macro_rules! stored_words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// As stored.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text),+
                }
            }

            /// From what is stored.
            ///
            /// # Errors
            /// [`StorageError::Corrupt`].
            pub fn parse(text: &str) -> Result<Self, StorageError> {
                match text {
                    $($text => Ok($name::$variant),)+
                    _ => Err(StorageError::Corrupt(format!(concat!($what, " {}"), text))),
                }
            }
        }
    };
}

stored_words!(
    /// What a card is made of.
    CardKind, "card kind" {
        /// Plastic.
        Plastic = "plastic",
        /// A number only.
        Virtual = "virtual",
    }
);

stored_words!(
    /// Whether a card works.
    CardStatus, "card status" {
        /// It works.
        Active = "active",
        /// A person blocked it, and may unblock it.
        Blocked = "blocked",
        /// Another one was issued instead of it: it never works again.
        Replaced = "replaced",
    }
);

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = cards, primary_key(network_id, id))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct CardRow {
    network_id: i64,
    id: i64,
    number: String,
    customer_id: i64,
    kind: String,
    status: String,
    replaced_by: Option<i64>,
    created_at: NaiveDateTime,
}

impl CardRow {
    fn of(tenant: Tenant, card: &Card) -> Self {
        CardRow {
            network_id: tenant.id(),
            id: card.id.0,
            number: card.number.clone(),
            customer_id: card.customer.0,
            kind: card.kind.as_str().to_owned(),
            status: card.status.as_str().to_owned(),
            replaced_by: card.replaced_by.map(|c| c.0),
            created_at: card.created_at.naive_utc(),
        }
    }

    fn card(self) -> Result<Card, StorageError> {
        Ok(Card {
            id: CardId(self.id),
            number: self.number,
            customer: CustomerId(self.customer_id),
            kind: CardKind::parse(&self.kind)?,
            status: CardStatus::parse(&self.status)?,
            replaced_by: self.replaced_by.map(CardId),
            created_at: self.created_at.and_utc(),
        })
    }
}

/// Cards of some customers, the newest first.
///
/// # Errors
/// Those of the database.
pub fn of_customers(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<Card>>, StorageError> {
    let rows = cards::table
        .filter(cards::network_id.eq(tenant.id()))
        .filter(cards::customer_id.eq_any(of.iter().map(|c| c.0).collect::<Vec<_>>()))
        .order(cards::id.desc())
        .select(CardRow::as_select())
        .load(connection)?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let card = row.card()?;
        found.entry(card.customer).or_default().push(card);
    }
    Ok(found)
}

/// A card by its id or number.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    reference: &str,
) -> Result<Option<Card>, StorageError> {
    let mut query = cards::table
        .filter(cards::network_id.eq(tenant.id()))
        .select(CardRow::as_select())
        .into_boxed();
    query = match reference.parse::<CardId>() {
        Ok(id) => query.filter(cards::id.eq(id.0)),
        Err(_) => query.filter(cards::number.eq(reference.to_owned())),
    };
    query.first(connection).optional()?.map(CardRow::card).transpose()
}

/// Adds a card.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &mut AnyConnection, tenant: Tenant, card: &Card) -> Result<(), StorageError> {
    diesel::insert_into(cards::table)
        .values(CardRow::of(tenant, card))
        .execute(connection)?;
    Ok(())
}

/// Adds many cards at once.
///
/// # Errors
/// Those of the database.
pub fn insert_all(
    connection: &mut AnyConnection,
    tenant: Tenant,
    cards: &[Card],
) -> Result<(), StorageError> {
    let mut rows = Rows::new(
        "cards",
        &[
            ("network_id", BigInt),
            ("id", BigInt),
            ("number", Text),
            ("customer_id", BigInt),
            ("kind", Text),
            ("status", Text),
            ("replaced_by", BigInt),
            ("created_at", Time),
        ],
    );
    for card in cards {
        rows.push(vec![
            tenant.id().into(),
            card.id.0.into(),
            card.number.as_str().into(),
            card.customer.0.into(),
            card.kind.as_str().into(),
            card.status.as_str().into(),
            Value::BigInt(card.replaced_by.map(|c| c.0)),
            card.created_at.into(),
        ]);
    }
    write_tx(connection, |connection| apply::insert(connection, rows))
}

/// Writes a card over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update(connection: &mut AnyConnection, tenant: Tenant, card: &Card) -> Result<(), StorageError> {
    diesel::update(cards::table.find((tenant.id(), card.id.0)))
        .set(CardRow::of(tenant, card))
        .execute(connection)?;
    Ok(())
}
