//! The inbox speaks the language of a connection: whatever of a vendor's messages is refused, not read or remarked upon.

use std::path::Path;

use serde_json::{Value, json};

use super::Till;
use crate::api::client::Service;
use crate::databases::each_database_async;

/// What parsers say begins so, and stands after a sentence of ours in its own words.
const PARSERS: [&str; 10] = [
    "invalid type",
    "missing field",
    "expected ",
    "EOF while",
    "key must be",
    "unknown field",
    "ill-formed",
    "tag not closed",
    "trailing ",
    "unrecognized entity",
];

/// So many words of one script in a row are a sentence; fewer may be names of fields and products.
const A_SENTENCE: usize = 3;

/// The longest run of words of a script.
fn words_in_a_row(text: &str, of_script: fn(char) -> bool) -> usize {
    let mut longest = 0;
    let mut row = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
        let is_of_it = letters.len() > 1 && letters.iter().copied().all(of_script);
        row = if is_of_it { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    longest
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
}

fn is_cyrillic(c: char) -> bool {
    ('\u{400}'..='\u{4ff}').contains(&c)
}

/// A line of a message's detail without what a parser has to say.
fn our_own(line: &str) -> &str {
    let ends = PARSERS.iter().filter_map(|opening| line.find(opening));
    line.get(..ends.min().unwrap_or(line.len())).unwrap()
}

/// Every request of a folder of fixtures, with the path that it is sent to.
fn requests(folder: &str, path_of: fn(&str) -> Option<String>) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("adapters")
        .join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let request = |file: &std::path::PathBuf| {
        let path = path_of(file.file_name()?.to_str()?)?;
        Some((path, std::fs::read(file).unwrap()))
    };
    files.iter().filter_map(request).collect()
}

/// What each kind of till sends here: folder of fixtures, which of them and where to; settings.
type Dialect = (
    &'static str,
    &'static str,
    fn(&str) -> Option<String>,
    fn() -> Value,
);

const DIALECTS: [Dialect; 6] = [
    ("rkeeper", "rkeeper/fixtures", rkeeper, no_settings),
    (
        "rkeeper-delivery",
        "rkeeper-delivery/fixtures",
        by_its_name,
        no_settings,
    ),
    ("iiko", "iiko/fixtures", webhook, one_restaurant),
    ("iiko", "iiko/fixtures/plugin", plugin, no_settings),
    ("onec", "onec/fixtures/receipt_json", receipt, no_settings),
    ("onec", "onec/fixtures/checklist", receipt, no_settings),
];

fn no_settings() -> Value {
    json!({})
}

fn one_restaurant() -> Value {
    json!({"organizations": ["7bc05553-4b68-44e8-b7bc-37be63c6d9e9"], "negative_sum": "person"})
}

fn rkeeper(file: &str) -> Option<String> {
    let is_request = file.ends_with(".xml") && !file.ends_with(".answer.xml");
    is_request.then(|| match file {
        card if card.starts_with("card-read") => "getcardinfoex.php".to_owned(),
        _ => "transactionsex.php".to_owned(),
    })
}

fn by_its_name(file: &str) -> Option<String> {
    let (path, _) = file.strip_suffix(".request.json")?.split_once('.')?;
    Some(path.to_owned())
}

fn webhook(file: &str) -> Option<String> {
    file.ends_with(".request.json").then(|| "webhook".to_owned())
}

fn plugin(file: &str) -> Option<String> {
    Some(format!("v1/{}", by_its_name(file)?))
}

fn receipt(file: &str) -> Option<String> {
    let is_request = file.ends_with(".json") && !file.ends_with(".answer.json");
    is_request.then(|| "v1/receipts".to_owned())
}

/// The lines of what the inbox says of all that a connection in this language was sent.
async fn said(service: &Service, (kind, folder, path_of, settings): Dialect, language: &str) -> Vec<String> {
    let owner = format!("{language}@{}.example", folder.replace(['/', '_'], "-"));
    let till = Till::of(&owner, service, kind, settings()).await;
    let known = till.owner.get("/api/v1/connections").await.expect(200);
    let connection = format!(
        "/api/v1/connections/{}",
        known["items"][0]["id"].as_str().unwrap()
    );
    till.owner
        .patch(&connection, json!({"language": language}))
        .await
        .expect(200);
    let requests = requests(folder, path_of);
    assert!(requests.len() > 5, "{folder}");
    for (path, body) in requests {
        till.send("POST", &path, body).await;
    }
    let mut lines = Vec::new();
    let mut page = "/api/v1/messages?limit=100".to_owned();
    loop {
        let list = till.owner.get(&page).await.expect(200);
        for message in list["items"].as_array().unwrap() {
            let detail = message["detail"].as_str().unwrap_or_default();
            lines.extend(detail.lines().map(str::to_owned));
        }
        match list["next_cursor"].as_str() {
            Some(next) => page = format!("/api/v1/messages?limit=100&cursor={next}"),
            None => return lines,
        }
    }
}

#[test]
fn whatever_is_said_of_a_message_is_said_in_the_language_of_its_connection() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        for dialect in DIALECTS {
            let folder = dialect.1;
            let russian = said(&service, dialect, "ru").await;
            let english = said(&service, dialect, "en").await;
            assert_eq!(russian.len(), english.len(), "{folder}");
            assert!(russian.len() > 2, "{folder}: {russian:?}");
            for line in &russian {
                let latin = words_in_a_row(our_own(line), is_latin);
                assert!(
                    latin < A_SENTENCE && line.chars().any(is_cyrillic),
                    "{folder}: {line}"
                );
            }
            for line in &english {
                // What the restaurant writes itself stays as it is.
                let ours = line.split("has marked a problem: ").next().unwrap_or_default();
                assert!(words_in_a_row(ours, is_cyrillic) < A_SENTENCE, "{folder}: {line}");
                assert!(line.chars().any(is_latin), "{folder}: {line}");
            }
        }
    });
}
