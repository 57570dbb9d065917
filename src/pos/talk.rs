//! A message that was read: its orders are looked up, each of its asks is carried out, and the adapter words the answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use kopilka_contract::{
    About, Ask, Dialogue, Errand, GiveBack, Language, Part, Refusal, Settings, Stands, Told, Unreadable,
    WhatBack, Words, words,
};
use tokio::task::JoinSet;

use super::asking::is_only_read;
use super::chains;
use super::connection_cache::Known;
use super::conversation::{DefaultOf, Failed, Held};
use super::order_names::OrderNames;
use crate::app::App;
use crate::domain::ids::MessageId;
use crate::ledger::{Asker, Command, Place, Verb};
use crate::storage::StorageError;
use crate::storage::ledger::message::{Outcome, RawMessage};
use crate::storage::{errands, polls};

/// So many chains of documents of one message are carried out at once.
const AT_ONCE: usize = 16;

/// Asks of which each waits for the one before: each with its place among all, who speaks, and what is remarked.
type Chain = Vec<(usize, Talk, Ask, Vec<Words>)>;
/// What asks were told, each with its place.
type Answers = Vec<(usize, Result<Told, Refusal>)>;

/// One ask after another.
async fn in_order(chain: Chain) -> Result<Answers, Failed> {
    let mut told = Vec::with_capacity(chain.len());
    for (at, talk, ask, remarks) in chain {
        told.push((at, talk.ask(ask, remarks).await?));
    }
    Ok(told)
}

/// Chains beside one another, by few enough at a time for tills to get their turn.
async fn at_once(chains: Vec<Chain>) -> Result<Answers, Failed> {
    let (mut going, mut told) = (JoinSet::new(), Vec::new());
    let mut chains = chains.into_iter();
    for chain in chains.by_ref().take(AT_ONCE) {
        going.spawn(in_order(chain));
    }
    while let Some(ended) = going.join_next().await {
        let answers = ended.map_err(|error| {
            tracing::error!(%error, "a part of a message failed");
            Failed::Ours
        })?;
        told.extend(answers?);
        if let Some(chain) = chains.next() {
            going.spawn(in_order(chain));
        }
    }
    Ok(told)
}

/// A message that was read, with all that its asks need.
pub(super) struct Talk {
    pub(super) app: App,
    pub(super) known: Arc<Known>,
    pub(super) raw: Arc<RawMessage>,
    pub(super) since: Instant,
    pub(super) replay_of: Option<MessageId>,
    /// Who is told after a while that we were too slow; `None`: nobody.
    pub(super) asker: Option<Arc<Asker>>,
    /// What [`Dialogue::asks_before_sale`] says of the message.
    pub(super) asks_before_sale: bool,
}

impl Talk {
    pub(super) async fn answer(&self, dialogue: &(dyn Dialogue + '_)) -> Result<Held, Failed> {
        let (mut asks, remarks) = (dialogue.asks(), dialogue.remarks());
        let only_reads = !asks.is_empty() && asks.iter().all(is_only_read);
        let parts = dialogue.parts();
        if asks.is_empty() || (only_reads && !remarks.is_empty()) || !parts.is_empty() {
            self.keep(Outcome::Ignored, remarks.clone()).await?;
        }
        self.leave(dialogue.errands()).await?;
        let names = self.names(dialogue.orders()).await?;
        for part in &parts {
            if let About::Unread(reason) = &part.about {
                self.of_part(part)
                    .keep(Outcome::Unreadable, vec![reason.clone()])
                    .await?;
            }
        }
        asks.iter_mut().for_each(|ask| names.apply(ask));
        let mut told = self.carry_out(asks, &parts, &remarks).await?;
        match dialogue.then(&told) {
            Ok(more) => {
                for mut ask in more {
                    names.apply(&mut ask);
                    told.push(self.ask(ask, remarks.clone()).await?);
                }
            }
            Err(unreadable) => return self.not_read(Outcome::Refused, unreadable).await,
        }
        let refused = told.iter().find_map(|answer| answer.as_ref().err());
        let why = refused.map(|refusal| refusal.words.clone());
        let refused = refused.map(|refusal| refusal.code.clone());
        self.leave(dialogue.errands_after(&told)).await?;
        Ok(Held {
            reply: dialogue.reply(&told),
            refused,
            why,
            kept: true,
        })
    }

    /// Carries out what a message asks. Of one that brings much, what concerns nothing in common is carried out at once.
    async fn carry_out(
        &self,
        asks: Vec<Ask>,
        parts: &[Part],
        remarks: &[Words],
    ) -> Result<Vec<Result<Told, Refusal>>, Failed> {
        let mut told: Vec<Option<Result<Told, Refusal>>> = asks.iter().map(|_| None).collect();
        if parts.is_empty() {
            for (ask, told) in asks.into_iter().zip(&mut told) {
                *told = Some(self.ask(ask, remarks.to_vec()).await?);
            }
            return told.into_iter().map(|told| told.ok_or(Failed::Ours)).collect();
        }
        let part_of: HashMap<usize, &Part> = parts
            .iter()
            .filter_map(|part| Some((part.asked()?, part)))
            .collect();
        for round in chains::rounds(&asks) {
            let chain = |chain: Vec<usize>| {
                let asked = chain.into_iter().filter_map(|at| {
                    let ask = asks.get(at)?.clone();
                    Some(match part_of.get(&at) {
                        Some(part) => (at, self.of_part(part), ask, Vec::new()),
                        None => (at, self.of_message(), ask, remarks.to_vec()),
                    })
                });
                asked.collect()
            };
            for (at, answer) in at_once(round.into_iter().map(chain).collect()).await? {
                if let Some(told) = told.get_mut(at) {
                    *told = Some(answer);
                }
            }
        }
        told.into_iter().map(|told| told.ok_or(Failed::Ours)).collect()
    }

    /// Under which names the orders of the message are known; what is known twice is one from now on.
    async fn names(&self, orders: Vec<Vec<String>>) -> Result<OrderNames, Failed> {
        let (tenant, source) = (self.known.tenant, self.place().source);
        let failed = |error: StorageError| {
            tracing::warn!(%error, "could not look an order's names up");
            Failed::Busy
        };
        let names = OrderNames::of(&self.app, tenant, &source, orders.clone()).await;
        let names = names.map_err(failed)?;
        if !names.have_twins(&orders) {
            return Ok(names);
        }
        self.unite(&orders).await?;
        OrderNames::of(&self.app, tenant, &source, orders)
            .await
            .map_err(failed)
    }

    /// Makes one of orders that are known twice. The receipt of the one is given back before its names mean the other: where
    /// this is broken off, the next message with both names does it again.
    async fn unite(&self, orders: &[Vec<String>]) -> Result<(), Failed> {
        let (tenant, place) = (self.known.tenant, self.place());
        let failed = |error: StorageError| {
            tracing::warn!(%error, "could not make one order of two");
            Failed::Busy
        };
        let twins = OrderNames::twins(&self.app, tenant, (place.venue, &place.source), orders).await;
        for twins in twins.map_err(failed)? {
            let undone = twins.is_sold.then(|| GiveBack {
                external_id: format!("{}/merged", twins.twin),
                sale: twins.twin.clone(),
                version: None,
                returned_at: self.raw.received_at.fixed_offset(),
                what: WhatBack::Everything,
                rollback: true,
                stands: Stands::WithItsSale,
            });
            let (kept, twin) = (&twins.kept, &twins.twin);
            let remark = words!("{kept} и {twin} — один заказ", "{kept} and {twin} are one order");
            if let Some(undone) = undone
                && let Err(refusal) = self.ask(Ask::GiveBack(undone), vec![remark]).await?
            {
                tracing::warn!(
                    refusal = refusal.code,
                    "the receipt of an order that is known twice stays"
                );
                // Once its names mean the other nobody would find it again.
                continue;
            }
            let merged = OrderNames::merge(&self.app, tenant, &place.source, twins).await;
            merged.map_err(failed)?;
        }
        Ok(())
    }

    /// Keeps what the vendor's system is to be asked. A till is not answered before that.
    async fn leave(&self, errands: Vec<Errand>) -> Result<(), Failed> {
        if errands.is_empty() {
            return Ok(());
        }
        let (tenant, id) = (self.known.tenant, self.known.connection.id);
        let (ids, now) = (Arc::clone(&self.app.ids), self.app.clock.now());
        let left = self.app.small_writes.write(format!("errands {id}"), move |c| {
            for errand in &errands {
                errands::leave(c, tenant, id, ids.next_id(), errand, now)?;
            }
            polls::hurry(c, tenant, id, now)
        });
        left.await.map_err(|error| {
            tracing::warn!(%error, connection = %id, "an errand could not be kept");
            Failed::Ours
        })?;
        self.app.errand_left.notify_one();
        Ok(())
    }

    /// The same conversation about one thing of many that a message brings: kept by itself.
    fn of_part(&self, part: &Part) -> Talk {
        let raw = RawMessage {
            method: "POST".to_owned(),
            path: part.path.clone(),
            query: String::new(),
            content_type: Some(part.content_type.to_owned()),
            body: part.body.clone(),
            ..(*self.raw).clone()
        };
        Talk {
            raw: Arc::new(raw),
            ..self.of_message()
        }
    }

    /// The same conversation, for a task of its own.
    fn of_message(&self) -> Talk {
        Talk {
            app: self.app.clone(),
            known: Arc::clone(&self.known),
            raw: Arc::clone(&self.raw),
            since: self.since,
            replay_of: self.replay_of,
            asker: self.asker.clone(),
            asks_before_sale: self.asks_before_sale,
        }
    }

    /// That of the connection.
    pub(super) fn language(&self) -> Language {
        Settings::default_of(&self.known).language
    }

    pub(super) fn place(&self) -> Place {
        Place {
            venue: self.known.connection.venue,
            source: self.known.connection.source().to_string(),
        }
    }

    /// Keeps the message without doing anything. A till is not answered before it is kept.
    pub(super) async fn keep(&self, outcome: Outcome, remarks: Vec<Words>) -> Result<(), Failed> {
        self.app
            .ledger
            .submit(self.command(Verb::Keep(outcome), remarks))
            .await?;
        Ok(())
    }

    /// Keeps a message that nothing could be done for, and answers it as its adapter says.
    pub(super) async fn not_read(
        &self,
        outcome: Outcome,
        Unreadable { reason, reply }: Unreadable,
    ) -> Result<Held, Failed> {
        self.keep(outcome, vec![reason.clone()]).await?;
        Ok(Held {
            reply,
            refused: Some("unreadable".to_owned()),
            why: Some(reason),
            kept: true,
        })
    }

    pub(super) fn command(&self, verb: Verb, remarks: Vec<Words>) -> Command {
        Command {
            tenant: self.known.tenant,
            actor: format!("till:{}", self.known.connection.id),
            verb,
            raw: Some(Arc::clone(&self.raw)),
            remarks,
            language: self.language(),
            idempotency: None,
            asks_before_sale: self.asks_before_sale,
            asker: self.asker.clone(),
            replay_of: self.replay_of,
            since: self.since,
        }
    }
}
