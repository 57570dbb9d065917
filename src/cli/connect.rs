//! `kopilka connect`: a guided way from nothing to the first message of a till.

mod address;
mod listening;
mod person;
mod which_venue;

use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use kopilka_contract::{Language, Words};
use listening::Listener;
use person::{Person, Question};

use super::serve::{app, runtime};
use super::user::network_of;
use super::{Failure, local_time, open_existing, print, till_kind};
use crate::addresses::Addresses;
use crate::api::author::Author;
use crate::api::connection_view::warnings;
use crate::api::connections::{NewConnection, connect, renew};
use crate::api::problem::Problem;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::domain::ids::{ConnectionId, VenueId};
use crate::domain::watch::Watch;
use crate::http_client::{resolve, web_authority};
use crate::pos::{ADAPTERS, adapter};
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::venues::Venue;
use crate::storage::{Tenant, venues};

/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// A till that was heard within so many days works: its token is not taken without asking.
const LATELY: chrono::Days = chrono::Days::new(30);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Till system
    #[arg(value_parser = till_kind::one_of(ADAPTERS.iter().map(|adapter| adapter.kind())))]
    kind: Option<String>,
    /// Venue: its id, your own id of it, or its name
    #[arg(long)]
    venue: Option<String>,
    /// Address under which the till reaches this service, such as https://bonus.example.ru
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// What people call the connection; without it, the system and the venue
    #[arg(long)]
    name: Option<String>,
    /// The adapter's own settings, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    /// Go on with the connection of this system that the venue has: it gets another token, and keeps its settings
    #[arg(long, conflicts_with_all = ["another", "name", "settings"])]
    again: bool,
    /// Which connection to go on with, where the venue has several of this system
    #[arg(long, value_name = "ID", requires = "again", conflicts_with = "venue")]
    connection: Option<ConnectionId>,
    /// Do not ask before a till that works loses its token
    #[arg(long, requires = "again")]
    yes: bool,
    /// Make one more connection of this system beside the one that the venue has
    #[arg(long)]
    another: bool,
    /// Id of the venue's connection whose orders this one's are: the same sale told by both is one receipt
    #[arg(long, value_name = "ID", conflicts_with = "again")]
    shares_orders_with: Option<ConnectionId>,
    /// From where its messages may come, addresses and networks with commas between them, such as 10.0.0.0/8; without it, from
    /// anywhere
    #[arg(long, value_name = "ADDRESSES", default_value = "", conflicts_with = "again")]
    only_from: Addresses,
    /// Language of this command and of the words for the cashier: ru or en; without it ru, and with --again the cashier's stays
    #[arg(long, value_parser = language)]
    language: Option<Language>,
    /// Id of the network; needed where there are several
    #[arg(long)]
    network: Option<String>,
    /// How many minutes to wait for the till's first message; 0: not at all
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    wait: u64,
}

/// Whether anybody listens there, as seen from this machine. A name may take long to find: no longer than our patience.
fn answers(authority: String) -> bool {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let addresses = resolve(&authority).unwrap_or_default();
        let reached = |address| TcpStream::connect_timeout(address, PATIENCE).is_ok();
        // Nobody may wait for it any more.
        let _ = tell.send(addresses.iter().any(reached));
    });
    told.recv_timeout(PATIENCE).unwrap_or(false)
}

fn language(text: &str) -> Result<Language, String> {
    match text {
        "ru" => Ok(Language::Ru),
        "en" => Ok(Language::En),
        _ => Err("expected ru or en".to_owned()),
    }
}

pub(super) fn run(settings: &Settings, args: &Args) -> Result<(), Failure> {
    let person = Person {
        language: args.language.unwrap_or_default(),
    };
    let store = open_existing(settings, person.language)?;
    let tenant = network_of(&store, args.network.as_deref(), person.language)?;
    runtime()?.block_on(async {
        let app = app(store, settings, Arc::new(SystemClock))?;
        let guided = Guided { app, tenant, person };
        guided.connect(args).await
    })
}

/// A conversation with the person who connects a till.
struct Guided {
    app: App,
    tenant: Tenant,
    person: Person,
}

/// What the command is to do.
enum Goal {
    /// Give a connection another token.
    Renew(Box<StoredConnection>),
    /// Connect a system of this kind to a venue.
    Make(String, Box<Venue>),
}

impl Guided {
    async fn connect(&self, args: &Args) -> Result<(), Failure> {
        let goal = self.goal(args).await?;
        let address = address::address(self.person, args.address.as_deref())?;
        let author = Author::command_line(&self.app, self.tenant);
        let (made, token) = match goal {
            Goal::Renew(standing) => self.renew(&author, *standing, args).await?,
            Goal::Make(kind, venue) => self.make(&author, &kind, &venue, args).await?,
        };
        let (kind, again) = (
            made.kind.clone(),
            format!(
                "kopilka connect {} --again --connection {} --address {address}",
                made.kind, made.id
            ),
        );
        self.person.say(
            &format!("Адрес с токеном показывается один раз; токен — пароль кассы. Новый: {again}"),
            &format!(
                "The address with its token is shown once; the token is the till's password. Another: {again}"
            ),
        );
        self.warn(made.clone()).await?;
        let door = format!("{address}/pos/{kind}/{token}");
        self.person.guide(
            &adapter(&kind)
                .map(|adapter| adapter.guide(&door))
                .unwrap_or_default(),
        );
        if args.wait == 0 {
            return Ok(());
        }
        let longest = Duration::from_secs(args.wait.saturating_mul(60));
        self.wait(made, &address, longest).await
    }

    /// What is to be done: of all that the command line leaves open the person is asked.
    async fn goal(&self, args: &Args) -> Result<Goal, Failure> {
        if let Some(id) = args.connection {
            let standing = self.named(id, args.kind.as_deref()).await?;
            return Ok(Goal::Renew(Box::new(standing)));
        }
        let kind = self.kind(args)?;
        let venue = self.venue(args).await?;
        Ok(match self.standing(&kind, &venue, args).await? {
            Some(standing) => Goal::Renew(Box::new(standing)),
            None => Goal::Make(kind, Box::new(venue)),
        })
    }

    /// The connection of an id, which must be of the kind where one is named.
    async fn named(&self, id: ConnectionId, kind: Option<&str>) -> Result<StoredConnection, Failure> {
        let tenant = self.tenant;
        let found = self
            .app
            .read(move |c| till_connections::find(c, tenant, id))
            .await?;
        let found = found.filter(|found| found.active && kind.is_none_or(|kind| found.kind == kind));
        found.ok_or_else(|| {
            let of = kind.map_or_else(String::new, |kind| format!(" {kind}"));
            self.person.failure(&Words::new(
                format!("нет работающего подключения{of} {id}"),
                format!("there is no working connection{of} {id}"),
            ))
        })
    }

    /// The connection to go on with, where the venue has one of this kind: a second one would tell of the same sales.
    async fn standing(
        &self,
        kind: &str,
        venue: &Venue,
        args: &Args,
    ) -> Result<Option<StoredConnection>, Failure> {
        let (tenant, of) = (self.tenant, [venue.id]);
        let of_venue = self
            .app
            .read(move |c| till_connections::list(c, tenant, Some(&of), None, i64::MAX));
        let mut standing = of_venue.await?;
        standing.retain(|connection| connection.active && connection.kind == kind);
        if args.another || (standing.is_empty() && !args.again) {
            return Ok(None);
        }
        let mut choices: Vec<_> = standing
            .iter()
            .map(|c| (c.id.to_string(), c.name.clone()))
            .collect();
        if choices.is_empty() {
            let name = &venue.name;
            return Err(self.person.failure(&Words::new(
                format!("у заведения {name} нет подключения {kind}"),
                format!("{name} has no connection of {kind}"),
            )));
        }
        if !args.again {
            let names: Vec<&str> = standing.iter().map(|c| c.name.as_str()).collect();
            let found = Words::new(
                format!(
                    "У заведения уже есть такое подключение: {}. Новый токен для него — --again, ещё одно — --another",
                    names.join(", ")
                ),
                format!(
                    "The venue has such a connection: {}. Another token for it: --again; one more: --another",
                    names.join(", ")
                ),
            );
            if !self.person.is_there() {
                return Err(self.person.failure(&found));
            }
            print(self.person.words(&found));
            choices.push((
                "another".to_owned(),
                self.person.words(&Words::new("ещё одно", "one more")),
            ));
        }
        let question = Question::new(
            "--again --connection ID",
            "Какое подключение?",
            "Which connection?",
        );
        let chosen = self.person.choose(&question, &choices)?;
        Ok(standing
            .into_iter()
            .find(|connection| connection.id.to_string() == chosen))
    }

    /// Asks before the token of a till that works is taken.
    async fn may_take_token(&self, of: &StoredConnection, args: &Args) -> Result<(), Failure> {
        let lately = self.app.clock.now().checked_sub_days(LATELY);
        let Some(heard_at) = of.heard_at.filter(|at| Some(*at) > lately) else {
            return Ok(());
        };
        if args.yes {
            return Ok(());
        }
        let terms = network_terms(&self.app, self.tenant).await;
        let terms = terms.map_err(|problem| self.person.refused(problem))?;
        let at = local_time::shown(heard_at, local_time::zone(&terms, Some(of.venue)));
        let name = &of.name;
        let stops = Words::new(
            format!(
                "Касса «{name}» работает: последнее сообщение {at}. С новым токеном её прежний адрес перестанет действовать: \
                 чеки, карты и списания не дойдут, пока новый адрес не вписан во все её места (касса, вебхуки, плагин, сайт)"
            ),
            format!(
                "The till “{name}” works: its last message came {at}. With another token its former address stops working: no \
                 receipts, cards or redemptions come until the new one is entered wherever the old one stands (till, webhooks, plugin, site)"
            ),
        );
        if !self.person.is_there() {
            return Err(format!("{}. --yes", self.person.words(&stops)).into());
        }
        print(format!("{}.", self.person.words(&stops)));
        let question = Question::new("--yes", "Сменить токен? (да/нет)", "Take the token? (yes/no)");
        if self.person.agrees(&question)? {
            return Ok(());
        }
        let stays = Words::new("токен остался прежним", "the token stays as it was");
        Err(self.person.failure(&stays))
    }

    async fn renew(
        &self,
        author: &Author,
        standing: StoredConnection,
        args: &Args,
    ) -> Result<(StoredConnection, String), Failure> {
        self.may_take_token(&standing, args).await?;
        let (tenant, of) = (self.tenant, standing.id);
        let renewed = renew(&self.app, author, args.language, move |c| {
            till_connections::find(c, tenant, of)?.ok_or_else(Problem::not_found)
        });
        let (found, token) = renewed.await.map_err(|problem| self.person.refused(problem))?;
        self.person.say(
            &format!(
                "Подключение {}: {}. Прежний токен больше не действует.",
                found.id, found.name
            ),
            &format!(
                "The connection {}: {}. Its former token works no more.",
                found.id, found.name
            ),
        );
        Ok((found, token))
    }

    async fn make(
        &self,
        author: &Author,
        kind: &str,
        venue: &Venue,
        args: &Args,
    ) -> Result<(StoredConnection, String), Failure> {
        let title = adapter(kind).map_or(kind, |adapter| adapter.title());
        let new = NewConnection {
            name: args
                .name
                .clone()
                .unwrap_or_else(|| format!("{title}, {}", venue.name)),
            settings: serde_json::from_str(&args.settings).map_err(|error| {
                self.person.failure(&Words::new(
                    format!("--settings — не JSON: {error}"),
                    format!("--settings is no JSON: {error}"),
                ))
            })?,
            language: self.person.language,
            watch: Watch::default(),
            shares_orders_with: args.shares_orders_with,
            only_from: args.only_from.clone(),
            kind: kind.to_owned(),
        };
        let at = venue.id;
        let made = connect(&self.app, author, new, move |_| Ok::<VenueId, Problem>(at)).await;
        let (made, token) = made.map_err(|problem| self.person.refused(problem))?;
        self.person.say(
            &format!("Подключение {} готово: {}.", made.id, made.name),
            &format!("The connection {} is made: {}.", made.id, made.name),
        );
        Ok((made, token))
    }

    /// What a person should mend before the till speaks: another connection that tells of the same sales.
    async fn warn(&self, made: StoredConnection) -> Result<(), Failure> {
        let tenant = self.tenant;
        let found = self.app.read(move |c| warnings(c, tenant, made)).await;
        for words in found.map_err(|problem| self.person.refused(problem))? {
            self.person
                .say(&format!("\n! {}", words.ru), &format!("\n! {}", words.en));
        }
        Ok(())
    }

    fn kind(&self, args: &Args) -> Result<String, Failure> {
        if let Some(kind) = &args.kind {
            return Ok(kind.clone());
        }
        let kinds: Vec<_> = ADAPTERS
            .iter()
            .map(|a| (a.kind().to_owned(), a.title().to_owned()))
            .collect();
        let question = Question::new("[KIND]", "Какая касса?", "Which till system?");
        self.person.choose(&question, &kinds)
    }

    async fn venue(&self, args: &Args) -> Result<Venue, Failure> {
        let tenant = self.tenant;
        let all = self
            .app
            .read(move |c| venues::list(c, tenant, None, Some(false), None, i64::MAX))
            .await?;
        which_venue::choose(self.person, all, args.venue.as_deref())
    }

    /// Waits until the till has sold, and tells what it hears.
    async fn wait(&self, of: StoredConnection, address: &str, longest: Duration) -> Result<(), Failure> {
        let listener = Listener::new(&self.app, self.tenant, self.person, of).await?;
        if let Some(address) = web_authority(address)
            && !answers(address.clone())
        {
            self.person.say(
                &format!("! По адресу {address} отсюда никто не отвечает: запущен ли сервис, тот ли адрес?"),
                &format!(
                    "! Nobody answers at {address} from here: does the service run, is the address right?"
                ),
            );
        }
        self.person.say(
            "Жду первого сообщения кассы: проведите чек или заказ гостя программы. Ctrl-C — не ждать, подключение останется.",
            "Waiting for the till's first message: close a receipt or an order of a guest. Ctrl-C: do not wait, the connection stays.",
        );
        listener.wait(longest).await
    }
}
