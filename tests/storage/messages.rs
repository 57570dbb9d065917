//! What is found in an inbox of many messages, and how much of it is read for that.

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use kopilka::domain::ids::{MessageId, NetworkId};
use kopilka::storage::messages::{self, LOOKED_THROUGH, MessageFilter, WAITS};
use kopilka::storage::{AnyConnection, Tenant};

use crate::databases;

/// Messages beyond what is looked through at once.
const MORE: i64 = 500;

/// Fills an inbox: the oldest message holds a number, and the second oldest waits for a person.
fn fill(connection: &mut AnyConnection) {
    let rows = |numbers: &str, now: &str, body: &str| {
        format!(
            "INSERT INTO messages (network_id, id, kind, method, path, query, body, received_at, outcome)
                 SELECT 1, n, 'rest', 'POST', '/api/v1/receipts', '', {body}, {now},
                        CASE WHEN n = 2 THEN 'refused' ELSE 'posted' END FROM {numbers};"
        )
    };
    let most = LOOKED_THROUGH + MORE;
    let body = "CASE WHEN n = 1 THEN 'order 4711' ELSE 'nothing' END";
    match connection {
        AnyConnection::Sqlite(c) => c.batch_execute(&format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {most}) {}",
            rows("numbers", "datetime('now')", &format!("CAST({body} AS BLOB)"))
        )),
        AnyConnection::Postgres(c) => c.batch_execute(&format!(
            "{} ANALYZE messages;",
            rows(
                &format!("generate_series(1, {most}) n"),
                "now()",
                &format!("convert_to({body}, 'UTF8')")
            )
        )),
    }
    .unwrap();
}

#[test]
fn a_text_is_looked_for_in_so_many_messages_at_once_and_found_in_the_oldest() {
    databases::each(|database| {
        let mut connection = database.store.connection().unwrap();
        fill(&mut connection);
        let tenant = Tenant::of_test(NetworkId(1));
        let wanted = MessageFilter {
            text: Some("4711".to_owned()),
            ..MessageFilter::default()
        };
        let newest = messages::list(&mut connection, tenant, &wanted, 10).unwrap();
        assert!(newest.items.is_empty());
        assert_eq!(newest.looked_to, Some(MessageId(MORE + 1)));
        let on = MessageFilter {
            before: newest.looked_to,
            ..wanted.clone()
        };
        let oldest = messages::list(&mut connection, tenant, &on, 10).unwrap();
        assert_eq!(oldest.items.len(), 1);
        assert_eq!((oldest.items[0].id, oldest.looked_to), (MessageId(1), None));
        let all = messages::list_all(&mut connection, tenant, wanted, 10).unwrap();
        assert_eq!(all.len(), 1);
    });
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[test]
fn what_waits_for_a_person_is_found_without_reading_the_rest() {
    databases::each(|database| {
        let mut connection = database.store.connection().unwrap();
        fill(&mut connection);
        let tenant = Tenant::of_test(NetworkId(1));
        let filter = MessageFilter {
            waiting: true,
            ..MessageFilter::default()
        };
        let waiting = messages::list_all(&mut connection, tenant, filter, 10).unwrap();
        assert_eq!(waiting.iter().map(|m| m.id).collect::<Vec<_>>(), [MessageId(2)]);

        let plan = plan(&mut connection, WAITS);
        assert!(plan.contains("messages_waiting"), "{plan}");
    });
}

#[test]
fn what_has_a_code_is_found_without_reading_the_rest() {
    databases::each(|database| {
        let mut connection = database.store.connection().unwrap();
        fill(&mut connection);
        let plan = plan(&mut connection, "code = 'too-slow'");
        assert!(plan.contains("messages_by_code"), "{plan}");
    });
}

/// How the database finds the newest messages of which that is so.
fn plan(connection: &mut AnyConnection, condition: &str) -> String {
    let asked =
        format!("SELECT id FROM messages WHERE network_id = 1 AND {condition} ORDER BY id DESC LIMIT 10");
    let plan: Vec<String> = match connection {
        AnyConnection::Sqlite(c) => {
            let steps = sql_query(format!("EXPLAIN QUERY PLAN {asked}")).load::<Step>(c);
            steps.unwrap().into_iter().map(|step| step.detail).collect()
        }
        AnyConnection::Postgres(c) => {
            #[derive(QueryableByName)]
            struct Line {
                #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
                line: String,
            }
            let lines = sql_query(format!("EXPLAIN {asked}")).load::<Line>(c).unwrap();
            lines.into_iter().map(|line| line.line).collect()
        }
    };
    plan.join("\n")
}
