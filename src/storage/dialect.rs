//! Everything in which the two databases differ, outside migrations and connecting.

use super::AnyConnection;

/// Which database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// The dialect of a connection.
    pub fn of(connection: &AnyConnection) -> Self {
        match connection {
            AnyConnection::Postgres(_) => Dialect::Postgres,
            AnyConnection::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// The function that makes a JSON object of names and values.
    pub fn json_object(self) -> &'static str {
        match self {
            Dialect::Postgres => "json_build_object",
            Dialect::Sqlite => "json_object",
        }
    }

    /// A binary column as hexadecimal text.
    pub fn hex(self, column: &str) -> String {
        match self {
            Dialect::Postgres => format!("encode({column}, 'hex')"),
            Dialect::Sqlite => format!("hex({column})"),
        }
    }

    /// A statement whose joins are carried out in the order in which they are written, each by an index: what is asked
    /// for first, then what is found by it. SQLite takes CROSS JOIN as that order. PostgreSQL has no such words; there
    /// the settings of the ledger's connections leave no other way.
    pub fn joined_as_written(self, sql: &str) -> String {
        match self {
            Dialect::Postgres => sql.to_owned(),
            Dialect::Sqlite => sql
                .replace(" JOIN ", " CROSS JOIN ")
                .replace("LEFT CROSS JOIN", "LEFT JOIN"),
        }
    }

    /// Name of a column type in a cast.
    pub fn type_name(self, kind: Kind) -> &'static str {
        match kind {
            Kind::BigInt => "bigint",
            Kind::Integer => "integer",
            Kind::Text => "text",
            Kind::Timestamp => "timestamp",
            Kind::Date => "date",
            Kind::Binary => "bytea",
        }
    }

    /// Text in lower case in every alphabet: SQLite's own `lower` knows only Latin letters, so connections have a
    /// function of ours. PostgreSQL knows what the locale of its database knows: any UTF-8 one will do, plain C won't.
    pub fn lower(self, column: &str) -> String {
        match self {
            Dialect::Postgres => format!("lower({column})"),
            Dialect::Sqlite => format!("unicode_lower({column})"),
        }
    }

    /// What stands before and after a text that is looked for in an expression (`{}`), to give its place, from 1; 0
    /// where it is not there.
    pub fn position_of_text(self) -> (&'static str, &'static str) {
        match self {
            Dialect::Postgres => ("position(", " in {})"),
            Dialect::Sqlite => ("instr({}, ", ")"),
        }
    }

    /// The same for bytes that are looked for in the column `messages.body`.
    pub fn position_of_bytes(self) -> (&'static str, &'static str) {
        match self {
            Dialect::Postgres => ("position(", " in messages.body)"),
            Dialect::Sqlite => ("instr(messages.body, ", ")"),
        }
    }

    /// The pattern for `LIKE … ESCAPE '\\'` that finds a text, in lower case, anywhere.
    pub fn containing(text: &str) -> String {
        let mut pattern = String::from("%");
        for letter in text.trim().to_lowercase().chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        pattern
    }

    /// A sum of kopecks as BIGINT: uncast it is NUMERIC on one database and may be a float on the other.
    pub fn sum(column: &str) -> String {
        format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)")
    }
}

/// Column types that both databases have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 64-bit integer.
    BigInt,
    /// 32-bit integer.
    Integer,
    /// Text.
    Text,
    /// UTC, microseconds.
    Timestamp,
    /// A day.
    Date,
    /// Bytes.
    Binary,
}
