//! The commit pipeline: commands queue for a writer, the writer drains what has queued, decides it as one batch and
//! commits it once. A command that comes alone takes the same path at once: batching never waits for company.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::sync::Arc;
use std::time::Duration;

use diesel::r2d2::R2D2Connection;
use kopilka_contract::{PaidBy, Words, words};
use tokio::sync::{mpsc, oneshot};

use super::asker::Asker;
use super::changed_sale::StandingSale;
use super::command::{Answer, Answered, Command, Failure, Verb};
use super::kept_message;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::books::Hash;
use crate::domain::decide::{self, Adjustment, Context};
use crate::domain::ids::{HoldId, IdSource, MessageId, NetworkId};
use crate::domain::refusal::Refusal;
use crate::domain::world::{IdempotencyKey, RememberedAnswer, SourceKey, World};
use crate::storage::connection::guarded;
use crate::storage::ledger::message::{Outcome, Remember, StoredMessage};
use crate::storage::ledger::{self, LoadKeys};
use crate::storage::terms::{NetworkTerms, TermsCache};
use crate::storage::write_ahead_log::{self, LogCarrier};
use crate::storage::{AnyConnection, StorageError, Store};

/// How the pipeline is built.
#[derive(Debug, Clone, Copy)]
pub struct PipelineOptions {
    /// Commands that may wait in all; one more is told that we are busy.
    pub queue: usize,
    /// Most commands in one commit.
    pub batch: usize,
    /// Writers on PostgreSQL. SQLite has one.
    pub writers: usize,
}

impl Default for PipelineOptions {
    fn default() -> Self {
        PipelineOptions {
            queue: 4096,
            batch: 256,
            writers: 2,
        }
    }
}

/// How often a batch that lost a race is decided again.
const ATTEMPTS: u32 = 12;

struct Job {
    command: Command,
    reply: oneshot::Sender<Result<Answered, Failure>>,
}

/// The queues of the writers.
#[derive(Clone)]
pub struct Writers {
    queues: Arc<[mpsc::Sender<Job>]>,
}

impl Writers {
    /// Queues a command and waits for its answer.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn submit(&self, command: Command) -> Result<Answered, Failure> {
        let (reply, answer) = oneshot::channel();
        let index = shard(&command, self.queues.len());
        let queue = self.queues.get(index).ok_or(Failure::Internal)?;
        queue
            .try_send(Job { command, reply })
            .map_err(|_| Failure::Busy)?;
        answer.await.unwrap_or(Err(Failure::Internal))
    }
}

/// Commands about one guest go to one writer, and so do those about one order of a source with versions, so that writers seldom
/// race each other. Where they do (a guest named in two ways), the version of the account decides.
fn shard(command: &Command, writers: usize) -> usize {
    if writers < 2 {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    match &command.verb {
        Verb::Close(_, close) => match close.receipt.named() {
            Some(who) if close.receipt.version.is_none() => who.hash(&mut hasher),
            // Several roads may tell of it at once, each naming the guest in its own way or not at all.
            _ => close.receipt.external_id.hash(&mut hasher),
        },
        Verb::Hold(_, hold) => hold.customer.hash(&mut hasher),
        Verb::Spend(_, spend) => spend.customer.hash(&mut hasher),
        Verb::SettleWriteOff(_, settle) => settle.customer.hash(&mut hasher),
        Verb::Amend(who, _) => who.hash(&mut hasher),
        Verb::GiveBack { sale, .. } | Verb::UndoReturn { sale, .. } => sale.external_id.hash(&mut hasher),
        Verb::Void(_, name) => name.hash(&mut hasher),
        Verb::Keep(_) => {}
    }
    usize::try_from(hasher.finish() % u64::try_from(writers).unwrap_or(1)).unwrap_or(0)
}

/// Starts the writers.
pub(super) fn start(
    store: &Store,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdSource>,
    terms: &Arc<TermsCache>,
    options: PipelineOptions,
) -> Result<Writers, StorageError> {
    let count = if store.is_sqlite() {
        1
    } else {
        options.writers.max(1)
    };
    let mut queues = Vec::with_capacity(count);
    for number in 0..count {
        let (sender, receiver) = mpsc::channel(options.queue.max(1));
        let mut connection = store.own_connection()?;
        let writer = Writer {
            log_carrier: LogCarrier::start(store, &mut connection)?,
            connection,
            store: store.clone(),
            clock: Arc::clone(clock),
            ids: Arc::clone(ids),
            terms: Arc::clone(terms),
        };
        let batch = options.batch.max(1);
        std::thread::Builder::new()
            .name(format!("ledger-{number}"))
            .spawn(move || writer.run(receiver, batch))
            .map_err(|e| StorageError::Connect(e.to_string()))?;
        queues.push(sender);
    }
    Ok(Writers {
        queues: queues.into(),
    })
}

struct Writer {
    connection: AnyConnection,
    log_carrier: Option<LogCarrier>,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    terms: Arc<TermsCache>,
}

/// What was decided about one command.
struct Decision {
    result: Result<Answered, Failure>,
    message: Option<StoredMessage>,
    remember: Vec<Remember>,
    /// Who waits for it still, with the id of the message.
    serves: Option<(Arc<Asker>, MessageId)>,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Job>, batch: usize) {
        let mut jobs = Vec::with_capacity(batch);
        while let Some(first) = queue.blocking_recv() {
            jobs.push(first);
            while jobs.len() < batch {
                match queue.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            self.carry_out(&mut jobs);
        }
    }

    /// Carries out a batch and answers each command. Where the batch as a whole fails for good, each command is tried
    /// alone, so that one that the database does not take can't take the others with it.
    fn carry_out(&mut self, jobs: &mut Vec<Job>) {
        let commands: Vec<&Command> = jobs.iter().map(|job| &job.command).collect();
        match self.commit(&commands) {
            Ok(results) => {
                for (job, result) in jobs.drain(..).zip(results) {
                    // Whoever asked may have gone; the receipt is posted all the same.
                    let _ = job.reply.send(result);
                }
            }
            Err(error) if jobs.len() > 1 => {
                tracing::warn!(%error, commands = jobs.len(), "a batch failed; trying its commands one by one");
                for job in jobs.drain(..) {
                    self.carry_out(&mut vec![job]);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a command failed");
                for job in jobs.drain(..) {
                    let failure = if error.is_transient() {
                        Failure::Busy
                    } else {
                        self.keep_failed(&job.command, &error)
                    };
                    let _ = job.reply.send(Err(failure));
                }
            }
        }
    }

    /// What fails for good would fail however often it came: its message waits for a person, and what comes behind it goes on.
    fn keep_failed(&mut self, command: &Command, error: &StorageError) -> Failure {
        // A message that a person does again is kept already.
        if command.raw.is_none() || command.replay_of.is_some() {
            return Failure::Internal;
        }
        let keep = Command {
            verb: Verb::Keep(Outcome::Failed),
            remarks: vec![words!("ошибка сервиса: {error}", "the service failed: {error}")],
            idempotency: None,
            ..command.clone()
        };
        match self.commit(&[&keep]) {
            Ok(_) => Failure::Kept,
            Err(error) => {
                tracing::error!(%error, "the message of a command that failed can't be kept");
                Failure::Internal
            }
        }
    }

    /// Load, decide, apply; again from the start where a race was lost.
    fn commit(&mut self, commands: &[&Command]) -> Result<Vec<Result<Answered, Failure>>, StorageError> {
        let mut attempt = 0;
        loop {
            // Whatever a command breaks down by, the writer is everybody's.
            let error = match guarded(|| self.commit_once(commands)) {
                Ok(results) => return Ok(results),
                Err(error) => error,
            };
            attempt += 1;
            if attempt >= ATTEMPTS || !error.is_transient() {
                self.reconnect_if_broken(&error);
                return Err(error);
            }
            tracing::debug!(%error, attempt, "a batch lost a race and is decided again");
            self.reconnect_if_broken(&error);
            // The other writer is in its commit; a growing, uneven pause lets one of the two through.
            let uneven = u64::from(attempt) * (1 + self.ids.next_id().unsigned_abs() % 3);
            std::thread::sleep(Duration::from_millis(uneven.min(50)));
        }
    }

    /// A connection that the program broke down on is in nobody knows what state; of any other, what it answers tells whether it lives.
    fn reconnect_if_broken(&mut self, error: &StorageError) {
        let is_sound = match error {
            StorageError::BrokeDown => false,
            // The database was not at fault: somebody else was faster.
            StorageError::LostRace(_) => true,
            _ => !self.connection.is_broken() && self.connection.ping().is_ok(),
        };
        if is_sound {
            return;
        }
        match self.store.own_connection() {
            Ok(mut connection) => {
                if let Err(error) = write_ahead_log::prepare(&mut connection) {
                    tracing::warn!(%error, "a new connection of the ledger's writer can't be prepared");
                }
                self.connection = connection;
            }
            Err(error) => tracing::error!(%error, "a ledger writer can't reconnect"),
        }
    }

    fn commit_once(&mut self, commands: &[&Command]) -> Result<Vec<Result<Answered, Failure>>, StorageError> {
        let keys = LoadKeys {
            now: self.clock.now(),
            ..load_keys(commands)
        };
        let loaded = ledger::load(&mut self.connection, &keys)?;
        let mut world = loaded.world;
        let mut networks: HashMap<NetworkId, Arc<NetworkTerms>> = HashMap::new();
        for (network, version) in loaded.versions {
            if let Some(terms) = self.terms.at_version(&mut self.connection, network, version)? {
                world
                    .terms
                    .extend(terms.venues.iter().map(|(id, terms)| (*id, Arc::clone(terms))));
                networks.insert(network, terms);
            }
        }
        let now = self.clock.now();
        let mut decisions: Vec<Decision> = Vec::with_capacity(commands.len());
        for command in commands {
            let offset = networks
                .get(&command.tenant.network())
                .map(|n| n.clock_offset)
                .unwrap_or_default();
            let told_at = command.raw.as_ref().map_or(now, |raw| raw.received_at);
            decisions.push(self.decide(&mut world, command, (now + offset, told_at + offset))?);
        }
        let messages: Vec<StoredMessage> = decisions.iter_mut().filter_map(|d| d.message.take()).collect();
        let answers: Vec<Remember> = decisions
            .iter_mut()
            .flat_map(|d| std::mem::take(&mut d.remember))
            .collect();
        ledger::apply(&mut self.connection, &world, &messages, &answers)?;
        for (asker, message) in decisions.iter_mut().filter_map(|d| d.serves.take()) {
            asker.serve(message);
        }
        if let Some(carrier) = &self.log_carrier {
            carrier.committed(commands.len());
        }
        Ok(decisions.into_iter().map(|d| d.result).collect())
    }

    fn decide(
        &self,
        world: &mut World,
        command: &Command,
        (now, told_at): (Timestamp, Timestamp),
    ) -> Result<Decision, StorageError> {
        if command.hangs_on_answer() && command.asker_has_gone() {
            return Ok(self.decision(command, Err(Failure::AskerGone), None, Vec::new()));
        }
        let network = command.tenant.network();
        let key = command.idempotency.as_ref().map(|(key, _)| IdempotencyKey {
            network,
            actor: command.actor.clone(),
            key: key.clone(),
        });
        let fingerprint = command.idempotency.as_ref().map(|(_, fingerprint)| *fingerprint);
        if let Some(known) = key.as_ref().and_then(|key| world.remembered.get(key)) {
            let result = if Some(known.fingerprint) == fingerprint {
                Ok(Answered {
                    answer: serde_json::from_str(&known.answer)?,
                    status: known.status,
                    by_key: true,
                })
            } else {
                Err(Failure::Refused(Refusal::IdempotencyKeyReused))
            };
            return Ok(self.decision(command, result, None, Vec::new()));
        }
        let sold_before = StandingSale::before(world, command);
        let result = match carry(world, command, (now, told_at), &*self.ids) {
            Ok(answer) => {
                let status = if answer.is_replay() { 200 } else { answer.status() };
                Ok(Answered {
                    answer,
                    status,
                    by_key: false,
                })
            }
            Err(refusal) => Err(Failure::Refused(refusal)),
        };
        let mut remember = Vec::new();
        if let Ok(Answered {
            answer: Answer::Voided(voided),
            ..
        }) = &result
            && voided.id.is_none()
        {
            remember.extend(let_go(world, command, now));
        }
        if let (Ok(answered), Some(key), Some(fingerprint)) = (&result, key, fingerprint) {
            let answer = RememberedAnswer {
                fingerprint,
                status: answered.status,
                answer: serde_json::to_string(&answered.answer)?,
            };
            world.remembered.insert(key.clone(), answer.clone());
            remember.push(Remember { key, answer, at: now });
        }
        let changed = sold_before.and_then(|sold| sold.remark(&result));
        Ok(self.decision(command, result, changed, remember))
    }

    fn decision(
        &self,
        command: &Command,
        result: Result<Answered, Failure>,
        changed: Option<Words>,
        remember: Vec<Remember>,
    ) -> Decision {
        // Looked at once: a message that says nothing of it is one that serves him.
        let asker = command.asker.as_ref().filter(|asker| !asker.has_gone());
        let is_late = command.asker.is_some() && asker.is_none();
        let message = kept_message::of(command, &result, changed, is_late, &*self.ids);
        Decision {
            serves: asker.cloned().zip(message.as_ref().map(|message| message.id)),
            message,
            result,
            remember,
        }
    }
}

/// A hold was let go that nobody had taken yet: whoever takes it late must find that.
fn let_go(world: &mut World, command: &Command, now: Timestamp) -> Option<Remember> {
    let Verb::Void(place, name) = &command.verb else {
        return None;
    };
    let key = decide::let_go_key(&source_key(command.tenant.network(), place, name));
    if world.remembered.contains_key(&key) {
        return None;
    }
    let answer = RememberedAnswer {
        fingerprint: Hash::default(),
        status: 200,
        answer: String::new(),
    };
    world.remembered.insert(key.clone(), answer.clone());
    Some(Remember { key, answer, at: now })
}

/// One command against the world, purely.
fn carry(
    world: &mut World,
    command: &Command,
    (now, told_at): (Timestamp, Timestamp),
    ids: &dyn IdSource,
) -> Result<Answer, Refusal> {
    let actor = command.actor.as_str();
    if let Verb::Amend(customer, amend) = &command.verb {
        let network = command.tenant.network();
        let adjustment = Adjustment {
            network,
            customer,
            amend,
            actor,
            now,
            ids,
        };
        return decide::amend(world, adjustment).map(|answer| Answer::Adjusted(Box::new(answer)));
    }
    let Some(place) = command.verb.place() else {
        return Ok(Answer::Kept);
    };
    let terms = world
        .terms
        .get(&place.venue)
        .filter(|t| t.network == command.tenant.network())
        .cloned();
    let Some(terms) = terms else {
        return Err(Refusal::invalid(
            "/venue_id",
            "Такого заведения нет.",
            "There is no such venue.",
        ));
    };
    let cx = Context {
        terms: &terms,
        source: &place.source,
        actor,
        now,
        told_at,
        ids,
    };
    match &command.verb {
        Verb::Close(_, ask) => decide::close(world, cx, ask).map(|answer| Answer::Closed(Box::new(answer))),
        Verb::GiveBack {
            external_id,
            sale,
            request,
            ..
        } => decide::give_back(world, cx, external_id, sale, request)
            .map(|answer| Answer::Returned(Box::new(answer))),
        Verb::UndoReturn {
            external_id,
            sale,
            version,
            undone_at,
            ..
        } => decide::undo_return(world, cx, external_id, sale, *version, *undone_at)
            .map(|answer| Answer::Returned(Box::new(answer))),
        Verb::Hold(_, ask) => decide::hold(world, cx, ask).map(|answer| Answer::Held(Box::new(answer))),
        Verb::Void(_, name) => decide::void(world, cx, name).map(Answer::Voided),
        Verb::Spend(_, ask) => decide::spend(world, cx, ask).map(|answer| Answer::Spent(Box::new(answer))),
        Verb::SettleWriteOff(_, ask) => {
            decide::settle_write_off(world, cx, ask.transaction, ask.give_back, &ask.note)
                .map(|answer| Answer::Adjusted(Box::new(answer)))
        }
        Verb::Amend(..) | Verb::Keep(_) => Ok(Answer::Kept),
    }
}

/// Everything that the commands ask for.
fn load_keys(commands: &[&Command]) -> LoadKeys {
    let mut keys = LoadKeys::default();
    for command in commands {
        add_keys(&mut keys, command.tenant.network(), &command.verb);
        if let Some((key, _)) = &command.idempotency {
            let actor = command.actor.clone();
            keys.remembered.insert(IdempotencyKey {
                network: command.tenant.network(),
                actor,
                key: key.clone(),
            });
        }
    }
    keys
}

fn source_key(network: NetworkId, place: &super::Place, external_id: &str) -> SourceKey {
    SourceKey {
        network,
        venue: place.venue,
        source: place.source.clone(),
        external_id: external_id.to_owned(),
    }
}

/// What one verb asks for. Reads use it too, so that a quote knows exactly what a close would.
pub(super) fn add_keys(keys: &mut LoadKeys, network: NetworkId, verb: &Verb) {
    keys.networks.insert(network);
    let key = |place: &super::Place, external_id: &str| source_key(network, place, external_id);
    let hold_name = |keys: &mut LoadKeys, place: &super::Place, name: &str| match name.parse::<HoldId>() {
        Ok(id) => drop(keys.holds.insert((network, id))),
        Err(_) => drop(keys.hold_keys.insert(key(place, name))),
    };
    match verb {
        Verb::Close(place, close) => {
            if !close.receipt.external_id.is_empty() {
                keys.receipts.insert(key(place, &close.receipt.external_id));
            }
            if let Some(who) = close.receipt.named() {
                keys.customers.insert((network, who.clone()));
            }
            if let Some(phone) = &close.receipt.phone {
                keys.customers
                    .insert((network, kopilka_contract::CustomerRef::Phone(phone.clone())));
            }
            for hold in close.holds() {
                hold_name(keys, place, hold);
            }
            if let Some((id, renewed)) = decide::hold_keys(close, |name| key(place, name)) {
                keys.holds.extend(id.map(|id| (network, id)));
                keys.hold_keys.insert(renewed);
            }
            let payers = close.payers.iter().filter_map(|payer| match &payer.by {
                PaidBy::Guest(who) => Some((network, who.clone())),
                PaidBy::Hold(_) => None,
            });
            keys.customers.extend(payers);
            keys.write_offs |= matches!(close.redemption, kopilka_contract::Redemption::Before(_));
        }
        Verb::GiveBack {
            place,
            external_id,
            sale,
            ..
        }
        | Verb::UndoReturn {
            place,
            external_id,
            sale,
            ..
        } => {
            keys.returns.insert(key(place, external_id));
            keys.receipts.insert(sale.clone());
        }
        Verb::Hold(place, hold) => {
            keys.customers.insert((network, hold.customer.clone()));
            if !hold.external_id.is_empty() {
                let key = key(place, &hold.external_id);
                if hold.once {
                    keys.remembered.insert(decide::let_go_key(&key));
                }
                keys.hold_keys.insert(key);
            }
            keys.orders
                .extend(hold.of_order.iter().map(|order| key(place, order)));
        }
        Verb::Void(place, name) => {
            keys.remembered.insert(decide::let_go_key(&key(place, name)));
            hold_name(keys, place, name);
        }
        Verb::Spend(place, spend) => {
            keys.customers.insert((network, spend.customer.clone()));
            keys.hold_keys.insert(key(place, &spend.session));
            keys.write_offs = true;
        }
        Verb::SettleWriteOff(_, settle) => {
            keys.customers.insert((network, settle.customer.clone()));
            keys.write_offs = true;
        }
        Verb::Amend(who, _) => drop(keys.customers.insert((network, who.clone()))),
        Verb::Keep(_) => {}
    }
}
