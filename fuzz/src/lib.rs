//! Any bytes at the paths of a till's door: they are answered, and nothing panics.

use chrono::DateTime;
use kopilka_contract::{
    Adapter, Errand, HttpAnswer, Language, Message, Refusal, Reply, Settings, Situation, Words,
};
use serde_json::Value;

/// Paths of a door, with the method by which each is asked and its query.
pub type Paths<'a> = &'a [(&'a str, &'a str, &'a str)];

/// Sends `body` to every path of an adapter's door under each of some settings, and refuses all that it asks. `answered`
/// checks each answer.
pub fn every_path(
    adapter: &dyn Adapter,
    paths: Paths<'_>,
    settings: &[Value],
    body: &[u8],
    answered: impl Fn(&Reply),
) {
    for values in settings {
        let settings = connection(values);
        for (method, path, query) in paths {
            let message = Message {
                method,
                path,
                query,
                content_type: None,
                body,
                login: None,
                received_at: DateTime::UNIX_EPOCH,
            };
            match adapter.read(&message, &settings) {
                Ok(dialogue) => {
                    dialogue.remarks();
                    dialogue.orders();
                    dialogue.errands();
                    dialogue.parts();
                    let refused = Refusal {
                        code: "insufficient-balance".to_owned(),
                        words: Words::new("нет", "no"),
                        pointer: None,
                        retryable: false,
                        most: None,
                    };
                    let told: Vec<_> = dialogue.asks().iter().map(|_| Err(refused.clone())).collect();
                    answered(&dialogue.reply(&told));
                }
                Err(unreadable) => answered(&unreadable.reply),
            }
            answered(&adapter.failure(&message, &Words::new("сбой", "failure"), &settings));
        }
    }
}

/// Gives `body` to an adapter that asks its vendor's system, as the answer to each of some questions: what it remembers
/// when the answer comes, and its errands.
pub fn every_answer(adapter: &dyn Adapter, asked: &[(Value, Vec<Errand>)], settings: &Value, body: &[u8]) {
    let Some(poll) = adapter.poll() else {
        return;
    };
    let settings = connection(settings);
    for (state, errands) in asked {
        poll.step(&Situation {
            settings: &settings,
            state,
            errands,
            now: DateTime::UNIX_EPOCH,
            answer: Some(&HttpAnswer {
                status: 200,
                headers: Vec::new(),
                body: body.to_vec(),
            }),
        });
    }
}

fn connection(values: &Value) -> Settings {
    Settings {
        time_zone: chrono_tz::Europe::Moscow,
        language: Language::Ru,
        values: values.clone(),
    }
}
