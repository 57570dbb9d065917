//! Who waits for the answer to a command: a till, which is told after a while that we were too slow.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use kopilka_contract::Words;

use crate::domain::ids::MessageId;

/// The sender of a message, for as long as he waits for its answer.
///
/// What he was told must agree with what is done. So the writer looks at him when it comes to the command, not when it was queued, and
/// writes down whom it has served: he may have gone while it committed.
#[derive(Debug, Default)]
pub struct Asker {
    has_gone: AtomicBool,
    served: Mutex<Vec<MessageId>>,
}

impl Asker {
    /// He was told that we were too slow, and hears nothing more.
    pub fn goes(&self) {
        self.has_gone.store(true, Ordering::SeqCst);
    }

    /// Whether he was told so.
    pub fn has_gone(&self) -> bool {
        self.has_gone.load(Ordering::SeqCst)
    }

    /// Messages that are kept as if he had heard what became of them. Each is given once.
    pub fn take_served(&self) -> Vec<MessageId> {
        std::mem::take(&mut *self.served.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn serve(&self, message: MessageId) {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.push(message);
    }
}

/// What is kept with a message that was carried out when its sender had his answer already: a failure, or that he may go on.
pub fn answered_before() -> Words {
    Words::new(
        "Ответ опоздал: отправителю ответили раньше, чем это было сделано.",
        "The answer came too late: the sender had been answered before this was done.",
    )
}

/// What is kept with a message that was not carried out, because its sender had been told that we were too slow.
pub(super) fn not_done() -> Words {
    Words::new(
        "Не сделано: касса ждала слишком долго и получила отказ, а без ответа здесь не продают и бонусы не трогают. Если повтора не \
         было, а продажа состоялась именно так, повторите сообщение по его номеру.",
        "Not done: the till had waited too long and was refused, and nothing of this kind is sold, set aside or written off without an \
         answer. If it was not sent again and the sale was made just so, do this message again by its id.",
    )
}
