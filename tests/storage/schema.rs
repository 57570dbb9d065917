//! The twin migrations make the same schema, and diesel's `schema.rs` describes it.

use std::collections::BTreeMap;

use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use kopilka::storage::{AnyConnection, Store, StoreOptions};

use crate::support::Database;

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Type and nullability by name.
    columns: BTreeMap<String, (String, bool)>,
    primary_key: Vec<String>,
    /// By name.
    indexes: BTreeMap<String, Index>,
}

#[derive(Debug, PartialEq, Eq)]
struct Index {
    unique: bool,
    partial: bool,
    columns: Vec<String>,
}

type Schema = BTreeMap<String, Table>;

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    primary_key: bool,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
    #[diesel(sql_type = Bool)]
    partial: bool,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = BigInt)]
    #[allow(dead_code, reason = "orders the rows")]
    position: i64,
}

const SQLITE_COLUMNS: &str = r#"
    SELECT t.name AS table_name, c.name AS name, c.type AS kind, c."notnull" = 0 AS nullable
    FROM sqlite_master t, pragma_table_xinfo(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE '\_\_diesel%' ESCAPE '\' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'"#;

const SQLITE_INDEXES: &str = r#"
    SELECT t.name AS table_name, i.name AS name, i.origin = 'pk' AS primary_key, i."unique" = 1 AS is_unique,
           i.partial = 1 AS partial, c.name AS column_name, c.seqno AS position
    FROM sqlite_master t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE '\_\_diesel%' ESCAPE '\' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
    ORDER BY table_name, i.name, position"#;

const POSTGRES_COLUMNS: &str = r"
    SELECT table_name::text, column_name::text AS name, data_type::text AS kind, is_nullable = 'YES' AS nullable
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE '\_\_diesel%'";

const POSTGRES_INDEXES: &str = r"
    SELECT t.relname::text AS table_name, i.relname::text AS name, x.indisprimary AS primary_key,
           x.indisunique AS is_unique, x.indpred IS NOT NULL AS partial, a.attname::text AS column_name,
           k.position AS position
    FROM pg_index x
    JOIN pg_class t ON t.oid = x.indrelid
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
    CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
    WHERE t.relname NOT LIKE '\_\_diesel%'
    ORDER BY table_name, i.relname, position";

fn collect(columns: Vec<ColumnRow>, indexes: Vec<IndexRow>) -> Schema {
    let mut schema = Schema::new();
    for row in columns {
        let table = schema.entry(row.table_name).or_default();
        table.columns.insert(row.name, (class(&row.kind), row.nullable));
    }
    for row in indexes {
        let table = schema.get_mut(&row.table_name).unwrap();
        if row.primary_key {
            table.primary_key.push(row.column_name);
            continue;
        }
        let index = table.indexes.entry(row.name).or_insert(Index {
            unique: row.is_unique,
            partial: row.partial,
            columns: Vec::new(),
        });
        index.columns.push(row.column_name);
    }
    schema
}

/// A type of either database as diesel calls it.
fn class(kind: &str) -> String {
    match kind.to_lowercase().as_str() {
        "bigint" => "BigInt",
        "integer" => "Integer",
        "text" => "Text",
        "boolean" => "Bool",
        "timestamp" | "timestamp without time zone" => "Timestamp",
        "date" => "Date",
        "bytea" | "blob" | "binary" => "Binary",
        other => panic!("a type that the two databases don't share: {other}"),
    }
    .to_owned()
}

fn of_sqlite(c: &mut SqliteConnection) -> Schema {
    collect(
        sql_query(SQLITE_COLUMNS).load(c).unwrap(),
        sql_query(SQLITE_INDEXES).load(c).unwrap(),
    )
}

fn of_postgres(c: &mut PgConnection) -> Schema {
    collect(
        sql_query(POSTGRES_COLUMNS).load(c).unwrap(),
        sql_query(POSTGRES_INDEXES).load(c).unwrap(),
    )
}

/// Reads `schema.rs`; it knows no indexes.
fn of_diesel() -> Schema {
    let mut schema = Schema::new();
    let mut current = None;
    for line in include_str!("../../src/storage/schema.rs").lines().map(str::trim) {
        if line.starts_with("diesel::table!") {
            current = None;
        } else if let Some((head, "")) = line.split_once(" {") {
            let (name, key) = head.trim_end_matches(')').split_once(" (").unwrap();
            let table = schema.entry(name.to_owned()).or_default();
            table.primary_key = key.split(", ").map(str::to_owned).collect();
            current = Some(name.to_owned());
        } else if let (Some(name), Some((column, kind))) = (&current, line.split_once(" -> ")) {
            let kind = kind.trim_end_matches(',');
            let inner = kind.strip_prefix("Nullable<").and_then(|k| k.strip_suffix('>'));
            let table = schema.get_mut(name).unwrap();
            let meaning = (inner.unwrap_or(kind).to_owned(), inner.is_some());
            table.columns.insert(column.to_owned(), meaning);
        }
    }
    schema
}

fn migrated(database: &Database) -> (Store, AnyConnection) {
    let store = Store::open(&StoreOptions::new(&database.url)).unwrap();
    assert!(store.migrate().unwrap() > 0);
    assert_eq!(
        store.migrate().unwrap(),
        0,
        "a second time there is nothing to do"
    );
    let connection = store.own_connection().unwrap();
    (store, connection)
}

fn read(connection: &mut AnyConnection) -> Schema {
    match connection {
        AnyConnection::Sqlite(c) => of_sqlite(c),
        AnyConnection::Postgres(c) => of_postgres(c),
    }
}

/// One table at a time, so that a difference can be read.
fn compare(left: &Schema, right: &Schema, what: &str) {
    let names = |schema: &Schema| schema.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(left), names(right), "tables: {what}");
    for (name, table) in left {
        assert_eq!(table, &right[name], "table {name}: {what}");
    }
}

#[test]
fn diesel_describes_what_the_migrations_make() {
    let diesel = of_diesel();
    assert!(diesel.len() >= 30, "schema.rs was not understood");
    for database in Database::all() {
        let mut schema = read(&mut migrated(&database).1);
        for table in schema.values_mut() {
            table.indexes.clear();
        }
        compare(&schema, &diesel, "migrations, schema.rs");
    }
}

#[test]
fn both_databases_have_the_same_schema() {
    let Some(postgres) = Database::postgres() else {
        return;
    };
    let sqlite = Database::sqlite();
    let lite = read(&mut migrated(&sqlite).1);
    assert!(
        lite["receipts"].indexes["receipts_key"].unique,
        "indexes were not read"
    );
    compare(&lite, &read(&mut migrated(&postgres).1), "SQLite, PostgreSQL");
}

#[test]
fn every_index_begins_with_the_network() {
    // What is looked up before the network is known: logins and secrets; and what must not be taken for the primary key.
    let otherwise = [
        "users_login",
        "sessions_token",
        "api_keys_secret",
        "connections_token",
        "till_devices_token",
        "till_devices_screen",
        "order_names_meaning",
    ];
    let database = Database::sqlite();
    for (name, table) in read(&mut migrated(&database).1) {
        if name == "networks" || name == "invitations" {
            continue;
        }
        assert_eq!(table.primary_key[0], "network_id", "{name}");
        for (index, Index { columns, .. }) in &table.indexes {
            let fine = columns[0] == "network_id" || otherwise.contains(&index.as_str());
            assert!(fine, "{index}");
        }
    }
}

#[test]
fn down_undoes_up() {
    for database in Database::all() {
        let (store, mut connection) = migrated(&database);
        let before = read(&mut connection);
        let folder = |name: &str| {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(name);
            FileBasedMigrations::from_path(path).unwrap()
        };
        match &mut connection {
            AnyConnection::Sqlite(c) => drop(c.revert_all_migrations(folder("sqlite")).unwrap()),
            AnyConnection::Postgres(c) => {
                drop(c.revert_all_migrations(folder("postgres")).unwrap());
                #[derive(QueryableByName)]
                struct Count {
                    #[diesel(sql_type = BigInt)]
                    count: i64,
                }
                let functions =
                    "SELECT count(*) AS count FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
                assert_eq!(sql_query(functions).get_result::<Count>(c).unwrap().count, 0);
            }
        }
        assert_eq!(read(&mut connection), Schema::new(), "{}", database.url);
        drop(connection);
        assert!(store.migrate().unwrap() > 0);
        compare(&before, &read(&mut store.own_connection().unwrap()), "up again");
    }
}
