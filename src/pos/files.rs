//! Files that come in parts: kept until a message asks for the whole of one.

use kopilka_contract::{Adapter, Filing, Words};

use super::connection_cache::Known;
use super::incoming::Incoming;
use crate::api::problem::Problem;
use crate::app::App;
use crate::storage::till_files::{self, FilePlace, NoRoom};
use crate::storage::{AnyConnection, StorageError};

/// What is to be done with a message after its file was looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// It has nothing to do with a part of a file: it is read and kept like any other.
    ReadOn,
    /// It brought a part, which is kept: it is answered, and is not to be kept once more.
    PartKept,
    /// It brought a part for which there is no room.
    NoRoom(Words),
}

/// Looks after the file that a message is about. The body of one that is about a whole file becomes that file.
///
/// # Errors
/// Those of the database.
pub async fn file(
    app: &App,
    adapter: &dyn Adapter,
    known: &Known,
    incoming: &mut Incoming,
) -> Result<Filed, Problem> {
    let Some(filing) = adapter.filing(&incoming.message()) else {
        return Ok(Filed::ReadOn);
    };
    let (tenant, owner) = (known.tenant, known.connection.id);
    match filing {
        Filing::Begin { folder } => {
            app.write(move |c| till_files::empty(c, tenant, owner, &folder))
                .await?;
            Ok(Filed::ReadOn)
        }
        Filing::Unread => Ok(Filed::PartKept),
        Filing::Part { folder, file } => {
            let place = place(known, folder, file);
            let (body, now) = (incoming.body.clone(), incoming.received_at);
            let kept = app
                .write(move |c| till_files::append(c, tenant, &place, &body, now))
                .await?;
            Ok(if kept.is_ok() {
                Filed::PartKept
            } else {
                Filed::NoRoom(no_room())
            })
        }
        Filing::Last {
            folder,
            file,
            is_whole,
        } => {
            let place = place(known, folder, file);
            let (body, now) = (incoming.body.clone(), incoming.received_at);
            let last = move |c: &mut AnyConnection| {
                if is_whole {
                    till_files::forget(c, tenant, &place)?;
                }
                let kept = till_files::append(c, tenant, &place, &body, now)?;
                let whole = till_files::whole(c, tenant, &place)?;
                Ok::<_, StorageError>(kept.map(|()| whole))
            };
            Ok(match app.write(last).await? {
                Ok(whole) => {
                    incoming.body = whole.into();
                    Filed::ReadOn
                }
                Err(NoRoom) => Filed::NoRoom(no_room()),
            })
        }
        // Replayed from the inbox, a message has the file already, whatever has become of it here.
        Filing::Whole { folder, file, or_in } => {
            if incoming.body.is_empty() {
                let place = place(known, folder, file);
                let file = app
                    .write(move |c| till_files::read(c, tenant, &place, or_in))
                    .await?;
                incoming.body = file.into();
            }
            Ok(Filed::ReadOn)
        }
    }
}

fn place(known: &Known, folder: String, name: String) -> FilePlace {
    FilePlace {
        connection: known.connection.id,
        folder,
        name,
    }
}

fn no_room() -> Words {
    Words::new(
        "Файлы этого обмена слишком велики: выгружайте меньше за один раз.",
        "The files of this exchange are too large: export less at a time.",
    )
}
