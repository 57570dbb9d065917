// The journal of this device: everything confirmed is written here before it is sent, and leaves when its answer came.
//
// A row: {seq, kind: sale|return|cancel, key, path, body, state, madeAt, label, problem}.
// state: sending   - an answer is being waited for; after a restart: nobody knows what became of it
//        queued    - made without a network; goes out in order
//        refused   - the service said no to a queued sale; a person decides
import * as database from './database.js';
import { change } from './store.js';

/** Rows that this very page is sending now: they are not lost answers. */
const underWay = new Set();

async function count() {
  await recount();
  channel?.postMessage('changed');
}

// Tabs of one device share the journal; each counts anew when another one changed it.
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('kopilka-journal') : null;
channel?.addEventListener('message', () => recount());

async function recount() {
  const rows = await database.all('journal');
  const locks = await held();
  change((s) => {
    s.waiting = {
      queued: rows.filter((r) => r.state === 'queued').length,
      unanswered: rows.filter((r) => r.state === 'sending' && !underWay.has(r.seq) && !locks.has(lockName(r))),
      refused: rows.filter((r) => r.state === 'refused'),
    };
  });
}

const lockName = (row) => `kopilka-row-${row.key}`;

/** Names of the locks that tabs of this browser hold. */
async function held() {
  const locks = await navigator.locks?.query().catch(() => null);
  return new Set((locks?.held ?? []).map((l) => l.name));
}

/** Writes a row; resolves when it is on the disk. Gives it with its number. */
export async function write(row) {
  const whole = { ...row, madeAt: new Date().toISOString() };
  const known = (await database.all('journal')).find((r) => r.key === row.key);
  const seq = known ? known.seq : await database.add('journal', whole);
  if (known) await database.save('journal', { ...whole, seq });
  underWay.add(seq);
  return { ...whole, seq };
}

/** Sends under a lock of the row's own, so that no other tab takes it for a lost one. */
export async function alone(row, act) {
  underWay.add(row.seq);
  try {
    return navigator.locks ? await navigator.locks.request(lockName(row), act) : await act();
  } finally {
    underWay.delete(row.seq);
    await count();
  }
}

/** Changes a row. */
export async function mark(row, changes) {
  const changed = { ...row, ...changes };
  await database.save('journal', changed);
  await count();
  return changed;
}

/** The row's fate is known, and the service has it. */
export async function settle(row) {
  // With it goes what a restart would take up as a sale that is still to be confirmed.
  await database.forgetAll([['journal', row.seq], ['drafts', row.key]]);
  await count();
}

/** Everything, the oldest first. */
export const rows = () => database.all('journal');

/** Counts anew, at the start. */
export const refresh = recount;
