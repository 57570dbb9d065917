//! The venue whose till is connected, as people name it.

use kopilka_contract::Words;

use super::person::{Person, Question};
use crate::cli::Failure;
use crate::domain::ids::VenueId;
use crate::storage::venues::Venue;

/// So many venues are listed to whoever has named none of them.
const MOST_LISTED: usize = 20;

/// The venue that was named, or else is asked for.
pub(super) fn choose(person: Person, mut all: Vec<Venue>, named: Option<&str>) -> Result<Venue, Failure> {
    if all.is_empty() {
        return Err(person.failure(&Words::new(
            "у сети нет ни одного заведения: сначала создайте его (POST /api/v1/venues), потом повторите",
            "the network has no venue: make one first (POST /api/v1/venues), then try again",
        )));
    }
    let place = match named {
        Some(named) => place_of(&all, named).map_err(|words| person.failure(&words))?,
        None => {
            let names: Vec<_> = all.iter().map(|v| (v.id.to_string(), v.name.clone())).collect();
            let question = Question::new("--venue", "Какое заведение?", "Which venue?");
            let chosen = person.choose(&question, &names)?;
            names.iter().position(|(id, _)| *id == chosen).unwrap_or_default()
        }
    };
    Ok(all.swap_remove(place))
}

/// Where the venue stands that a person names: by its id or his own id of it, and by its name where only one is called so.
fn place_of(all: &[Venue], named: &str) -> Result<usize, Words> {
    let id = named.parse::<VenueId>().ok();
    let by_id = |venue: &Venue| Some(venue.id) == id || venue.external_id.as_deref() == Some(named);
    if let Some(place) = all.iter().position(by_id) {
        return Ok(place);
    }
    let wanted = named.trim().to_lowercase();
    let mut called_so = (0..all.len()).filter(|&place| {
        let venue = all.get(place);
        venue.is_some_and(|venue| venue.name.trim().to_lowercase() == wanted)
    });
    match (called_so.next(), called_so.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Words::new(
            format!(
                "заведений с названием {named} несколько, назовите по id: {}",
                list(all)
            ),
            format!(
                "several venues are called {named}, name it by its id: {}",
                list(all)
            ),
        )),
        (None, _) => Err(Words::new(
            format!("нет заведения {named}; есть: {}", list(all)),
            format!("there is no venue {named}; there are: {}", list(all)),
        )),
    }
}

/// What there is, each with all by which it can be named.
fn list(all: &[Venue]) -> String {
    let listed = all.iter().take(MOST_LISTED).map(|venue| {
        let own = venue.external_id.as_deref();
        let own = own.map_or_else(String::new, |own| format!("{own}, "));
        format!("{} ({own}{})", venue.name, venue.id)
    });
    let mut listed = listed.collect::<Vec<_>>().join("; ");
    if all.len() > MOST_LISTED {
        listed.push_str("; …");
    }
    listed
}
