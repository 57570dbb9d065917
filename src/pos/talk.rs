//! A message that was read: its orders are looked up, each of its asks is carried out, and the adapter words the answer.

use std::sync::Arc;
use std::time::Instant;

use kopilka_contract::{
    About, Ask, Dialogue, Errand, GiveBack, Language, Part, Settings, Unreadable, WhatBack,
};

use super::connection_cache::Known;
use super::conversation::{DefaultOf, Failed, Held};
use super::order_names::OrderNames;
use crate::app::App;
use crate::domain::ids::MessageId;
use crate::ledger::{Command, Place, Verb};
use crate::storage::StorageError;
use crate::storage::ledger::message::{Outcome, RawMessage};
use crate::storage::{errands, polls};

/// A message that was read, with all that its asks need.
pub(super) struct Talk {
    pub(super) app: App,
    pub(super) known: Arc<Known>,
    pub(super) raw: Arc<RawMessage>,
    pub(super) since: Instant,
    pub(super) replay_of: Option<MessageId>,
}

impl Talk {
    pub(super) async fn answer(&self, dialogue: &(dyn Dialogue + '_)) -> Result<Held, Failed> {
        let (asks, remarks) = (dialogue.asks(), dialogue.remarks());
        let remarks = (!remarks.is_empty()).then(|| remarks.join("\n"));
        // What only reads is not kept: tills ask many times per sale, and nothing can be lost.
        let reads = |ask: &Ask| {
            matches!(
                ask,
                Ask::Identify(_) | Ask::Search(_) | Ask::Turnover(_) | Ask::Quote(_)
            )
        };
        let only_reads = !asks.is_empty() && asks.iter().all(reads);
        let parts = dialogue.parts();
        if asks.is_empty() || (only_reads && remarks.is_some()) || !parts.is_empty() {
            self.keep(Outcome::Ignored, remarks.clone()).await?;
        }
        self.leave(dialogue.errands()).await?;
        let names = self.names(dialogue.orders()).await?;
        let mut told = Vec::with_capacity(asks.len());
        for part in &parts {
            if let About::Unread(reason) = &part.about {
                self.of_part(part)
                    .keep(Outcome::Unreadable, Some(reason.clone()))
                    .await?;
            }
        }
        for (at, mut ask) in asks.into_iter().enumerate() {
            names.apply(&mut ask);
            told.push(match parts.iter().find(|part| part.about == About::Ask(at)) {
                Some(part) => self.of_part(part).ask(ask, None).await?,
                None => self.ask(ask, remarks.clone()).await?,
            });
        }
        match dialogue.then(&told) {
            Ok(more) => {
                for mut ask in more {
                    names.apply(&mut ask);
                    told.push(self.ask(ask, remarks.clone()).await?);
                }
            }
            Err(Unreadable { reason, reply }) => {
                self.keep(Outcome::Refused, Some(reason)).await?;
                return Ok(Held {
                    reply,
                    refused: Some("unreadable".to_owned()),
                    kept: true,
                });
            }
        }
        let refused = told.iter().find_map(|answer| answer.as_ref().err());
        let refused = refused.map(|refusal| refusal.code.clone());
        self.leave(dialogue.errands_after(&told)).await?;
        Ok(Held {
            reply: dialogue.reply(&told),
            refused,
            kept: true,
        })
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
            });
            let remark = format!("{} and {} are one order", twins.kept, twins.twin);
            if let Some(undone) = undone
                && let Err(refusal) = self.ask(Ask::GiveBack(undone), Some(remark)).await?
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
            app: self.app.clone(),
            known: Arc::clone(&self.known),
            raw: Arc::new(raw),
            since: self.since,
            replay_of: self.replay_of,
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
    pub(super) async fn keep(&self, outcome: Outcome, remarks: Option<String>) -> Result<(), Failed> {
        self.app
            .ledger
            .submit(self.command(Verb::Keep(outcome), remarks))
            .await?;
        Ok(())
    }

    pub(super) fn command(&self, verb: Verb, remarks: Option<String>) -> Command {
        Command {
            tenant: self.known.tenant,
            actor: format!("till:{}", self.known.connection.id),
            verb,
            raw: Some(Arc::clone(&self.raw)),
            remarks,
            language: self.language(),
            idempotency: None,
            replay_of: self.replay_of,
            since: self.since,
        }
    }
}
