// The sale on the screen, on the disk: a dead battery takes what a tab remembers of itself, and a sale that was not yet
// in the journal with it.
import * as database from './database.js';

/** A sale that was left for longer is another guest's by now. */
const STALE = 30 * 60_000;

let wanted = null;
let written = null;
let writing = false;

const begun = (sale) => Boolean(sale.customer || sale.total || sale.lines?.length);

/** Keeps the sale as it is now; `text` is what the tab keeps. One that has nothing in it, or that the journal has, goes. */
export function keep(sale, text) {
  const now = begun(sale) && !sale.journaled ? { key: sale.key, text } : null;
  if (now?.text === wanted?.text) return;
  wanted = now;
  if (!writing) write();
}

/** One after the other, and only the newest picture of those that came meanwhile. Where the disk takes none, the tab has it. */
async function write() {
  writing = true;
  while (written !== wanted) {
    const [before, now] = [written, wanted];
    written = now;
    try {
      if (now) await database.save('drafts', { ...now, at: Date.now() });
      if (before && before.key !== now?.key) await database.forget('drafts', before.key);
    } catch { /* the tab has it */ }
  }
  writing = false;
}

/** Sales that this browser was left with, the newest first. */
export async function left() {
  const drafts = await database.all('drafts').catch(() => []);
  const fresh = drafts.filter((d) => Date.now() - d.at < STALE);
  for (const old of drafts) if (!fresh.includes(old)) database.forget('drafts', old.key).catch(() => {});
  return fresh.sort((a, b) => b.at - a.at).map((d) => JSON.parse(d.text));
}
