// The sale on the screen: what it is made of, what it would do, and the way from "confirm" to an answer.
import { NoAnswer, Refused, now, post } from './api.js';
import * as drafts from './drafts.js';
import { giveBack, usedUp } from './guests.js';
import { money, t } from './i18n.js';
import * as journal from './journal.js';
import { fromDecimal, parseAmount, percentOf, quantityToDecimal, times, toDecimal } from './money.js';
import { refreshDay } from './day.js';
import { posted, sendWaiting } from './sender.js';
import { change, newSale, notice, state, uuid } from './store.js';

/** After so long without an answer a sale that can wait goes to the queue. */
const PATIENCE = 8000;
/** Keys that follow each other faster than this make one question. */
const QUOTE_PAUSE = 35;

// --- what it is made of -------------------------------------------------------------------------------------------

/** Kopecks in all, before bonuses. */
export function total(sale = state.sale) {
  return sale.lines.length ? sale.lines.reduce((sum, line) => sum + line.amount, 0) : sale.total ?? 0;
}

/** Changes the sale, and asks anew what it would do. */
export function edit(how) {
  change((s) => {
    // What he changes himself he knows of.
    s.sale.seen = null;
    s.sale.asks = false;
    s.sale.problem = null;
    how(s.sale);
    s.result = null;
  });
  plan();
}

/** The amount of a sale without lines. */
export const setTotal = (kopecks) => edit((sale) => { sale.total = kopecks; sale.lines = []; });

let lineNumber = 0;

/** Puts a product, or more of it, on the receipt. */
export function addLine(product, thousandths = 1000, price = product.price === null ? null : fromDecimal(product.price)) {
  edit((sale) => {
    if (!sale.lines.length && sale.total) sale.lines.push(freeLine(sale.total));
    sale.total = null;
    const same = product.unit !== 'kg' && sale.lines.find((l) => l.productId === product.id && l.price === price);
    if (same) {
      same.quantity += thousandths;
      same.amount = times(same.price, same.quantity);
      return;
    }
    const category = state.menu.categories.find((c) => c.id === product.category_id);
    sale.lines.push({
      lineId: String(++lineNumber), productId: product.id, name: product.name, categoryId: product.category_id ?? null,
      categoryName: category?.name ?? null, unit: product.unit, price, quantity: thousandths, amount: times(price, thousandths),
    });
  });
}

function freeLine(kopecks) {
  return { lineId: String(++lineNumber), productId: null, name: t('line.free'), categoryId: null, categoryName: null,
    unit: 'piece', price: kopecks, quantity: 1000, amount: kopecks };
}

/** An amount without a product: the sale's, or one more line of it. */
export function addAmount(kopecks) {
  if (state.sale.lines.length) edit((sale) => sale.lines.push(freeLine(kopecks)));
  else setTotal(kopecks);
}

/** A line's quantity and price; nothing of it: the line goes. */
export function setLine(lineId, thousandths, price) {
  edit((sale) => {
    const line = sale.lines.find((l) => l.lineId === lineId);
    if (!line) return;
    if (thousandths === 0) sale.lines = sale.lines.filter((l) => l !== line);
    else Object.assign(line, { quantity: thousandths, price, amount: times(price, thousandths) });
  });
}

/** How much of the bonuses: none, part, all. "All" is as much as was on the button when it was pressed. */
export const redeem = (mode, text = '') => edit((sale) => {
  sale.redeem = { mode, text };
  const all = mode === 'all' ? may(sale) : null;
  if (all !== null) sale.seen = { redeemed: all };
});

/** Most that may be redeemed: as the service said, or what the allowance for times without a network permits. */
export function may(sale = state.sale) {
  if (state.online) return sale.may;
  const guest = sale.customer?.guest;
  if (!guest || !sale.permit) return 0;
  return Math.min(fromDecimal(sale.permit.amount), percentOf(total(sale), guest.redeem_max_percent ?? '100'));
}

/** Kopecks to be redeemed; null where a part is meant that is not (yet) an amount. */
export function wantedRedemption(sale = state.sale) {
  if (sale.redeem.mode === 'none' || !sale.customer) return 0;
  if (sale.redeem.mode === 'all') return may(sale) ?? 0;
  return parseAmount(sale.redeem.text);
}

/** What the screen shows: the service's figures, or what can be told without it. */
export function figures(sale = state.sale) {
  const redeemed = wantedRedemption(sale) ?? 0;
  const q = state.online ? sale.quote : null;
  // While the next answer is on its way the last one is of another sale: it must not be on the button.
  const sure = Boolean(q) && !sale.quoting;
  return {
    total: total(sale),
    redeemed: sure ? fromDecimal(q.redeemed) : redeemed,
    toPay: sure ? fromDecimal(q.to_pay) : total(sale) - redeemed,
    accrued: q && sale.customer ? fromDecimal(q.accrued) : null,
    after: q?.balance ? fromDecimal(q.balance.available) : null,
    sure,
  };
}

const COUNTED = ['total', 'redeemed', 'toPay', 'accrued'];

/** Before each drawing: figures that are not those which the cashier was shown, and which he did not change, are told to
 * him, and "confirm" waits for his answer. A finger that is already on its way down confirms nothing. */
export function review() {
  const { sale } = state;
  if (sale.sending || sale.unanswered || sale.asks || obstacle(sale) || (state.online && !figures(sale).sure)) return;
  const f = figures(sale);
  const known = sale.seen ?? {};
  // What nobody could tell then or now (accrual without a network) is no change.
  const differs = (name) => known[name] !== undefined && known[name] !== null && f[name] !== null && known[name] !== f[name];
  if (COUNTED.some(differs)) {
    sale.asks = true;
    sale.problem = { code: 'changed', words: changedWords(known, f, differs) };
  } else {
    sale.seen = Object.fromEntries(COUNTED.map((name) => [name, f[name] ?? known[name] ?? null]));
  }
}

function changedWords(known, f, differs) {
  const told = [];
  if (differs('redeemed')) told.push(t('changed.redeemed', money(known.redeemed), money(f.redeemed)));
  if (differs('redeemed') || differs('toPay') || differs('total')) told.push(t('changed.to-pay', money(f.toPay)));
  if (differs('accrued')) told.push(t('changed.accrued', money(known.accrued), money(f.accrued)));
  return `${t('changed')} ${told.join(' ')}`;
}

/** The cashier has read what has changed, or why it was refused: the figures as they are now are what he confirms. */
export function agree() {
  change(({ sale }) => { sale.seen = null; sale.asks = false; sale.problem = null; });
  quoteAgain();
}

// --- what it would do ---------------------------------------------------------------------------------------------

function receipt(sale, redeemed) {
  const body = { source: 'till', external_id: sale.key, venue_id: state.start.venue.id, till: state.start.device.name };
  if (sale.customer) body.customer = sale.customer.ref;
  if (sale.lines.length) {
    body.lines = sale.lines.map((line) => {
      const one = { line_id: line.lineId, name: line.name, quantity: quantityToDecimal(line.quantity), amount: toDecimal(line.amount), price: toDecimal(line.price) };
      if (line.productId) one.product_id = line.productId;
      if (line.categoryId) one.category_id = line.categoryId;
      if (line.categoryName) one.category_name = line.categoryName;
      return one;
    });
  }
  body.total = toDecimal(total(sale));
  if (redeemed) body.redeem = toDecimal(redeemed);
  if (sale.permit && sale.customer) body.hold_id = sale.permit.hold_id;
  return body;
}

let planned = null;
let asked = null;
let shown = '';

/** Asks what the sale would do, a moment after the last change; the last question wins. */
export function plan() {
  const sale = state.sale;
  const wanted = state.start && total(sale) > 0 ? JSON.stringify(receipt(sale, wantedRedemption(sale) ?? 0)) : '';
  if (wanted === shown && sale.quote) return;
  shown = wanted;
  clearTimeout(planned);
  asked?.abort();
  if (!wanted) return change((s) => { s.sale.quote = null; s.sale.quoting = false; });
  change((s) => { s.sale.quoting = s.online; });
  planned = setTimeout(() => quote(sale), QUOTE_PAUSE);
}

async function quote(sale) {
  // More than may be spent: the screen says so already, there is nothing to ask.
  const beyond = sale.redeem.mode === 'part' && sale.may !== null && (wantedRedemption(sale) ?? 0) > sale.may;
  if (!state.online || state.locked || beyond) return change((s) => { s.sale.quoting = false; });
  const mine = asked = new AbortController();
  const redeemed = wantedRedemption(sale) ?? 0;
  try {
    const answer = await post('/receipts/quote', receipt(sale, redeemed), { signal: mine.signal });
    if (mine.signal.aborted || state.sale !== sale) return;
    change(() => {
      sale.quote = answer;
      sale.may = fromDecimal(answer.may_redeem);
      sale.quoting = false;
    });
    if (sale.redeem.mode === 'all' && sale.may !== redeemed) plan();
  } catch (error) {
    if (error.name === 'AbortError' || state.sale !== sale) return;
    const limit = error instanceof Refused && ['redeem-limit', 'insufficient-balance'].includes(error.code);
    change(() => {
      sale.quoting = false;
      sale.quote = null;
      if (error instanceof Refused && !error.retryable && !(limit && sale.redeem.mode === 'all')) {
        sale.problem = { code: error.code, words: error.message };
      }
    });
    // What may be redeemed has shrunk meanwhile: ask for the new limit.
    if (limit) await limits(sale, mine.signal);
  }
}

async function limits(sale, signal) {
  const answer = await post('/receipts/quote', receipt(sale, 0), { signal }).catch(() => null);
  if (!answer || state.sale !== sale) return;
  change(() => { sale.may = fromDecimal(answer.may_redeem); });
  if (sale.redeem.mode === 'all') plan();
}

// --- from "confirm" to an answer ----------------------------------------------------------------------------------

/** Why it can't be confirmed yet, in words; null: it can. */
export function obstacle(sale = state.sale) {
  if (total(sale) <= 0) return t('sale.no-amount');
  const redeemed = wantedRedemption(sale);
  if (redeemed === null) return t('redeem.how-much');
  if (redeemed > total(sale)) return t('redeem.too-much', money(total(sale)));
  const limit = may(sale);
  if (redeemed > 0 && limit !== null && redeemed > limit) {
    if (state.online) return t('redeem.limit', money(limit));
    return limit ? t('redeem.offline-limit', money(limit)) : t('redeem.offline-zero');
  }
  // With bonuses the figures must be the service's own; without, nothing depends on them.
  if (redeemed > 0 && state.online && (sale.quoting || !sale.quote)) return t('sale.wait');
  return null;
}

/** Can this wait for the network? A redemption only within the guest's allowance. */
const canWait = (row) => !row.body.redeem || Boolean(row.permit && fromDecimal(row.body.redeem) <= fromDecimal(row.permit.amount)
  && Date.parse(row.body.closed_at) < Date.parse(row.permit.expires_at));

/** Confirms. A second call while the first is under way does nothing; a reload in the middle finds it in the journal. */
export async function confirm() {
  const sale = state.sale;
  // What is not drawn yet he has not read.
  review();
  if (sale.sending || sale.unanswered || sale.asks || obstacle(sale)) return change(() => {});
  change(() => { sale.sending = true; sale.problem = null; });
  const redeemed = wantedRedemption(sale);
  const figure = figures(sale);
  const body = { ...receipt(sale, redeemed), number: nextNumber(), closed_at: now().toISOString() };
  const guest = sale.customer?.guest;
  let row;
  try {
    row = await journal.write({
      kind: 'sale', key: sale.key, path: '/receipts', body, state: 'sending', permit: sale.permit, cashierId: state.start.cashier?.id ?? null,
      label: { guest: guest?.name ?? sale.customer?.unknown ?? null, guestId: guest?.id ?? null, total: figure.total, totalDecimal: toDecimal(figure.total), toPay: figure.total - redeemed, redeemed, accrued: figure.sure ? figure.accrued : null, number: body.number },
    });
  } catch {
    // Without the journal a lost answer could not be found out: better no sale than one that may double.
    change(() => { sale.sending = false; sale.problem = { code: 'no-storage', words: t('sale.no-storage') }; });
    return;
  }
  change(() => { sale.journaled = true; });
  persist();
  await send(row, sale);
}

async function send(row, sale) {
  if (!state.online && canWait(row)) return wait(row, sale);
  try {
    const answer = await journal.alone(row, async () => {
      const told = await post(row.path, row.body, { timeout: PATIENCE });
      await journal.settle(row);
      return told;
    });
    done(row, sale, answer);
  } catch (error) {
    if (error instanceof NoAnswer || error.retryable) {
      if (canWait(row)) return wait(row, sale);
      return lost(row, sale);
    }
    if (!(error instanceof Refused)) throw error;
    await journal.settle(row);
    change(() => {
      sale.sending = false;
      sale.journaled = false;
      sale.unanswered = null;
      // Another sale has this key: this one goes under a new one, once the cashier has read why.
      if (error.code === 'receipt-conflict') sale.key = uuid();
      if (!error.code.startsWith('till-')) refused(sale, error);
    });
    quoteAgain();
  }
}

/** Nothing was posted; what would be posted now may be less than he read, so he is asked. */
function refused(sale, error) {
  sale.asks = true;
  // What was set aside is no more: without it there is at least an answer.
  if (error.code.startsWith('hold-')) sale.permit = null;
  sale.problem = { code: error.code, words: error.message };
}

/** Sold without a network: the queue has it. */
async function wait(row, sale) {
  const queued = await journal.mark(row, { state: 'queued', body: offlineBody(row) });
  if (row.permit && row.body.redeem) await usedUp(sale?.customer?.guest);
  if (sale && state.sale === sale) finish(sale, { kind: 'queued', row: queued });
  sendWaiting();
}

/** The receipt as one that was made without a network. */
export function offlineBody(row) {
  const { hold_id: _, ...body } = row.body;
  const offline = { queued_at: now().toISOString(), device_time: row.madeAt };
  if (row.cashierId) offline.cashier_id = row.cashierId;
  if (row.permit && body.redeem) offline.permit = row.permit.permit;
  return { ...body, offline };
}

function done(row, sale, answer) {
  if (row.permit) usedUp(sale?.customer?.guest).catch(() => {});
  if (sale && state.sale === sale) finish(sale, { kind: 'posted', row, answer });
  refreshDay();
}

function finish(sale, result) {
  const shownResult = { ...result, customer: sale.customer, lines: sale.lines };
  change((s) => {
    s.result = shownResult;
    s.sale = newSale();
    s.entry = { text: '', active: 0, category: null };
  });
  shown = '';
  persist();
}

/** Bonuses are to be spent and nobody knows whether they are: the same request again until there is an answer. */
async function lost(row, sale) {
  change(() => { sale.sending = false; sale.unanswered = row; });
  let pause = 1500;
  while (state.sale === sale && sale.unanswered) {
    await new Promise((go) => setTimeout(go, pause));
    pause = Math.min(pause * 1.5, 8000);
    if (state.sale !== sale || !sale.unanswered) return;
    try {
      const answer = await journal.alone(row, async () => {
        const told = await post(row.path, row.body, { timeout: PATIENCE });
        await journal.settle(row);
        return told;
      });
      return done(row, sale, answer);
    } catch (error) {
      if (error instanceof NoAnswer || error.retryable) continue;
      await journal.settle(row);
      change(() => { sale.unanswered = null; sale.journaled = false; refused(sale, error); });
      return quoteAgain();
    }
  }
}

/** The cashier goes on with the next guest; what became of this sale is found out meanwhile. */
export function putAside() {
  const sale = state.sale;
  change((s) => { sale.unanswered = null; s.sale = newSale(); });
  shown = '';
  journal.refresh().then(recover);
}

// --- after a restart ----------------------------------------------------------------------------------------------

let recovering = false;

/** Finds out what became of everything that has no answer yet, and says so. */
export async function recover() {
  if (recovering) return;
  recovering = true;
  try {
    await journal.refresh();
    for (const row of state.waiting.unanswered) {
      if (row.kind !== 'sale') continue;
      // Bonuses were not touched: it was confirmed, so it goes out. Whether it got there before does not matter.
      if (canWait(row)) {
        await journal.mark(row, { state: 'queued', body: offlineBody(row), recovered: true });
        if (!state.online) notice(t('recover.again', row.label.number, money(row.label.total)), 'info');
        continue;
      }
      await findOut(row);
    }
    sendWaiting();
  } catch (error) {
    if (!(error instanceof NoAnswer || error instanceof Refused)) throw error;
  } finally {
    recovering = false;
  }
}

/** Did it get through? Says so where it did, else leaves it to the cashier. */
async function findOut(row) {
  if (!state.online) return;
  const found = await posted(row.key);
  if (found) {
    await journal.settle(row);
    notice(t('recover.posted', row.label.number, money(row.label.total)), 'ok');
    refreshDay();
    return;
  }
  change((s) => { if (!s.sheet) s.sheet = { kind: 'unanswered' }; });
}

/** Posts a sale whose answer never came: it is the same sale, so never twice. */
export async function postAgain(row, withoutBonuses = false) {
  const body = { ...row.body };
  if (withoutBonuses) {
    delete body.redeem;
    delete body.hold_id;
  }
  try {
    await journal.alone(row, async () => {
      const answer = await post(row.path, body, { timeout: PATIENCE });
      await journal.settle(row);
      notice(t('recover.done', row.label.number, money(fromDecimal(answer.total ?? answer.amount ?? '0'))), 'ok');
    });
    refreshDay();
    return null;
  } catch (error) {
    return error instanceof NoAnswer ? t('net.no-answer') : error.message;
  }
}

/** The cashier says that it was not sold. Looked up once more first: it may have been only slow. */
export async function giveUp(row) {
  try {
    const found = row.kind === 'sale' ? await posted(row.key) : null;
    await journal.settle(row);
    if (found) notice(t('recover.posted', row.label.number, money(row.label.total)), 'info');
    return null;
  } catch (error) {
    return error instanceof NoAnswer ? t('net.no-answer') : error.message;
  }
}

// --- beginning and ending -----------------------------------------------------------------------------------------

/** Puts the sale away and begins a new one. */
export function nextSale() {
  const { sale } = state;
  if (sale.sending) return;
  if (sale.permit) giveBack(sale);
  change((s) => {
    s.sale = newSale();
    s.result = null;
    s.find = { text: '', items: [], busy: false, problem: null, active: -1, missed: null };
    s.entry = { text: '', active: 0, category: null };
  });
  shown = '';
}

/** Takes the guest off the sale. */
export function dropGuest() {
  const { sale } = state;
  if (sale.permit) giveBack(sale);
  edit((s) => { s.customer = null; s.permit = null; s.redeem = { mode: 'none', text: '' }; s.may = null; });
}

/** The device's own number of the receipt, from 1 every day: what cashier and guest call it by. */
function nextNumber() {
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: state.start.venue.time_zone }).format(now());
  let counted = {};
  try { counted = JSON.parse(localStorage.getItem('kopilka-number')) ?? {}; } catch { /* the first one */ }
  const number = counted.day === day ? counted.number + 1 : 1;
  try { localStorage.setItem('kopilka-number', JSON.stringify({ day, number })); } catch { /* the next has the same */ }
  return String(number);
}

/** The sale on the screen survives a reload of the tab, and a dead battery. */
export function persist() {
  try {
    const { sale } = state;
    const text = JSON.stringify({ ...sale, quote: null, quoting: false, sending: false });
    if (restored) {
      isMine(sale.key);
      drafts.keep(sale, text);
    }
    // Until the journal has it, it is still to be confirmed, and a restart must bring it back.
    if (sale.journaled) return sessionStorage.removeItem('kopilka-sale');
    sessionStorage.setItem('kopilka-sale', text);
  } catch { /* then it does not */ }
}

/** What a reload left; read before the first drawing writes over it. */
const kept = (() => {
  try { return JSON.parse(sessionStorage.getItem('kopilka-sale')); } catch { return null; }
})();

let restored = false;

/** Takes up the sale that a reload left, unless it was confirmed: then the journal has it. */
export async function restore() {
  try {
    await takeUp();
  } finally {
    restored = true;
  }
}

async function takeUp() {
  const journaled = await journal.rows().catch(() => []);
  const open = (sale) => !journaled.some((r) => r.key === sale.key);
  if (kept?.key) {
    if (!(kept.customer || kept.total || kept.lines?.length) || !open(kept)) return;
    // The same key: should it have been posted after all, it is answered as a repeat. Only a tab that was doubled, whose
    // other half goes on with that sale, begins one of its own.
    return show({ ...kept, key: (await isMine(kept.key)) ? kept.key : state.sale.key });
  }
  // The browser was killed. What other tabs are at is theirs.
  for (const draft of (await drafts.left()).filter(open)) {
    if (await isMine(draft.key)) return show(draft);
  }
}

function show(sale) {
  lineNumber = Math.max(0, ...sale.lines.map((l) => Number(l.lineId)));
  change((s) => { s.sale = { ...newSale(), ...sale }; });
}

let mine = null;
let letGo = () => {};

/** Whether no other tab has this sale; from here on, until its next one, this tab does. */
function isMine(key) {
  if (!navigator.locks || mine === key) return true;
  letGo();
  mine = key;
  return new Promise((resolve) => {
    navigator.locks.request(`kopilka-draft-${key}`, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock && new Promise((release) => { letGo = release; });
    });
  });
}

/** The network is back, or somebody else has taken over: figures of before may be wrong. */
export function quoteAgain() {
  shown = '';
  plan();
}
