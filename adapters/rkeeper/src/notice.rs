//! Messages that need no answer from the books.

use kopilka_contract::{Ask, Dialogue, Refusal, Reply, Told, Words};

use crate::answer::Form;
use crate::remark::Remark;

/// A message that is answered at once.
#[derive(Debug)]
pub(crate) struct Notice {
    reply: Reply,
    remark: Remark,
}

impl Notice {
    /// `LicenseInfo`: the DLL complains about its licence. The vendor does not say what the body is, so it is kept
    /// as it came, and only acknowledged.
    pub(crate) fn licence(form: Form) -> Self {
        Notice {
            reply: form.noted(),
            remark: Remark::Licence,
        }
    }

    /// Somebody opened the address in a browser, to see whether it answers.
    pub(crate) fn probe(form: Form) -> Self {
        Notice {
            reply: form.noted(),
            remark: Remark::Probe,
        }
    }

    /// Transactions that are no affair of this connection and have no guest: the till goes on.
    pub(crate) fn not_ours(form: Form, why: Words) -> Self {
        Notice {
            reply: form.applied(),
            remark: Remark::NotOurs(why),
        }
    }
}

impl Dialogue for Notice {
    fn asks(&self) -> Vec<Ask> {
        Vec::new()
    }

    fn remarks(&self) -> Vec<Words> {
        vec![self.remark.words()]
    }

    fn reply(&self, _told: &[Result<Told, Refusal>]) -> Reply {
        self.reply.clone()
    }
}
