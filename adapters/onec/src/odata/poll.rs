//! A round of asking a base: pages of documents, the codes and names that they refer to, then the documents themselves.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use kopilka_contract::{Next, Poll, Situation, Step, Words};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::profile::Profile;
use super::request::{self, Asked};
use super::settings::ODataSettings;
use super::stage::{Page, Seen, Stage};
use crate::settings::OneCSettings;

/// The side of the dialect that asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ODataPoll;

/// What is remembered from step to step, and from round to round.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// Whose memory it is: another base begins anew.
    account: String,
    /// When the last whole round began.
    looked_at: Option<DateTime<Utc>>,
    /// Documents that were delivered, by their keys, as they were then.
    seen: std::collections::BTreeMap<String, Seen>,
    /// The round that goes on.
    stage: Option<Stage>,
}

/// A round with what it needs.
struct Round<'a> {
    own: &'a ODataSettings,
    profile: Profile,
    situation: &'a Situation<'a>,
    memory: Memory,
}

impl Poll for ODataPoll {
    fn step(&self, situation: &Situation<'_>) -> Step {
        let own = match situation.settings.typed::<OneCSettings>() {
            Ok(OneCSettings { odata: Some(own), .. }) => own,
            _ => return Step::new(Next::Off, Value::Null),
        };
        let account = format!("{} {} {:?}", own.url, own.user, own.shop);
        let memory = serde_json::from_value::<Memory>(situation.state.clone()).unwrap_or_default();
        let memory = if memory.account == account {
            memory
        } else {
            Memory {
                account,
                ..Memory::default()
            }
        };
        let profile = own.profile();
        Round {
            own: &own,
            profile,
            situation,
            memory,
        }
        .step()
    }
}

impl Round<'_> {
    fn step(mut self) -> Step {
        let Some(mut stage) = self.memory.stage.take() else {
            let stage = Stage::new(self.situation.now, self.since(self.memory.looked_at));
            return self.go_on(stage);
        };
        if let Some(answer) = self.situation.answer {
            match request::values(answer) {
                Ok(values) => self.learn(&mut stage, values),
                Err(_) if self.may_do_without(&stage, answer.status) => self.learn(&mut stage, Vec::new()),
                Err(why) => return self.failed(&why),
            }
        }
        self.go_on(stage)
    }

    /// Local time of the shop from which documents are looked at: 1C knows no zones.
    fn since(&self, looked_at: Option<DateTime<Utc>>) -> NaiveDateTime {
        let overlap = Duration::hours(i64::from(self.own.overlap_hours));
        let from = looked_at.unwrap_or(self.situation.now) - overlap;
        from.with_timezone(&self.situation.settings.time_zone)
            .naive_local()
    }

    /// Whether what was asked is something that not every base has, or that documents can be read without.
    fn may_do_without(&self, stage: &Stage, status: u16) -> bool {
        match &stage.asked {
            Some(Asked::Page) => {
                let fields = self.profile.documents.get(stage.kind);
                status == 404 && fields.is_some_and(|fields| fields.optional)
            }
            // Their names are an improvement; a base that is only busy is asked again.
            Some(Asked::PaymentKinds(_)) => (400..=500).contains(&status),
            _ => false,
        }
    }

    fn learn(&self, stage: &mut Stage, values: Vec<Value>) {
        match stage.asked.take() {
            Some(Asked::Page) => {
                let Some(fields) = self.profile.documents.get(stage.kind) else {
                    return;
                };
                let seen = |key: &str| self.memory.seen.get(key);
                stage.page = Some(Page::of(values, fields, self.own, stage.since, &seen));
            }
            Some(Asked::Cards(keys)) => stage.learn_cards(&keys, &values, &self.profile.cards),
            Some(Asked::Products(keys)) => stage.learn_products(&keys, &values, &self.profile.products),
            Some(Asked::PaymentKinds(keys)) => {
                let fields = self.profile.payment_kinds.clone().unwrap_or_default();
                stage.learn_payment_kinds(&keys, &values, &fields);
            }
            None => {}
        }
    }

    /// What comes next: a question, a delivery, or the end of the round.
    fn go_on(mut self, mut stage: Stage) -> Step {
        loop {
            let Some(fields) = self.profile.documents.get(stage.kind) else {
                return self.finish(&stage);
            };
            let Some(page) = &stage.page else {
                return self.ask(stage, Asked::Page);
            };
            if let Some(asked) = stage.unknown(page, fields, &self.profile) {
                return self.ask(stage, asked);
            }
            let seen = |key: &str| self.memory.seen.get(key);
            let taken = page.seen(fields, &seen);
            let deliveries = page.deliveries(fields, &stage, &taken);
            stage.turn_page();
            if !deliveries.is_empty() {
                self.memory.seen.extend(taken);
                self.memory.stage = Some(stage);
                return Step::new(Next::Deliver(deliveries), self.memory());
            }
        }
    }

    fn ask(mut self, mut stage: Stage, asked: Asked) -> Step {
        let Some(fields) = self.profile.documents.get(stage.kind) else {
            return self.finish(&stage);
        };
        let call = match &asked {
            Asked::Page => request::page(self.own, fields, stage.since, stage.skip),
            Asked::Cards(keys) => request::named(self.own, &self.profile.cards.entity, keys),
            Asked::Products(keys) => request::named(self.own, &self.profile.products.entity, keys),
            Asked::PaymentKinds(keys) => {
                let entity = self
                    .profile
                    .payment_kinds
                    .as_ref()
                    .map_or("", |kinds| &kinds.entity);
                request::named(self.own, entity, keys)
            }
        };
        stage.asked = Some(asked);
        self.memory.stage = Some(stage);
        Step::new(Next::Call(call), self.memory())
    }

    fn finish(mut self, stage: &Stage) -> Step {
        self.memory.looked_at = Some(stage.began);
        // What is older than the next round looks back is never asked for again.
        let since = self.since(self.memory.looked_at);
        self.memory.seen.retain(|_, seen| seen.date >= since);
        self.memory.stage = None;
        let until = self.situation.now + Duration::seconds(i64::from(self.own.every_seconds.max(5)));
        Step::new(Next::Rest { until }, self.memory())
    }

    fn failed(mut self, why: &Words) -> Step {
        self.memory.stage = None;
        let failed = Next::Failed {
            reason: why.in_language(self.situation.settings.language).to_owned(),
            retry_at: None,
        };
        Step::new(failed, self.memory())
    }

    fn memory(&self) -> Value {
        serde_json::to_value(&self.memory).unwrap_or_default()
    }
}
