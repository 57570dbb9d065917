//! Customers of a network, and their coefficients.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use kopilka_contract::{CustomerStatus, Phone};

use super::dialect::Dialect;
use super::schema::{customer_coefficients, customers};
use super::statement::{self, Statement};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, VenueId};
use crate::domain::rate::Coefficient;

/// A customer as people know him. His bonuses are the ledger's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// His id.
    pub id: CustomerId,
    /// The caller's own id of him.
    pub external_id: Option<String>,
    /// Standing.
    pub status: CustomerStatus,
    /// Name.
    pub name: Option<String>,
    /// Telephone, his alone in the network.
    pub phone: Option<Phone>,
    /// E-mail.
    pub email: Option<String>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// `male` or `female`.
    pub sex: Option<String>,
    /// City.
    pub city: Option<String>,
    /// A note for the back office.
    pub comment: Option<String>,
    /// A note for cashiers.
    pub cashier_note: Option<String>,
    /// Which text of the consent he agreed to.
    pub consent_version: Option<String>,
    /// When he agreed.
    pub consent_at: Option<Timestamp>,
    /// Coefficient for the whole network.
    pub network_coefficient: Option<Coefficient>,
    /// Where he joined.
    pub venue: Option<VenueId>,
    /// When he joined the programme; `None`: he has not.
    pub registered_at: Option<Timestamp>,
    /// When he was first seen.
    pub created_at: Timestamp,
    /// When what is here last changed.
    pub updated_at: Timestamp,
}

/// Standing as stored.
pub const fn status_text(status: CustomerStatus) -> &'static str {
    match status {
        CustomerStatus::Registered => "registered",
        CustomerStatus::Potential => "potential",
        CustomerStatus::Blocked => "blocked",
    }
}

/// Standing from what is stored.
///
/// # Errors
/// [`StorageError::Corrupt`].
pub fn parse_status(text: &str) -> Result<CustomerStatus, StorageError> {
    match text {
        "registered" => Ok(CustomerStatus::Registered),
        "potential" => Ok(CustomerStatus::Potential),
        "blocked" => Ok(CustomerStatus::Blocked),
        _ => Err(StorageError::Corrupt(format!("customer status {text}"))),
    }
}

/// A telephone number as stored, by its digits.
///
/// # Errors
/// Where it is none.
pub fn parse_phone(digits: &str) -> Result<Phone, StorageError> {
    // The plus keeps a foreign number from being read by Russian habits.
    Phone::parse(&format!("+{digits}")).ok_or_else(|| StorageError::Corrupt("a telephone number".to_owned()))
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = customers, primary_key(network_id, id))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct CustomerRow {
    network_id: i64,
    id: i64,
    external_id: Option<String>,
    status: String,
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    birthday: Option<NaiveDate>,
    sex: Option<String>,
    city: Option<String>,
    comment: Option<String>,
    cashier_note: Option<String>,
    consent_version: Option<String>,
    consent_at: Option<NaiveDateTime>,
    network_coefficient: Option<i64>,
    venue_id: Option<i64>,
    registered_at: Option<NaiveDateTime>,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl CustomerRow {
    fn of(tenant: Tenant, customer: &Customer) -> Self {
        let time = |at: Option<Timestamp>| at.map(|t| t.naive_utc());
        CustomerRow {
            network_id: tenant.id(),
            id: customer.id.0,
            external_id: customer.external_id.clone(),
            status: status_text(customer.status).to_owned(),
            name: customer.name.clone(),
            phone: customer.phone.as_ref().map(|p| p.digits().to_owned()),
            email: customer.email.clone(),
            birthday: customer.birthday,
            sex: customer.sex.clone(),
            city: customer.city.clone(),
            comment: customer.comment.clone(),
            cashier_note: customer.cashier_note.clone(),
            consent_version: customer.consent_version.clone(),
            consent_at: time(customer.consent_at),
            network_coefficient: customer.network_coefficient.map(Coefficient::scaled),
            venue_id: customer.venue.map(|v| v.0),
            registered_at: time(customer.registered_at),
            created_at: customer.created_at.naive_utc(),
            updated_at: customer.updated_at.naive_utc(),
        }
    }

    fn customer(self) -> Result<Customer, StorageError> {
        Ok(Customer {
            id: CustomerId(self.id),
            external_id: self.external_id,
            status: parse_status(&self.status)?,
            name: self.name,
            phone: self.phone.as_deref().map(parse_phone).transpose()?,
            email: self.email,
            birthday: self.birthday,
            sex: self.sex,
            city: self.city,
            comment: self.comment,
            cashier_note: self.cashier_note,
            consent_version: self.consent_version,
            consent_at: self.consent_at.map(|t| t.and_utc()),
            network_coefficient: self.network_coefficient.map(Coefficient::from_scaled),
            venue: self.venue_id.map(VenueId),
            registered_at: self.registered_at.map(|t| t.and_utc()),
            created_at: self.created_at.and_utc(),
            updated_at: self.updated_at.and_utc(),
        })
    }
}

/// Which customers are wanted.
#[derive(Debug, Clone, Default)]
pub struct CustomerFilter {
    /// This telephone.
    pub phone: Option<Phone>,
    /// This standing.
    pub status: Option<CustomerStatus>,
    /// The whole e-mail, in any case.
    pub email: Option<String>,
    /// Part of the name, telephone or e-mail, in any case, or the beginning of a card's number.
    pub query: Option<String>,
}

type BoxedCustomers<'a> = customers::BoxedQuery<'a, <AnyConnection as diesel::Connection>::Backend>;

fn filtered<'a>(dialect: Dialect, tenant: Tenant, filter: &CustomerFilter) -> BoxedCustomers<'a> {
    let mut query = customers::table
        .filter(customers::network_id.eq(tenant.id()))
        .into_boxed();
    if let Some(phone) = &filter.phone {
        query = query.filter(customers::phone.eq(phone.digits().to_owned()));
    }
    if let Some(status) = filter.status {
        query = query.filter(customers::status.eq(status_text(status)));
    }
    if let Some(email) = &filter.email {
        query = query.filter(
            diesel::dsl::sql::<Bool>(&format!("({} = ", dialect.lower("customers.email")))
                .bind::<Text, _>(email.trim().to_lowercase())
                .sql(")"),
        );
    }
    if let Some(text) = &filter.query {
        let pattern = Dialect::containing(text);
        // A telephone is stored as digits: "8 (921) 555" must find 7921555….
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let looks_like_phone = digits.len() >= 3
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.'));
        let russian = match digits.strip_prefix('8') {
            Some(rest) if !text.trim().starts_with('+') => format!("7{rest}"),
            _ => digits.clone(),
        };
        let (digits, russian) = if looks_like_phone {
            (format!("%{digits}%"), format!("{russian}%"))
        } else {
            // What no telephone is like.
            ("-".to_owned(), "-".to_owned())
        };
        query = query.filter(
            diesel::dsl::sql::<Bool>(&format!(
                "(COALESCE({}, '') LIKE ",
                dialect.lower("customers.name")
            ))
            .bind::<Text, _>(pattern.clone())
            .sql(&format!(
                " ESCAPE '\\' OR COALESCE({}, '') LIKE ",
                dialect.lower("customers.email")
            ))
            .bind::<Text, _>(pattern.clone())
            .sql(" ESCAPE '\\' OR COALESCE(customers.phone, '') LIKE ")
            .bind::<Text, _>(digits)
            .sql(" OR COALESCE(customers.phone, '') LIKE ")
            .bind::<Text, _>(russian)
            .sql(
                " OR EXISTS (SELECT 1 FROM cards WHERE cards.network_id = customers.network_id \
                 AND cards.customer_id = customers.id AND ",
            )
            .sql(&dialect.lower("cards.number"))
            .sql(" LIKE ")
            .bind::<Text, _>(pattern.trim_start_matches('%').to_owned())
            .sql(" ESCAPE '\\'))"),
        );
    }
    query
}

/// Customers, the newest first, those before `before`.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &CustomerFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Customer>, StorageError> {
    filtered(Dialect::of(connection), tenant, filter)
        .filter(customers::id.lt(before.unwrap_or(i64::MAX)))
        .order(customers::id.desc())
        .limit(limit)
        .select(CustomerRow::as_select())
        .load(connection)?
        .into_iter()
        .map(CustomerRow::customer)
        .collect()
}

/// How many match.
///
/// # Errors
/// Those of the database.
pub fn count(
    connection: &mut AnyConnection,
    tenant: Tenant,
    filter: &CustomerFilter,
) -> Result<i64, StorageError> {
    Ok(filtered(Dialect::of(connection), tenant, filter)
        .count()
        .get_result(connection)?)
}

/// What somebody has typed who looks for a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Digits of a telephone or card.
    Digits(String),
    /// Letters of a name, or the beginning of a card that has letters.
    Letters(String),
}

impl Typed {
    /// Reads it; `None`: too little to look for.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.chars().count() > 100 {
            return None;
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let of_a_number = text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '\u{a0}'));
        if of_a_number {
            return (digits.len() >= 3).then_some(Typed::Digits(digits));
        }
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        (letters >= 2).then(|| Typed::Letters(text.to_owned()))
    }

    /// Digits as telephones are stored: an 8 before a Russian number is a 7.
    fn as_stored(digits: &str) -> String {
        match digits.strip_prefix('8') {
            Some(rest) if rest.starts_with('9') && digits.len() > 3 => format!("7{rest}"),
            _ => digits.to_owned(),
        }
    }
}

/// A guest whom a typed text may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggested {
    /// His id.
    pub id: CustomerId,
    /// Name.
    pub name: Option<String>,
    /// Telephone.
    pub phone: Option<Phone>,
    /// Newest card that works.
    pub card: Option<String>,
    /// Standing.
    pub status: CustomerStatus,
}

/// Guests whom a typed text may mean: those whose telephone or card ends with the digits, or whose name begins with the
/// letters, come first.
///
/// # Errors
/// Those of the database.
pub fn suggest(
    connection: &mut AnyConnection,
    tenant: Tenant,
    typed: &Typed,
    limit: i64,
) -> Result<Vec<Suggested>, StorageError> {
    let dialect = Dialect::of(connection);
    let mut query = Statement::new(dialect);
    query.push("SELECT c.id, c.name, c.phone, c.status, (SELECT n.number FROM cards n WHERE n.network_id = c.network_id \
        AND n.customer_id = c.id AND n.status = 'active' ORDER BY n.id DESC LIMIT 1) FROM customers c WHERE c.network_id = ");
    query.bind(tenant.id());
    match typed {
        Typed::Digits(digits) => {
            let stored = Typed::as_stored(digits);
            let by_card = |query: &mut Statement<'_>, pattern: String| {
                query
                    .push(
                        "EXISTS (SELECT 1 FROM cards k WHERE k.network_id = c.network_id \
                           AND k.customer_id = c.id AND k.number LIKE ",
                    )
                    .bind(pattern)
                    .push(")");
            };
            query
                .push(" AND (COALESCE(c.phone, '') LIKE ")
                .bind(format!("%{stored}%"));
            query.push(" OR ");
            by_card(&mut query, format!("%{digits}%"));
            query
                .push(") ORDER BY CASE WHEN COALESCE(c.phone, '') LIKE ")
                .bind(format!("%{stored}"))
                .push(" THEN 0 WHEN ");
            by_card(&mut query, format!("%{digits}"));
            query.push(" THEN 1 ELSE 2 END, c.id DESC");
        }
        Typed::Letters(text) => {
            let name = format!("COALESCE({}, '')", dialect.lower("c.name"));
            let anywhere = Dialect::containing(text);
            let beginning = anywhere.trim_start_matches('%').to_owned();
            query.push(" AND (").push(&name).push(" LIKE ").bind(anywhere);
            query
                .push(
                    " ESCAPE '\\' OR EXISTS (SELECT 1 FROM cards k WHERE k.network_id = c.network_id \
                       AND k.customer_id = c.id AND ",
                )
                .push(&dialect.lower("k.number"))
                .push(" LIKE ")
                .bind(beginning.clone())
                .push(" ESCAPE '\\')) ORDER BY CASE WHEN ")
                .push(&name)
                .push(" LIKE ")
                .bind(beginning)
                .push(" ESCAPE '\\' THEN 0 ELSE 1 END, c.name, c.id");
        }
    }
    query.push(" LIMIT ").bind(limit);
    type Sql = (BigInt, Nullable<Text>, Nullable<Text>, Text, Nullable<Text>);
    type Row = (i64, Option<String>, Option<String>, String, Option<String>);
    let rows: Vec<Row> = statement::load(query.returning::<Sql>(), connection)?;
    rows.into_iter()
        .map(|(id, name, phone, status, card)| {
            Ok(Suggested {
                id: CustomerId(id),
                name,
                phone: phone.and_then(|digits| Phone::parse(&format!("+{digits}"))),
                card,
                status: parse_status(&status)?,
            })
        })
        .collect()
}

/// A customer by his id, or by the caller's own id of him.
///
/// # Errors
/// Those of the database.
pub fn find(
    connection: &mut AnyConnection,
    tenant: Tenant,
    reference: &str,
) -> Result<Option<Customer>, StorageError> {
    let mut query = customers::table
        .filter(customers::network_id.eq(tenant.id()))
        .select(CustomerRow::as_select())
        .into_boxed();
    query = match reference.parse::<CustomerId>() {
        Ok(id) => query.filter(customers::id.eq(id.0)),
        Err(_) => query.filter(customers::external_id.eq(reference.to_owned())),
    };
    query
        .first(connection)
        .optional()?
        .map(CustomerRow::customer)
        .transpose()
}

/// The same for changing him: until the transaction ends nobody else changes what is here.
///
/// # Errors
/// Those of the database.
pub fn find_to_change(
    connection: &mut AnyConnection,
    tenant: Tenant,
    reference: &str,
) -> Result<Option<Customer>, StorageError> {
    let Some(customer) = find(connection, tenant, reference)? else {
        return Ok(None);
    };
    // An update that changes nothing takes the row, and what is read after it stays true.
    diesel::update(customers::table.find((tenant.id(), customer.id.0)))
        .set(customers::updated_at.eq(customers::updated_at))
        .execute(connection)?;
    find(connection, tenant, &customer.id.to_string())
}

/// A customer by his telephone.
///
/// # Errors
/// Those of the database.
pub fn find_by_phone(
    connection: &mut AnyConnection,
    tenant: Tenant,
    phone: &Phone,
) -> Result<Option<Customer>, StorageError> {
    customers::table
        .filter(customers::network_id.eq(tenant.id()))
        .filter(customers::phone.eq(phone.digits()))
        .select(CustomerRow::as_select())
        .first(connection)
        .optional()?
        .map(CustomerRow::customer)
        .transpose()
}

/// Adds a customer.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &mut AnyConnection,
    tenant: Tenant,
    customer: &Customer,
) -> Result<(), StorageError> {
    diesel::insert_into(customers::table)
        .values(CustomerRow::of(tenant, customer))
        .execute(connection)?;
    Ok(())
}

/// Writes a customer over what is stored under his id.
///
/// # Errors
/// Those of the database.
pub fn update(
    connection: &mut AnyConnection,
    tenant: Tenant,
    customer: &Customer,
) -> Result<(), StorageError> {
    diesel::update(customers::table.find((tenant.id(), customer.id.0)))
        .set(CustomerRow::of(tenant, customer))
        .execute(connection)?;
    Ok(())
}

/// Coefficients for single venues of some customers.
///
/// # Errors
/// Those of the database.
pub fn venue_coefficients(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<(VenueId, Coefficient)>>, StorageError> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let rows: Vec<(i64, i64, i64)> = customer_coefficients::table
        .filter(customer_coefficients::network_id.eq(tenant.id()))
        .filter(customer_coefficients::customer_id.eq_any(of.iter().map(|c| c.0).collect::<Vec<_>>()))
        .order((
            customer_coefficients::customer_id,
            customer_coefficients::venue_id,
        ))
        .select((
            customer_coefficients::customer_id,
            customer_coefficients::venue_id,
            customer_coefficients::coefficient,
        ))
        .load(connection)?;
    for (customer, venue, coefficient) in rows {
        found
            .entry(CustomerId(customer))
            .or_default()
            .push((VenueId(venue), Coefficient::from_scaled(coefficient)));
    }
    Ok(found)
}

/// Sets or, with `None`, removes a customer's coefficient for a venue. The customer must have been found to be
/// changed.
///
/// # Errors
/// Those of the database.
pub fn set_venue_coefficient(
    connection: &mut AnyConnection,
    tenant: Tenant,
    customer: CustomerId,
    venue: VenueId,
    coefficient: Option<Coefficient>,
) -> Result<(), StorageError> {
    let row = customer_coefficients::table.find((tenant.id(), customer.0, venue.0));
    let Some(coefficient) = coefficient else {
        diesel::delete(row).execute(connection)?;
        return Ok(());
    };
    let changed = diesel::update(row)
        .set(customer_coefficients::coefficient.eq(coefficient.scaled()))
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(customer_coefficients::table)
            .values((
                customer_coefficients::network_id.eq(tenant.id()),
                customer_coefficients::customer_id.eq(customer.0),
                customer_coefficients::venue_id.eq(venue.0),
                customer_coefficients::coefficient.eq(coefficient.scaled()),
            ))
            .execute(connection)?;
    }
    Ok(())
}
