//! Statements whose text is ours, prepared once per connection: what the ledger's hot path is made of.
//!
//! A set of rows goes in as one relation: arrays on PostgreSQL (`unnest`), a JSON array on SQLite (`json_each`).
//! The text never depends on how many rows there are, so it is parsed and planned once.

use std::fmt::Write;
use std::marker::PhantomData;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::LoadQuery;
use diesel::sql_types::{Array, BigInt, Binary, Date, Integer, Nullable, Text, Timestamp};
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use super::AnyConnection;
use super::dialect::{Dialect, Kind};

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// 64-bit integer or NULL.
    BigInt(Option<i64>),
    /// 32-bit integer or NULL.
    Integer(Option<i32>),
    /// Text or NULL.
    Text(Option<&'a str>),
    /// Text made for this row.
    Owned(String),
    /// Time or NULL.
    Timestamp(Option<NaiveDateTime>),
    /// Day or NULL.
    Date(Option<NaiveDate>),
    /// Bytes or NULL.
    Binary(Option<&'a [u8]>),
}

impl<'a> Value<'a> {
    fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => *text,
            Value::Owned(text) => Some(text),
            _ => None,
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::BigInt(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Value::BigInt(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Value::Text(value)
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Value::Owned(value)
    }
}

impl From<kopilka_contract::Money> for Value<'_> {
    fn from(value: kopilka_contract::Money) -> Self {
        Value::BigInt(Some(value.kopecks()))
    }
}

impl From<crate::domain::Timestamp> for Value<'_> {
    fn from(value: crate::domain::Timestamp) -> Self {
        Value::Timestamp(Some(value.naive_utc()))
    }
}

impl From<Option<crate::domain::Timestamp>> for Value<'_> {
    fn from(value: Option<crate::domain::Timestamp>) -> Self {
        Value::Timestamp(value.map(|t| t.naive_utc()))
    }
}

/// A named set of rows with the same columns.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    /// Name of the table that the rows go to, or of the relation they make.
    pub name: &'static str,
    /// Columns.
    pub columns: &'static [(&'static str, Kind)],
    /// The rows.
    pub rows: Vec<Vec<Value<'a>>>,
}

impl<'a> Rows<'a> {
    /// No rows yet.
    pub fn new(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Self {
        Rows {
            name,
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row; it must have a value for each column.
    pub fn push(&mut self, row: Vec<Value<'a>>) {
        debug_assert_eq!(row.len(), self.columns.len(), "{}", self.name);
        self.rows.push(row);
    }

    fn names(&self) -> String {
        self.columns
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// What is bound to one placeholder.
enum Bind<'a> {
    One(Value<'a>),
    Column(Column<'a>),
    Json(String),
}

/// A column of a relation, for PostgreSQL.
enum Column<'a> {
    BigInt(Vec<Option<i64>>),
    Integer(Vec<Option<i32>>),
    Text(Vec<Option<String>>),
    Timestamp(Vec<Option<NaiveDateTime>>),
    Date(Vec<Option<NaiveDate>>),
    Binary(Vec<Option<&'a [u8]>>),
}

impl<'a> Column<'a> {
    fn of(rows: &Rows<'a>, index: usize, kind: Kind) -> Self {
        let cells = || rows.rows.iter().filter_map(|row| row.get(index));
        match kind {
            Kind::BigInt => Column::BigInt(
                cells()
                    .map(|v| if let Value::BigInt(x) = v { *x } else { None })
                    .collect(),
            ),
            Kind::Integer => Column::Integer(
                cells()
                    .map(|v| if let Value::Integer(x) = v { *x } else { None })
                    .collect(),
            ),
            Kind::Text => Column::Text(cells().map(|v| v.text().map(str::to_owned)).collect()),
            Kind::Timestamp => Column::Timestamp(
                cells()
                    .map(|v| if let Value::Timestamp(x) = v { *x } else { None })
                    .collect(),
            ),
            Kind::Date => Column::Date(
                cells()
                    .map(|v| if let Value::Date(x) = v { *x } else { None })
                    .collect(),
            ),
            Kind::Binary => Column::Binary(
                cells()
                    .map(|v| if let Value::Binary(x) = v { *x } else { None })
                    .collect(),
            ),
        }
    }
}

/// A statement: text with `?` where a value goes.
pub struct Statement<'a> {
    dialect: Dialect,
    sql: String,
    binds: Vec<Bind<'a>>,
}

impl<'a> Statement<'a> {
    /// Nothing yet.
    pub fn new(dialect: Dialect) -> Self {
        Statement {
            dialect,
            sql: String::new(),
            binds: Vec::new(),
        }
    }

    /// Adds text. It must hold no `?`.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        debug_assert!(!sql.contains('?'));
        self.sql.push_str(sql);
        self
    }

    /// Adds one value.
    pub fn bind(&mut self, value: impl Into<Value<'a>>) -> &mut Self {
        self.sql.push('?');
        self.binds.push(Bind::One(value.into()));
        self
    }

    /// Adds a set of rows as a relation that can stand after FROM or in a CTE: a query with the rows' columns.
    pub fn relation(&mut self, rows: &Rows<'a>) -> &mut Self {
        let sql = &mut self.sql;
        match self.dialect {
            Dialect::Postgres => {
                sql.push_str("SELECT * FROM unnest(");
                for (i, (_, kind)) in rows.columns.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let _ = write!(sql, "{comma}?::{}[]", self.dialect.type_name(*kind));
                    self.binds.push(Bind::Column(Column::of(rows, i, *kind)));
                }
                let _ = write!(sql, ") AS given({})", rows.names());
            }
            Dialect::Sqlite => {
                sql.push_str("SELECT ");
                for (i, (name, _)) in rows.columns.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let _ = write!(sql, "{comma}json_extract(value, '$[{i}]') AS {name}");
                }
                sql.push_str(" FROM json_each(?)");
                self.binds.push(Bind::Json(json(rows)));
            }
        }
        self
    }

    /// `INSERT` of a whole set.
    pub fn insert(&mut self, rows: &Rows<'a>) -> &mut Self {
        let _ = write!(self.sql, "INSERT INTO {} ({}) ", rows.name, rows.names());
        self.relation(rows)
    }

    /// How the database would carry it out: on PostgreSQL the plan that serves all values alike, as the ledger's
    /// connections ask for.
    ///
    /// # Errors
    /// Those of the database.
    pub fn plan(self, connection: &mut AnyConnection) -> QueryResult<Vec<String>> {
        match connection {
            AnyConnection::Postgres(c) => {
                let text = diesel::debug_query::<Pg, _>(&self).to_string();
                let text = text.split(" -- binds").next().unwrap_or_default();
                let nothing = vec!["NULL"; self.binds.len()].join(", ");
                c.batch_execute(&format!("PREPARE asked AS {text}"))?;
                let mut explain = Statement::new(self.dialect);
                explain.push(&format!("EXPLAIN EXECUTE asked({nothing})"));
                let lines = explain.returning::<Text>().load(c);
                c.batch_execute("DEALLOCATE asked")?;
                lines
            }
            AnyConnection::Sqlite(c) => {
                let mut explain = self;
                explain.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
                let steps = explain.returning::<(Integer, Integer, Integer, Text)>();
                let steps: Vec<(i32, i32, i32, String)> = steps.load(c)?;
                Ok(steps.into_iter().map(|(_, _, _, step)| step).collect())
            }
        }
    }

    /// The statement as one that returns rows of the given SQL type.
    pub fn returning<T>(self) -> Returning<'a, T> {
        Returning(self, PhantomData)
    }
}

/// Rows as a JSON array of arrays. Bytes never go this way.
fn json(rows: &Rows<'_>) -> String {
    let cell = |value: &Value<'_>| match value {
        Value::BigInt(v) => serde_json::json!(v),
        Value::Integer(v) => serde_json::json!(v),
        Value::Text(v) => serde_json::json!(v),
        Value::Owned(v) => serde_json::json!(v),
        Value::Timestamp(v) => serde_json::json!(v.map(|t| t.format("%Y-%m-%d %H:%M:%S%.f").to_string())),
        Value::Date(v) => serde_json::json!(v.map(|d| d.to_string())),
        Value::Binary(_) => serde_json::Value::Null,
    };
    serde_json::Value::Array(
        rows.rows
            .iter()
            .map(|row| serde_json::Value::Array(row.iter().map(cell).collect()))
            .collect(),
    )
    .to_string()
}

/// Inserts rows one by one with a prepared statement: on SQLite, where there are no round trips, the fastest way.
///
/// # Errors
/// Those of the database.
pub fn insert_each(connection: &mut SqliteConnection, rows: Rows<'_>) -> QueryResult<usize> {
    let placeholders = vec!["?"; rows.columns.len()].join(", ");
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({placeholders})",
        rows.name,
        rows.names()
    );
    execute_each(connection, &sql, rows)
}

/// Executes a statement once for each row, its values bound in the order of the columns. Returns how many rows
/// changed in all.
///
/// # Errors
/// Those of the database.
pub fn execute_each(connection: &mut SqliteConnection, sql: &str, rows: Rows<'_>) -> QueryResult<usize> {
    // Cut up once: diesel walks over each row's statement several times.
    let pieces: Vec<&str> = sql.split('?').collect();
    let mut changed = 0;
    for row in &rows.rows {
        let row = OneRow { pieces: &pieces, row };
        changed += row.execute(connection)?;
    }
    Ok(changed)
}

/// A statement with the values of one row: the first piece of its text, a value, the next piece, and so on.
struct OneRow<'q, 'a> {
    pieces: &'q [&'q str],
    row: &'q [Value<'a>],
}

impl QueryId for OneRow<'_, '_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Sqlite> for OneRow<'_, '_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut values = self.row.iter();
        for (i, text) in self.pieces.iter().enumerate() {
            if i > 0
                && let Some(value) = values.next()
            {
                push_one_sqlite(&mut out, value)?;
            }
            out.push_sql(text);
        }
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for OneRow<'_, '_> {}

impl QueryId for Statement<'_> {
    type QueryId = ();
    // The text is the key of the cache.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for (i, text) in self.sql.split('?').enumerate() {
            if i > 0 {
                match binds.next() {
                    Some(Bind::One(value)) => push_one_pg(&mut out, value)?,
                    Some(Bind::Column(column)) => push_column(&mut out, column)?,
                    Some(Bind::Json(text)) => out.push_bind_param::<Text, _>(text)?,
                    None => {}
                }
            }
            out.push_sql(text);
        }
        Ok(())
    }
}

impl QueryFragment<Sqlite> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for (i, text) in self.sql.split('?').enumerate() {
            if i > 0 {
                match binds.next() {
                    Some(Bind::One(value)) => push_one_sqlite(&mut out, value)?,
                    Some(Bind::Json(text)) => out.push_bind_param::<Text, _>(text)?,
                    Some(Bind::Column(_)) | None => {}
                }
            }
            out.push_sql(text);
        }
        Ok(())
    }
}

macro_rules! push_one {
    ($name:ident, $backend:ty) => {
        fn $name<'b>(out: &mut AstPass<'_, 'b, $backend>, value: &'b Value<'_>) -> QueryResult<()> {
            match value {
                Value::BigInt(v) => out.push_bind_param::<Nullable<BigInt>, _>(v),
                Value::Integer(v) => out.push_bind_param::<Nullable<Integer>, _>(v),
                Value::Text(v) => out.push_bind_param::<Nullable<Text>, Option<&str>>(v),
                Value::Owned(v) => out.push_bind_param::<Text, String>(v),
                Value::Timestamp(v) => out.push_bind_param::<Nullable<Timestamp>, _>(v),
                Value::Date(v) => out.push_bind_param::<Nullable<Date>, _>(v),
                Value::Binary(v) => out.push_bind_param::<Nullable<Binary>, Option<&[u8]>>(v),
            }
        }
    };
}

push_one!(push_one_pg, Pg);
push_one!(push_one_sqlite, Sqlite);

fn push_column<'b>(out: &mut AstPass<'_, 'b, Pg>, column: &'b Column<'_>) -> QueryResult<()> {
    match column {
        Column::BigInt(v) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(v),
        Column::Integer(v) => out.push_bind_param::<Array<Nullable<Integer>>, _>(v),
        Column::Text(v) => out.push_bind_param::<Array<Nullable<Text>>, _>(v),
        Column::Timestamp(v) => out.push_bind_param::<Array<Nullable<Timestamp>>, _>(v),
        Column::Date(v) => out.push_bind_param::<Array<Nullable<Date>>, _>(v),
        Column::Binary(v) => out.push_bind_param::<Array<Nullable<Binary>>, Vec<Option<&[u8]>>>(v),
    }
}

impl<C> RunQueryDsl<C> for Statement<'_> {}

/// A statement that returns rows of an SQL type.
pub struct Returning<'a, T>(Statement<'a>, PhantomData<T>);

impl<T> QueryId for Returning<'_, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<'a, T, DB: diesel::backend::Backend> QueryFragment<DB> for Returning<'a, T>
where
    Statement<'a>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

impl<T> Query for Returning<'_, T> {
    type SqlType = T;
}

/// Runs a statement on whichever database it is.
///
/// # Errors
/// Those of the database.
pub fn load<'q, 's, T, U>(query: Returning<'s, T>, connection: &mut AnyConnection) -> QueryResult<Vec<U>>
where
    Returning<'s, T>: LoadQuery<'q, PgConnection, U> + LoadQuery<'q, SqliteConnection, U>,
{
    match connection {
        AnyConnection::Postgres(c) => query.load(c),
        AnyConnection::Sqlite(c) => query.load(c),
    }
}

impl<T> RunQueryDsl<PgConnection> for Returning<'_, T> {}
impl<T> RunQueryDsl<SqliteConnection> for Returning<'_, T> {}

/// Loads the rows of a statement on either database.
///
/// # Errors
/// Those of the database.
pub fn load_rows<'a, 'q, T, R>(
    connection: &mut super::AnyConnection,
    statement: Returning<'a, T>,
) -> QueryResult<Vec<R>>
where
    Returning<'a, T>: diesel::query_dsl::LoadQuery<'q, PgConnection, R>
        + diesel::query_dsl::LoadQuery<'q, SqliteConnection, R>,
{
    match connection {
        super::AnyConnection::Postgres(c) => statement.load(c),
        super::AnyConnection::Sqlite(c) => statement.load(c),
    }
}
