//! What is remembered from one step of asking to the next.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// A token, while it is good.
    pub token: Option<Token>,
    /// What was asked last.
    pub asked: Option<Asked>,
    /// The newest change that a list has shown.
    pub seen: Option<DateTime<Utc>>,
    /// When the list is looked through next.
    pub list_at: Option<DateTime<Utc>>,
    /// Orders of the list that are to be read.
    pub queue: Vec<String>,
    /// How often those were asked for in vain.
    pub queue_tries: BTreeMap<String, u32>,
}

/// What a token is and of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub text: String,
    /// `client_id` and address: another account needs another token.
    pub account: String,
    pub good_until: DateTime<Utc>,
    /// Not yet taken by any call: when it is refused, the account has no right, and another one would not help.
    pub fresh: bool,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    /// A token.
    Token,
    /// An order.
    Order(String),
    /// The list.
    List,
}

impl State {
    /// As it was written; nothing where it can't be read.
    pub fn of(value: &Value) -> Self {
        serde_json::from_value(value.clone()).unwrap_or_default()
    }

    /// As it is written.
    pub fn value(&self) -> Value {
        // Fixed names, texts and times: nothing that could fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}
