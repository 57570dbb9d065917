// Sends what was sold without a network: in order, one at a time, by one tab of the browser, each exactly once.
import { NoAnswer, Refused, get, post, query } from './api.js';
import * as journal from './journal.js';
import { t, money } from './i18n.js';
import { change, notice, state } from './store.js';

let again = null;
let running = false;
let pause = 2000;
const LONGEST_PAUSE = 60_000;

/** Sends what waits. Safe to call at any time, from any tab. */
export async function sendWaiting() {
  if (running) return;
  running = true;
  clearTimeout(again);
  try {
    if (navigator.locks) {
      await navigator.locks.request('kopilka-sender', { ifAvailable: true }, (lock) => (lock ? sendAll() : later()));
    } else {
      await sendAll();
    }
  } finally {
    running = false;
  }
}

function later() {
  clearTimeout(again);
  again = setTimeout(sendWaiting, pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

async function sendAll() {
  let sent = 0;
  let sum = 0;
  for (;;) {
    const row = (await journal.rows()).find((r) => r.state === 'queued');
    if (!row) break;
    const went = await journal.alone(row, () => sendOne(row));
    if (!went) {
      later();
      break;
    }
    pause = 2000;
    if (went === 'posted' && row.recovered) {
      notice(t('recover.done', row.label.number, money(row.label.total)), 'ok');
    } else if (went === 'posted') {
      sent += 1;
      sum += row.label?.total ?? 0;
    }
  }
  if (sent) notice(t('queue.sent', sent, money(sum)), 'ok');
}

/** Sends a queued row. Gives 'posted', 'refused', or nothing where it has to wait. */
async function sendOne(row) {
  try {
    const answer = await post(row.path, row.body, { timeout: 20_000 });
    await journal.settle(row);
    // Its result is still on the screen: it says no longer that it waits.
    if (state.result?.kind === 'queued' && state.result.row.key === row.key) change((s) => { s.result = { ...s.result, kind: 'posted', late: true, answer }; });
    return 'posted';
  } catch (error) {
    if (error instanceof NoAnswer || error.retryable) return null;
    if (!(error instanceof Refused)) throw error;
    // Who we are is not settled, so it is no answer to the sale.
    if (error.status === 401 || error.status === 403) return null;
    if (error.code === 'receipt-conflict' && (await isPosted(row))) {
      await journal.settle(row);
      return 'posted';
    }
    await journal.mark(row, { state: 'refused', problem: { code: error.code, words: error.message } });
    notice(t('queue.refused', row.label?.guest ?? t('guest.none'), error.message), 'bad');
    return 'refused';
  }
}

/** What the service knows of a receipt of this device: the receipt, or null where it has none. */
export async function posted(key) {
  try {
    return await get(query('/receipts', { venue_id: state.start?.venue.id, source: 'till', external_id: key }));
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** Whether the same sale stands in the books: its first try came through although its answer did not. */
async function isPosted(row) {
  const found = await posted(row.key);
  return found !== null && found.total === row.label?.totalDecimal && found.redeemed === (row.body.redeem ?? '0.00');
}
