//! The command line, as it is typed.

mod connect;
mod inbox;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use tempfile::TempDir;

fn kopilka(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .current_dir(folder.path())
        .env("KOPILKA__DATABASE__URL", "sqlite:shop.db")
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn without_arguments_it_helps() {
    let folder = TempDir::new().unwrap();
    let text = stdout(&kopilka(&folder, &[]));
    for command in [
        "serve",
        "demo",
        "migrate",
        "verify",
        "backup",
        "connect",
        "inbox",
        "reconcile",
        "bench",
        "simulate",
        "user",
    ] {
        assert!(text.contains(&format!("\n  {command} ")), "{command}: {text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_setting_is_refused_in_a_sentence() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("my.toml"), "[database]\nfile = \"x\"\n").unwrap();
    let text = stderr(&kopilka(&folder, &["migrate", "--config", "my.toml"]));
    assert!(
        text.starts_with("kopilka: settings: ") && text.contains("`file`"),
        "{text}"
    );
    let text = stderr(&kopilka(&folder, &["migrate", "--config", "none.toml"]));
    assert!(text.contains("none.toml can't be read"), "{text}");
}

#[test]
fn a_live_database_is_copied_and_nothing_is_overwritten() {
    let folder = TempDir::new().unwrap();
    let text = stderr(&kopilka(&folder, &["backup", "copy.db"]));
    assert!(text.contains("there is no database shop.db"), "{text}");

    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    let count = std::fs::read_dir(migrations).unwrap().count();
    assert_eq!(
        stdout(&kopilka(&folder, &["migrate"])),
        format!("sqlite:shop.db: {count} migrations ran.\n")
    );
    assert_eq!(
        stdout(&kopilka(&folder, &["migrate"])),
        "sqlite:shop.db is up to date.\n"
    );

    // A writer in the middle of a transaction.
    let open = |name: &str| SqliteConnection::establish(folder.path().join(name).to_str().unwrap()).unwrap();
    let mut writer = open("shop.db");
    let network = |id: i64| {
        format!(
            "INSERT INTO networks VALUES ({id}, 'n', 'Europe/Moscow', '{{}}', 1, false, 0, '2026-11-22 10:00:00');"
        )
    };
    writer.batch_execute(&network(1)).unwrap();
    writer
        .batch_execute(&format!("BEGIN IMMEDIATE; {}", network(2)))
        .unwrap();
    let text = stdout(&kopilka(&folder, &["backup", "copy.db"]));
    assert!(text.starts_with("copy.db: "), "{text}");
    writer.batch_execute("COMMIT").unwrap();

    use diesel::QueryDsl;
    use diesel::dsl::count_star;
    use kopilka::storage::schema::networks;
    let count: i64 = networks::table
        .select(count_star())
        .get_result(&mut open("copy.db"))
        .unwrap();
    assert_eq!(count, 1, "what was committed, and nothing else");
    assert!(!folder.path().join("copy.db.part").exists());

    let text = stderr(&kopilka(&folder, &["backup", "copy.db"]));
    assert!(text.contains("copy.db exists"), "{text}");
}

#[test]
fn before_the_first_start_it_is_said_what_to_start() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("shop.db"), "").unwrap();
    for (arguments, words) in [
        (&["inbox", "list"][..], "start `kopilka serve` first"),
        (&["connect", "iiko"], "сначала запустите `kopilka serve`"),
    ] {
        let text = stderr(&kopilka(&folder, arguments));
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn differences_are_listed_and_a_day_is_asked_for_again() {
    let folder = TempDir::new().unwrap();
    stdout(&kopilka(&folder, &["migrate"]));
    let shop = folder.path().join("shop.db");
    let mut shop = SqliteConnection::establish(shop.to_str().unwrap()).unwrap();
    shop.batch_execute(
        "INSERT INTO networks VALUES (1, 'n', 'Europe/Moscow', '{}', 1, false, 0, '2026-11-22 10:00:00');
         INSERT INTO reconciliation_differences (network_id, id, connection_id, venue_id, day, order_name, kind, told, status, found_at)
            VALUES (1, 5, 2, 3, '2026-11-21', 'order-1', 'missing', 148550, 'open', '2026-11-22 10:00:00'),
                   (1, 6, 2, 3, '2026-11-21', 'order-2', 'amount', 100, 'gone', '2026-11-22 10:00:00');",
    )
    .unwrap();
    let list = stdout(&kopilka(&folder, &["reconcile", "list"]));
    assert!(
        list.contains("missing") && list.contains("1485.50") && list.contains("order-1"),
        "{list}"
    );
    assert_eq!(list.lines().count(), 1, "{list}");
    let all = stdout(&kopilka(&folder, &["reconcile", "list", "--all"]));
    assert_eq!(all.lines().count(), 2, "{all}");
    let text = stderr(&kopilka(&folder, &["reconcile", "ask", "msg_1", "2026-11-21"]));
    assert!(text.contains("is not the id of a connection"), "{text}");
    let text = stderr(&kopilka(
        &folder,
        &["reconcile", "ask", "con_01hgw3zj3q7hx", "2026-11-21"],
    ));
    assert!(text.contains("there is no connection"), "{text}");
}

#[test]
fn postgres_is_left_to_pg_dump() {
    let Some(database) = crate::support::Database::postgres() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .current_dir(folder.path())
        .env("KOPILKA__DATABASE__URL", &database.url)
        .args(["backup", "copy.dump"])
        .output()
        .unwrap();
    let text = stderr(&output);
    assert!(
        text.contains("pg_dump --format=custom --file='copy.dump' 'postgres://"),
        "{text}"
    );
}

#[test]
fn health_is_the_services_own_answer() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = [
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\n\r\n",
    ];
    let server = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    assert_eq!(stdout(&kopilka(&folder, &["health", "--url", &url])), "well\n");
    assert!(stderr(&kopilka(&folder, &["health", "--url", &url])).contains("503"));
    server.join().unwrap();
    assert!(stderr(&kopilka(&folder, &["health", "--url", &url])).contains("no answer from 127.0.0.1"));
}

#[test]
fn a_service_that_cannot_listen_invites_nobody() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::write(folder.path().join("my.toml"), format!("listen = \"{address}\"\n")).unwrap();
    let output = kopilka(&folder, &["serve", "--config", "my.toml"]);
    assert!(!stderr(&output).contains("setup#token"));
    assert!(stderr(&output).contains(&format!("can't listen on {address}")));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("setup"));
}

#[test]
fn a_day_is_played_only_where_somebody_listens_and_with_faults_that_there_are() {
    let folder = TempDir::new().unwrap();
    let text = stderr(&kopilka(&folder, &["simulate", "iiko", "--faults", "fire"]));
    assert!(text.contains("there is no fault `fire`"), "{text}");
    let text = stderr(&kopilka(&folder, &["simulate", "abacus"]));
    assert!(text.contains("rkeeper") && text.contains("onec"), "{text}");
    let text = stderr(&kopilka(
        &folder,
        &["simulate", "iiko", "--address", "https://x.example"],
    ));
    assert!(text.contains("must begin with http://"), "{text}");
    // Where the service listens, nobody named: where its settings say.
    let output = Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .env("KOPILKA__LISTEN", "127.0.0.1:1")
        .current_dir(folder.path())
        .args(["simulate", "iiko"])
        .output()
        .unwrap();
    assert!(stderr(&output).contains("127.0.0.1:1"), "{output:?}");
    let door = "http://127.0.0.1:1/pos/onec/kop_till_x/v1";
    let text = stderr(&kopilka(&folder, &["simulate", "1c", "--address", door]));
    assert!(
        text.contains("--address http://127.0.0.1:1 --token kop_till_x --key KEY"),
        "{text}"
    );
}
