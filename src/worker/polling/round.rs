//! One round: from taking a connection until its adapter wants to rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kopilka_contract::{
    Adapter, Delivery, Errand, HttpAnswer, HttpCall, Next, POLL_PATH, Poll, PutOff, Settings, Situation, Step,
};
use serde_json::Value;

use super::backoff;
use super::{Reach, VendorClient};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::ConnectionId;
use crate::pos::connection_cache::Known;
use crate::pos::conversation;
use crate::pos::incoming::Incoming;
use crate::pos::secrets;
use crate::storage::polls::{self, Lease};
use crate::storage::{StorageError, Tenant, errands, till_connections};

/// How long a connection is held without a sign of life, calls not counted: an instance that is killed keeps the others
/// from asking for so long.
const LEASE_S: i64 = 20;
/// How often it gives one while it delivers.
const ALIVE: Duration = Duration::from_secs(5);
/// After so many steps others have their turn, as soon as no question is open.
const MANY_STEPS: usize = 500;
/// Most steps of a round, a question open or not. It is no failure: who has many restaurants may have as many questions
/// without any news, and the next round goes on from what was written down.
const MOST_STEPS: usize = 2 * MANY_STEPS;
/// Longest reason of a failure that is kept, in characters.
const LONGEST_REASON: usize = 500;

/// A round under way.
struct Round<'a> {
    app: &'a App,
    client: &'a VendorClient,
    reach: Reach,
    adapter: &'static dyn Adapter,
    poll: &'a dyn Poll,
    known: Arc<Known>,
    settings: Settings,
    lease: Lease,
    failures: u32,
    state: Value,
    errands: Vec<Errand>,
    /// The newest errand that this round knows of.
    upto: i64,
    /// What is carried out or put off and not yet written down.
    done: Vec<String>,
    put_off: Vec<PutOff>,
}

/// How a round ends.
enum End {
    Rest(Option<Timestamp>),
    Failed(String, Option<Timestamp>),
    /// Somebody else has the connection by now: they go on from what was written down.
    Lost,
}

/// Asks for one connection. False: it was not due any more, or somebody else is asking.
///
/// # Errors
/// Those of the database.
pub(super) async fn go(
    app: &App,
    client: &VendorClient,
    adapters: &'static [&'static dyn Adapter],
    tenant: Tenant,
    id: ConnectionId,
) -> Result<bool, StorageError> {
    let (now, lease) = (
        app.clock.now(),
        Lease {
            tenant,
            connection: id,
            number: app.ids.next_id(),
        },
    );
    let until = now + chrono::Duration::seconds(LEASE_S);
    let Some(taken) = app.write(move |c| polls::take(c, lease, now, until)).await? else {
        return Ok(false);
    };
    let Some(connection) = app.read(move |c| till_connections::find(c, tenant, id)).await? else {
        return Ok(false);
    };
    let kind = connection.kind.clone();
    let known = Arc::new(Known { tenant, connection });
    let Some(adapter) = adapters.iter().copied().find(|adapter| adapter.kind() == kind) else {
        return Ok(false);
    };
    let (Some(poll), Ok(settings)) = (adapter.poll(), conversation::settings(app, &known).await) else {
        return Ok(false);
    };
    let mut round = Round {
        app,
        client,
        reach: Reach::of(app).await?,
        adapter,
        poll,
        known,
        settings,
        lease,
        failures: taken.failures,
        state: taken.state,
        errands: Vec::new(),
        upto: 0,
        done: Vec::new(),
        put_off: Vec::new(),
    };
    let end = round.run().await?;
    round.close(end).await?;
    Ok(true)
}

impl Round<'_> {
    async fn run(&mut self) -> Result<End, StorageError> {
        self.look_for_errands().await?;
        let mut answer: Option<HttpAnswer> = None;
        for number in 0..MOST_STEPS {
            // An answer that was not looked at would count as none: the round is cut between questions only.
            if number >= MANY_STEPS && answer.is_none() {
                return Ok(End::Rest(Some(self.app.clock.now())));
            }
            let step = self.poll.step(&Situation {
                settings: &self.settings,
                state: &self.state,
                errands: &self.errands,
                now: self.app.clock.now(),
                answer: answer.as_ref(),
            });
            answer = None;
            match step.next.clone() {
                Next::Call(call) => {
                    self.accept(step);
                    if !self.renew(call.timeout_s).await? {
                        return Ok(End::Lost);
                    }
                    match self.client.send(&call, self.reach).await {
                        Ok(answered) => answer = Some(answered),
                        Err(reason) => return Ok(End::Failed(reason, None)),
                    }
                }
                Next::Deliver(messages) => {
                    let mut alive = Instant::now();
                    for message in messages {
                        if alive.elapsed() > ALIVE {
                            alive = Instant::now();
                            if !self.renew(0).await? {
                                return Ok(End::Lost);
                            }
                        }
                        if !self.deliver(message).await {
                            return Ok(End::Failed("the books were too busy to take it".to_owned(), None));
                        }
                    }
                    self.accept(step);
                    if !self.write_down().await? {
                        return Ok(End::Lost);
                    }
                }
                Next::Rest { until } => {
                    self.accept(step);
                    return Ok(End::Rest(Some(until)));
                }
                Next::Off => {
                    self.accept(step);
                    return Ok(End::Rest(None));
                }
                Next::Failed { reason, retry_at } => {
                    self.accept(step);
                    return Ok(End::Failed(reason, retry_at));
                }
            }
        }
        tracing::warn!(connection = %self.lease.connection, "a round without an end is cut");
        Ok(End::Rest(Some(self.app.clock.now())))
    }

    async fn look_for_errands(&mut self) -> Result<(), StorageError> {
        let (lease, now) = (self.lease, self.app.clock.now());
        let waiting = self
            .app
            .read(move |c| errands::waiting(c, lease.tenant, lease.connection, now))
            .await?;
        (self.errands, self.upto) = (waiting.errands, waiting.upto);
        Ok(())
    }

    /// Takes over what a step says besides what comes next.
    fn accept(&mut self, step: Step) {
        let gone = |key: &String| step.done.contains(key) || step.put_off.iter().any(|p| &p.key == key);
        self.errands.retain(|errand| !gone(&errand.key));
        self.state = step.state;
        self.done.extend(step.done);
        self.put_off.extend(step.put_off);
    }

    /// Says that this instance lives, and for how many seconds it will be heard of no more. False: the lease is lost.
    async fn renew(&self, silent_s: u32) -> Result<bool, StorageError> {
        let silent_s = i64::from(silent_s.min(HttpCall::LONGEST_S));
        let until = self.app.clock.now() + chrono::Duration::seconds(LEASE_S + silent_s);
        let lease = self.lease;
        self.app.write(move |c| polls::renew(c, lease, until)).await
    }

    /// Takes one message as the door would. False: nobody knows whether it was posted; it must come again.
    async fn deliver(&self, message: Delivery) -> bool {
        let incoming = Incoming {
            method: "POST".to_owned(),
            path: format!("{POLL_PATH}{}", message.path),
            query: message.query,
            content_type: message.content_type,
            body: message.body.into(),
            login: None,
            received_at: self.app.clock.now(),
            replay_of: None,
        };
        conversation::hold(self.app, self.adapter, &self.known, incoming, None)
            .await
            .kept
    }

    /// Makes durable what the adapter remembers and what is done. False: the lease is lost.
    async fn write_down(&mut self) -> Result<bool, StorageError> {
        let (lease, state, upto) = (self.lease, self.state.clone(), self.upto);
        let (done, put_off) = (std::mem::take(&mut self.done), std::mem::take(&mut self.put_off));
        let held = self
            .app
            .write(move |c| -> Result<bool, StorageError> {
                if !polls::remember(c, lease, &state)? {
                    return Ok(false);
                }
                errands::done(c, lease.tenant, lease.connection, &done, upto)?;
                for one in &put_off {
                    errands::put_off(c, lease.tenant, lease.connection, one, upto)?;
                }
                Ok(true)
            })
            .await?;
        Ok(held && self.renew(0).await?)
    }

    async fn close(&mut self, end: End) -> Result<(), StorageError> {
        if matches!(end, End::Lost) || !self.write_down().await? {
            tracing::warn!(connection = %self.lease.connection, "another instance asks by now");
            return Ok(());
        }
        let (lease, now) = (self.lease, self.app.clock.now());
        match end {
            End::Rest(until) => self.app.write(move |c| polls::rest(c, lease, until, now)).await,
            End::Failed(reason, retry_at) => {
                let reason = self.sentence(&reason);
                tracing::warn!(connection = %lease.connection, kind = self.adapter.kind(), reason, "a vendor's system can't be asked");
                let again = retry_at
                    .filter(|at| *at > now)
                    .unwrap_or_else(|| now + backoff::wait(self.failures.saturating_add(1), self.chance()));
                self.app
                    .write(move |c| polls::fail(c, lease, &reason, again, now))
                    .await
            }
            End::Lost => Ok(()),
        }
    }

    /// Why a round failed, short and without secrets, whatever the vendor's words were.
    fn sentence(&self, reason: &str) -> String {
        let clean = secrets::blotted(self.adapter, &self.settings.values, reason);
        clean.replace('\0', "").chars().take(LONGEST_REASON).collect()
    }

    fn chance(&self) -> u8 {
        let mut byte = [0];
        // Without chance the pause is the shortest one: good enough.
        let _ = getrandom::fill(&mut byte);
        byte[0]
    }
}
