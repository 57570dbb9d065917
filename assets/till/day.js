// What this till did today: the last operations, the totals of the shift, returns and cancellations.
import { NoAnswer, Refused, ask, get, post, put, query } from './api.js';
import * as database from './database.js';
import { t } from './i18n.js';
import * as journal from './journal.js';
import { fromDecimal } from './money.js';
import { change, notice, state } from './store.js';

/** Loads the last operations and the totals; what fails is left as it was. */
export async function refreshDay() {
  try {
    const [operations, shift] = await Promise.all([
      get(query('/till/operations', { limit: 5, device: 'this' })),
      get('/till/shift'),
    ]);
    change({ recent: operations.items, shift });
  } catch (error) {
    if (!(error instanceof NoAnswer || error instanceof Refused)) throw error;
  }
}

/** A page of operations; `also` is {q, device, day, cursor}. */
export const operations = (also) => get(query('/till/operations', { limit: 30, ...also }));

/** A receipt with its lines, returns and explanation. */
export const receiptOf = (id) => get(`/receipts/${id}`);

/** Totals of a day; today's without one. */
export const shiftOf = (day) => get(query('/till/shift', { day }));

let menuTag = null;

/** The venue's menu: from this device at once, then from the service where it changed. */
export async function loadMenu() {
  const kept = await database.load('values', 'menu').catch(() => null);
  if (kept && kept.venue === state.start?.venue.id) {
    menuTag = kept.tag;
    change({ menu: kept.menu });
  } else {
    menuTag = null;
  }
  try {
    const answer = await ask('GET', '/till/menu', { headers: menuTag ? { 'If-None-Match': menuTag } : {} });
    if (answer.status === 304 || !answer.body) return;
    menuTag = answer.etag;
    change({ menu: answer.body });
    await database.save('values', { menu: answer.body, tag: menuTag, venue: state.start.venue.id }, 'menu');
  } catch (error) {
    if (!(error instanceof NoAnswer || error instanceof Refused)) throw error;
  }
}

/** Puts a product among the favourites, or takes it away. */
export async function toggleFavourite(product) {
  const set = (favourite) => change((s) => {
    s.menu = { ...s.menu, products: s.menu.products.map((p) => (p.id === product.id ? { ...p, favourite } : p)) };
  });
  set(!product.favourite);
  try {
    await put('/till/favourites', { product_ids: state.menu.products.filter((p) => p.favourite).map((p) => p.id) });
    menuTag = null;
  } catch (error) {
    set(product.favourite);
    notice(error instanceof NoAnswer ? t('net.no-answer') : error.message, 'bad');
  }
}

/** Sends what undoes a sale. Like a sale it is written down first, and a repeat of it is the same one. */
async function undo(row) {
  const written = await journal.write({ ...row, state: 'sending' });
  try {
    const answer = await journal.alone(written, async () => {
      const told = await post(written.path, written.body, { timeout: 10_000 });
      await journal.settle(written);
      return told;
    });
    refreshDay();
    return { answer };
  } catch (error) {
    if (error instanceof Refused && !error.retryable) {
      await journal.settle(written);
      return { problem: error.message };
    }
    // Left in the journal: the list of what waits offers to bring it to its end.
    return { problem: t('undo.no-answer'), row: written };
  }
}

/** Gives back lines ([{line_id, quantity | amount}]), or all that is left. `key` is made when the window opens. */
export const giveBackLines = (receipt, key, lines, label) => undo({
  kind: 'return', key, path: `/receipts/${receipt.id}/returns`,
  body: lines ? { source: 'till', external_id: key, lines } : { source: 'till', external_id: key },
  label: { ...label, total: label.total },
});

/** Cancels a receipt. A second time is the same as the first. */
export const cancelReceipt = (receipt, label) => undo({
  kind: 'cancel', key: `${receipt.id}/cancel`, path: `/receipts/${receipt.id}/cancel`, body: {}, label,
});

/** What of a line can still come back: {quantity, amount, share}. `byAmount` where it was returned so before. */
export function leftOf(line) {
  const quantity = Math.round(Number(line.quantity) * 1000);
  const returned = Math.round(Number(line.returned_quantity) * 1000);
  const amount = fromDecimal(line.amount);
  const returnedAmount = fromDecimal(line.returned_amount);
  return {
    quantity: Math.max(0, quantity - returned),
    amount: Math.max(0, amount - returnedAmount),
    byAmount: returnedAmount > 0 && returned === 0,
    byQuantity: returned > 0,
  };
}
