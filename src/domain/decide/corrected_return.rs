//! A return that its source tells once more: the same, or with other lines or amounts. Of a source with versions a newer one takes the
//! place of what was posted, and the difference is posted.

use kopilka_contract::{ReceiptStatus, Returned, Telling, comparable, is_newer};

use super::Context;
use super::returns_again::{Remade, make_again};
use crate::domain::books::Hash;
use crate::domain::refusal::Refusal;
use crate::domain::world::{ReturnRequest, SourceKey, StoredReturn, World};

/// How a return that is told stands to the one that is known by the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retold {
    /// The very same.
    Again,
    /// A newer version of it is known.
    Older,
    /// Other content, and nobody knows which of the two is right.
    Otherwise,
    /// A newer version of one that gives something back.
    Corrected,
    /// What is known gives nothing back (now): this one counts as if it were the first.
    Anew,
}

/// Compares a return with the one that is known by its name.
pub(super) fn retold(
    cx: Context<'_>,
    known: &StoredReturn,
    sale: &SourceKey,
    request: &ReturnRequest,
    fingerprint: Hash,
) -> Retold {
    let newer = is_newer_word(cx, known, request.version);
    if is_undone(known, newer) || gave_nothing(known, request) {
        return Retold::Anew;
    }
    let same_sale = known.sale == *sale;
    if known.fingerprint == fingerprint {
        return Retold::Again;
    }
    if request.version.is_none() || !same_sale {
        return Retold::Otherwise;
    }
    // A rollback repeated with a later stamp is the same rollback.
    if request.rollback || known.request.rollback {
        return Retold::Again;
    }
    match known.answer.status {
        // The same version by a road that names its lines in another way.
        _ if request.version == known.request.version => Retold::Again,
        _ if !newer => Retold::Older,
        ReceiptStatus::PartlyReturned | ReceiptStatus::Returned => Retold::Corrected,
        _ => Retold::Anew,
    }
}

/// Whether a version is newer than all that is known of a return by the same road; where that road has not spoken yet, than the last word.
fn is_newer_word(cx: Context<'_>, known: &StoredReturn, told: Option<i64>) -> bool {
    let Some(version) = told else {
        return false;
    };
    let words = || [known.request.version, known.undone_by].into_iter().flatten();
    match words().filter(|said| comparable(*said, version)).max() {
        Some(of_road) => version > of_road,
        None => words().all(|said| is_newer((version, cx.told_at), (said, known.told_at))),
    }
}

/// Whether a known return was undone and this one is newer than the undoing: then it is a return of its own. A
/// cancellation is answered "cancelled" by itself, and is never undone.
fn is_undone(known: &StoredReturn, newer: bool) -> bool {
    known.answer.status == ReceiptStatus::Cancelled && !known.request.cancel && newer
}

/// Whether a known return was once taken for older than its sale and left aside: a return is asked for by a person at
/// the till, so the next word of it counts.
fn gave_nothing(known: &StoredReturn, request: &ReturnRequest) -> bool {
    known.answer.status == ReceiptStatus::Closed && !known.request.rollback && !request.rollback
}

/// The first answer again. Where the same lines are told with a newer version, what was told between the two is older from now on.
pub(super) fn said_again(
    world: &mut World,
    cx: Context<'_>,
    known: StoredReturn,
    request: &ReturnRequest,
) -> Returned {
    let versions = request.version.zip(known.request.version);
    let newer = versions.is_none_or(|(told, said)| is_newer((told, cx.told_at), (said, known.told_at)));
    if request.lines.is_some() && request.version.is_some() && newer {
        if let Some(stored) = world.returns.get_mut(&known.key) {
            stored.request.version = request.version;
            stored.told_at = stored.told_at.max(cx.told_at);
            stored.change.mark();
        }
        // Another writer may be correcting it now: the sale's revision decides who was first.
        if let Some(sale) = world.receipts.get_mut(&known.sale) {
            sale.change.mark();
        }
    }
    Returned {
        replayed: true,
        ..known.answer
    }
}

/// Puts a newer version of a return in the place of the one that is posted: the sale ends as if this version alone had been told.
///
/// # Errors
/// Those of a return, and `receipt-has-returns` where what came back of the sale is not what its returns say, or several guests had paid
/// for it: a person decides. Nothing changes then.
pub(super) fn correct(
    world: &mut World,
    cx: Context<'_>,
    known: StoredReturn,
    request: &ReturnRequest,
    fingerprint: Hash,
) -> Result<Returned, Refusal> {
    let Remade {
        answer, unchanged, ..
    } = make_again(world, cx, &known, Some(request), request.returned_at)?;
    let stands = answer.unwrap_or(known.answer);
    if let Some(stored) = world.returns.get_mut(&known.key) {
        stored.fingerprint = fingerprint;
        stored.request = request.clone();
        stored.posted_at = cx.now;
        stored.told_at = cx.told_at;
        stored.answer = stands.clone();
        stored.change.mark();
    }
    Ok(Returned {
        replayed: unchanged,
        telling: if unchanged { Telling::First } else { Telling::Newer },
        ..stands
    })
}
