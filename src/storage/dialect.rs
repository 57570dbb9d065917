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
    /// for first, then what is found by it. SQLite takes CROSS JOIN as that order. PostgreSQL has no such words: it would
    /// begin with a table that was empty when it last looked, and read all of it ever after. What is looked up for each row
    /// of what stands before (LATERAL), and may not be merged with it (OFFSET 0), leaves no other order.
    pub fn joined_as_written(self, sql: &str) -> String {
        match self {
            Dialect::Postgres => laterally(sql),
            Dialect::Sqlite => sql
                .replace(" JOIN ", " CROSS JOIN ")
                .replace("LEFT CROSS JOIN", "LEFT JOIN"),
        }
    }

    /// A statement whose `count` says whether a table is there.
    pub fn count_of_tables(self, name: &str) -> String {
        match self {
            Dialect::Postgres => format!("SELECT count(to_regclass('{name}')) AS count"),
            Dialect::Sqlite => format!("SELECT count(*) AS count FROM sqlite_master WHERE name = '{name}'"),
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

/// `a JOIN table [alias] ON condition` as `a CROSS JOIN LATERAL (SELECT * FROM table [alias] WHERE condition OFFSET 0) AS alias`.
/// Outer joins have an order by themselves.
fn laterally(sql: &str) -> String {
    let mut written = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some(at) = rest.find(JOIN) {
        let (before, after) = rest.split_at(at);
        written.push_str(before);
        rest = &after[JOIN.len()..];
        let joined = rest.split_once(" ON ").filter(|_| !before.ends_with(" LEFT"));
        let Some((table, condition)) = joined else {
            written.push_str(JOIN);
            continue;
        };
        let condition = &condition[..end_of_condition(condition)];
        let alias = table.rsplit(' ').next().unwrap_or(table);
        written.push_str(&format!(
            " CROSS JOIN LATERAL (SELECT * FROM {table} WHERE {condition} OFFSET 0) AS {alias}"
        ));
        rest = &rest[table.len() + " ON ".len() + condition.len()..];
    }
    written + rest
}

const JOIN: &str = " JOIN ";

/// Where the condition of a join ends: at the next word of the query around it, outside all brackets of its own.
fn end_of_condition(text: &str) -> usize {
    const NEXT: [&str; 5] = [JOIN, " LEFT JOIN ", " WHERE ", " UNION ", " ORDER BY "];
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && NEXT.iter().any(|word| text[at..].starts_with(word)) {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_are_carried_out_as_they_are_written() {
        let sql = "SELECT 'a' FROM who JOIN holds h ON h.id = (SELECT MAX(x.id) FROM x WHERE x.who = who.id) JOIN lots ON lots.id = h.id \
                   LEFT JOIN cards c ON c.id = h.id WHERE h.id > 0";
        assert_eq!(
            Dialect::Postgres.joined_as_written(sql),
            "SELECT 'a' FROM who CROSS JOIN LATERAL (SELECT * FROM holds h WHERE h.id = (SELECT MAX(x.id) FROM x WHERE x.who = who.id) \
             OFFSET 0) AS h CROSS JOIN LATERAL (SELECT * FROM lots WHERE lots.id = h.id OFFSET 0) AS lots LEFT JOIN cards c \
             ON c.id = h.id WHERE h.id > 0"
        );
        assert_eq!(
            Dialect::Sqlite.joined_as_written("a JOIN b ON b.x = a.x LEFT JOIN c ON c.x = b.x"),
            "a CROSS JOIN b ON b.x = a.x LEFT JOIN c ON c.x = b.x"
        );
        let nested =
            "WITH r AS (SELECT b.* FROM a JOIN b ON b.x = a.x), q AS (SELECT 1 FROM r) SELECT 1 FROM q";
        assert_eq!(
            Dialect::Postgres.joined_as_written(nested),
            "WITH r AS (SELECT b.* FROM a CROSS JOIN LATERAL (SELECT * FROM b WHERE b.x = a.x OFFSET 0) AS b), q AS (SELECT 1 FROM r) \
             SELECT 1 FROM q"
        );
    }
}
