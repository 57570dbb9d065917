//! The guides for those who connect a till: every line that they let a reader type on the demo network is typed here, and
//! answered as they say.

use std::collections::HashMap;
use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use chrono::{TimeZone, Utc};
use kopilka::demo::credentials::LIVE_KEY;
use kopilka::demo::{Scale, load};
use kopilka::id_source::TimeOrderedIds;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::api::client::Service;
use crate::databases::each_database_async;

const TINY: Scale = Scale {
    customers: 20,
    strangers: 2,
    days: 3,
    receipts_per_day: 4,
};
/// Long after the guides were written: what they show must not depend on the day.
const READ_IN: i32 = 2027;

/// A step of a guide: what is typed, and the answer that stands below it.
struct Step {
    typed: String,
    answer: Option<String>,
}

/// Blocks of code, and the words before each.
fn blocks(guide: &str) -> Vec<(String, String)> {
    let (mut blocks, mut words, mut code) = (Vec::new(), String::new(), String::new());
    for line in guide.lines().chain(["end"]) {
        match line.strip_prefix("    ") {
            Some(line) => code = code + line + "\n",
            // An empty line within a block of code ends nothing.
            None if line.is_empty() && !code.is_empty() => code.push('\n'),
            None => {
                if !code.is_empty() {
                    blocks.push((std::mem::take(&mut words), std::mem::take(&mut code)));
                }
                if !line.is_empty() {
                    words = line.to_owned();
                }
            }
        }
    }
    blocks
}

/// What a guide lets its reader type against a till of the demo network.
fn steps(guide: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (words, code) in blocks(guide) {
        let is_answer = ["Ответ:", "The answer:"].contains(&words.as_str());
        if is_answer {
            if let Some(step) = steps.last_mut() {
                step.answer = Some(code);
            }
        } else if ["$TILL", "127.0.0.1", "TILL=", "cat >"]
            .iter()
            .any(|of_demo| code.contains(of_demo))
        {
            steps.push(Step {
                typed: code,
                answer: None,
            });
        }
    }
    steps
}

/// Words of a line as a shell takes it apart.
fn shell_words(text: &str, variables: &HashMap<String, String>) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(q), l) if q == l => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '\\') => {
                letters.next();
            }
            (None | Some('"'), '$') => {
                let mut name = String::new();
                while let Some(letter) = letters.next_if(char::is_ascii_uppercase) {
                    name.push(letter);
                }
                word.get_or_insert_default().push_str(&variables[&name]);
            }
            (None, l) if l.is_whitespace() => words.extend(word.take()),
            (_, l) => word.get_or_insert_default().push(l),
        }
    }
    words.extend(word);
    words
}

/// The reader of a guide: what he has typed so far stays.
struct Reader {
    service: Service,
    variables: HashMap<String, String>,
    files: HashMap<String, String>,
}

impl Reader {
    /// Types what a block says; gives what the last request was answered.
    async fn type_in(&mut self, block: &str) -> Option<String> {
        let mut answer = None;
        let mut rest = block;
        while let Some((line, more)) = rest.split_once('\n') {
            rest = more;
            let file = line
                .strip_prefix("cat > ")
                .and_then(|file| file.strip_suffix(" <<'END'"));
            if let Some(file) = file {
                let (text, more) = more.split_once("END\n").unwrap();
                self.files.insert(file.to_owned(), text.to_owned());
                rest = more;
            } else if let Some((name, value)) = line
                .split_once('=')
                .filter(|(name, _)| name.chars().all(char::is_alphabetic))
            {
                // What an answer gave is told by the answer, not by the guide.
                self.variables
                    .entry(name.to_owned())
                    .or_insert_with(|| value.to_owned());
            } else if line.starts_with("curl ") {
                // All that is left: bodies have many lines.
                let command = format!("{line}\n{more}");
                answer = Some(self.curl(&shell_words(&command, &self.variables)).await);
                break;
            }
        }
        answer
    }

    async fn curl(&mut self, words: &[String]) -> String {
        let (mut request, mut method, mut url, mut body) = (Request::builder(), None, "", String::new());
        let mut words = words.iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-H" => {
                    let (name, value) = words.next().unwrap().split_once(": ").unwrap();
                    request = request.header(name, value);
                }
                "-X" => method = words.next(),
                "-d" | "--data-binary" => {
                    let given = words.next().unwrap();
                    body = match given.strip_prefix('@') {
                        Some(file) => self.files[file].clone(),
                        None => given.clone(),
                    };
                }
                _ => url = word,
            }
        }
        let method = method.map_or(if body.is_empty() { "GET" } else { "POST" }, String::as_str);
        let path = url
            .split_once("8080")
            .unwrap_or_else(|| panic!("{url} is not of the demo"))
            .1;
        let request = request.method(method).uri(path).body(Body::from(body)).unwrap();
        let answer = self.service.send(request).await;
        assert!(answer.status.is_success(), "{url}: {answer:?}");
        if let Ok(answer) = serde_json::from_str::<Value>(&answer.text)
            && let Some(token) = answer["token"].as_str()
        {
            self.variables.insert("TOKEN".to_owned(), token.to_owned());
        }
        answer.text
    }
}

/// An answer without what is another one each time: ids, dates, secrets; and however its lines are broken.
fn without_chance(answer: &str) -> String {
    let (mut told, mut word) = (String::new(), String::new());
    for letter in answer.chars().chain([' ']) {
        if letter.is_alphanumeric() || "_-.+".contains(letter) || (letter == ':' && !word.is_empty()) {
            word.push(letter);
            continue;
        }
        // What a guest has bought in all is that of the whole demo network, which is larger than that of a test. The number of an account
        // is made of an id, and may be a short one.
        let by_name = [r#""SellCount":"#, r#"Account=""#]
            .iter()
            .any(|name| told.ends_with(name));
        let is_chance = by_name || is_chance(word.trim_end_matches(['.', ':']));
        told.push_str(if is_chance { "#" } else { &word });
        word.clear();
        if !letter.is_whitespace() {
            told.push(letter);
        }
    }
    told
}

fn is_chance(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let parts = |separator: char| word.split(separator).map(str::len).collect::<Vec<_>>();
    let is_date = [parts('.'), parts('-')]
        .iter()
        .any(|parts| matches!(parts[..], [2, 2] | [2, 2, 4] | [4, 2, 2]));
    let is_time = digits >= 14 && word.contains('T');
    let is_id = digits >= 6 && word.len() >= 13 && word.chars().any(|c| c.is_ascii_lowercase());
    let is_number = digits >= 9 && digits == word.len() && word != "9000000017";
    is_date || is_time || is_id || is_number
}

async fn read(service: Service, guide: &str, least: usize) {
    let mut reader = Reader {
        service,
        variables: HashMap::new(),
        files: HashMap::new(),
    };
    let mut compared = 0;
    for step in steps(guide) {
        let heard = reader.type_in(&step.typed).await;
        let Some((heard, told)) = heard.zip(step.answer) else {
            continue;
        };
        assert_eq!(without_chance(&heard), without_chance(&told), "{}", step.typed);
        compared += 1;
    }
    assert!(compared >= least, "only {compared} answers were compared");
}

/// iikoCard is off unless it is given a login: that of the guide.
async fn open_iikocard(service: &Service, login: &str) {
    let client = service.anybody().key(LIVE_KEY);
    let all = client.get("/api/v1/connections").await.expect(200);
    let of_iiko = |of: &&Value| of["kind"] == "iiko";
    let iiko = all["items"].as_array().unwrap().iter().find(of_iiko).unwrap();
    let mut settings = iiko["settings"].clone();
    settings["iikocard"] = json!({"api_login": login});
    let path = format!("/api/v1/connections/{}", iiko["id"].as_str().unwrap());
    client
        .patch(&path, json!({"settings": settings}))
        .await
        .expect(200);
}

/// Lets a new reader type what a guide says, on a demo network of his own for each language and database.
fn is_true(name: &str, least: usize) {
    for (language, login) in [("ru", "длинный-случайный-текст"), ("en", "a-long-random-text")]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/connect/{language}/{name}.md"));
        let guide = std::fs::read_to_string(path).unwrap();
        each_database_async(|store| {
            let guide = &guide;
            async move {
                let now = Utc.with_ymd_and_hms(READ_IN, 2, 10, 9, 0, 0).unwrap();
                let ids = Arc::new(TimeOrderedIds::new(1));
                load(&store, ids, TINY, now, |_| ()).await.unwrap();
                let service = Service::on(store);
                service.clock.move_to(now);
                if name == "iiko" {
                    open_iikocard(&service, login).await;
                }
                read(service, guide, least).await;
            }
        });
    }
}

#[test]
fn the_guide_of_rkeeper_is_true() {
    is_true("rkeeper", 4);
}

#[test]
fn the_guide_of_iiko_is_true() {
    is_true("iiko", 9);
}

#[test]
fn the_guide_of_1c_is_true() {
    is_true("1c", 10);
}
