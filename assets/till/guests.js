// Who the guest is: as one types, by a code, from what this device remembers, or a new one.
import { NoAnswer, Refused, get, post, query } from './api.js';
import * as database from './database.js';
import { t } from './i18n.js';
import { fromDecimal } from './money.js';
import { digitsOf, maskedPhone, meanings, wholePhone } from './phone.js';
import { plan } from './sale.js';
import { change, notice, state } from './store.js';

/** Guests whom this device remembers for times without a network. */
const REMEMBERED = 300;
let looking = null;
let typed = null;

/** The text of the field changed: look up what it may mean. */
export function lookUp(text) {
  change((s) => { s.find = { ...s.find, text, problem: null, missed: null, active: -1 }; });
  clearTimeout(typed);
  looking?.abort();
  const bare = text.trim();
  if (digitsOf(bare).length < 3 && !/\p{L}{2}/u.test(bare)) {
    change((s) => { s.find.items = []; s.find.busy = false; });
    return;
  }
  typed = setTimeout(() => suggest(bare), 90);
}

async function suggest(text) {
  if (!state.online) {
    const items = await remembered(text);
    return change((s) => { s.find = { ...s.find, items, busy: false }; });
  }
  looking = new AbortController();
  change((s) => { s.find.busy = true; });
  try {
    const found = await get(query('/till/guests', { q: text }), { signal: looking.signal });
    if (state.find.text.trim() === text) change((s) => { s.find = { ...s.find, items: found.items ?? found, busy: false, answered: text }; });
  } catch (error) {
    if (error.name === 'AbortError') return;
    const items = error instanceof NoAnswer ? await remembered(text) : [];
    change((s) => { s.find = { ...s.find, items, busy: false, problem: error instanceof Refused ? error.message : null }; });
  }
}

/** Guests of before whose name, telephone or card has this in it. */
async function remembered(text) {
  const digits = digitsOf(text).replace(/^[78](?=\d{3})/, '');
  const words = text.toLocaleLowerCase();
  const all = await database.all('guests').catch(() => []);
  const fits = (g) => (digits.length >= 3 && `${g.phone ?? ''} ${g.card ?? ''}`.includes(digits))
    || (digits.length < 3 && (g.name ?? '').toLocaleLowerCase().includes(words));
  return all.filter(fits).sort((a, b) => b.seenAt - a.seenAt).slice(0, 8)
    .map((g) => ({ id: g.id, name: g.name, phone: maskedPhone(g.phone), card: g.card, available: g.balance.available, status: g.status, remembered: g }));
}

async function remember(guest) {
  await database.save('guests', { ...guest, seenAt: Date.now() });
  const all = await database.all('guests');
  if (all.length > REMEMBERED) {
    const oldest = all.sort((a, b) => a.seenAt - b.seenAt).slice(0, all.length - REMEMBERED);
    for (const guest of oldest) await database.forget('guests', guest.id);
  }
}

/** Asks the service who this is; null where nobody is. */
async function identify(name) {
  try {
    return await post('/customers/identify', name);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** A guest was picked from the list. */
export async function pick(item) {
  if (item.remembered && !state.online) return welcome({ id: item.id }, item.remembered);
  await find([{ id: item.id }], item.name ?? item.phone);
}

/** Enter, or a scanned code: whom does the text mean? */
export async function submit(text) {
  const list = meanings(text);
  if (list.length) await find(list, text.trim());
}

async function find(names, shown) {
  clearTimeout(typed);
  looking?.abort();
  change((s) => { s.find = { ...s.find, busy: true, problem: null, missed: null }; });
  try {
    for (const name of names) {
      const guest = await identify(name);
      if (guest) {
        // A guest's own code lives for minutes, the receipt may be posted later: it names him by his id.
        return await welcome(name.card ? name : { id: guest.id }, guest);
      }
    }
    change((s) => { s.find = { ...s.find, busy: false, items: [], missed: shown, problem: t('find.nobody', shown) }; });
  } catch (error) {
    if (!(error instanceof NoAnswer)) {
      return change((s) => { s.find = { ...s.find, busy: false, problem: error.message }; });
    }
    await withoutNetwork(names, shown);
  }
}

/** Nobody can be asked: one whom we remember, else the number as it is, for the service to find when it can. */
async function withoutNetwork(names, shown) {
  const all = await database.all('guests').catch(() => []);
  const known = all.find((g) => names.some((n) => n.id === g.id || (n.phone && n.phone === g.phone) || (n.card && n.card === g.card)));
  if (known) return welcome(names.find((n) => n.card) && known.card === names[0].card ? { card: known.card } : { id: known.id }, known);
  const name = names.find((n) => n.phone) ?? names.find((n) => n.card);
  if (!name) return change((s) => { s.find = { ...s.find, busy: false, problem: t('find.offline-qr') }; });
  const unknown = name.phone ? maskedPhone(name.phone) : name.card;
  takes({ ref: name, guest: null, unknown: unknown ?? shown });
}

function takes(customer) {
  change((s) => {
    s.sale.customer = customer;
    s.sale.problem = null;
    s.sale.may = null;
    if (s.sale.step === 'guest') s.sale.step = s.sale.total || s.sale.lines.length ? 'pay' : 'amount';
    s.find = { text: '', items: [], busy: false, problem: null, active: -1, missed: null };
  });
}

async function welcome(ref, guest) {
  // What is set aside for him at this device is not among what is available, but it is his to spend here.
  const before = (await database.load('guests', guest.id).catch(() => null))?.permit;
  const alive = before && Date.parse(before.expires_at) > Date.now() ? before : null;
  takes({ ref, guest, held: state.online && alive ? fromDecimal(alive.amount) : 0 });
  if (!state.online) {
    return change((s) => { s.sale.permit = alive; });
  }
  if (alive) change((s) => { s.sale.permit = alive; });
  await remember({ ...guest, permit: alive }).catch(() => {});
  if (fromDecimal(state.start?.offline?.limit) > 0 && guest.status !== 'blocked') allow(guest);
}

/** Sets bonuses aside, so that this guest can spend them here even if the network goes away this minute. */
async function allow(guest) {
  try {
    const permit = await post('/till/permits', { customer_id: guest.id }, { quiet: true });
    await remember({ ...guest, permit });
    if (state.sale.customer?.guest?.id === guest.id && !state.sale.sending) {
      change((s) => { s.sale.permit = permit; });
      // With what is set aside he may spend as much as before; a question asked meanwhile did not know of it.
      plan();
    } else {
      await giveBack({ customer: { guest }, permit });
    }
  } catch { /* Without it there is no redemption offline; all else works. */ }
}

/** The guest has left without a sale: what was set aside goes back, where the network is there to say so. */
export async function giveBack({ customer, permit }) {
  if (!permit || !state.online) return;
  try {
    await post(`/holds/${permit.hold_id}/void`, {}, { quiet: true });
    await remember({ ...customer.guest, permit: null });
  } catch { /* It ends by itself. */ }
}

/** A permit was used: it is not good for a second sale. */
export async function usedUp(guest) {
  if (!guest) return;
  const known = await database.load('guests', guest.id).catch(() => null);
  if (known) await database.save('guests', { ...known, permit: null });
}

/** Registers. Gives the problem where there is one. */
export async function register({ phone, name, birthday }) {
  const whole = wholePhone(phone);
  if (!whole) return { field: 'phone', words: t('new.bad-phone') };
  try {
    const guest = await post('/till/guests', {
      phone: whole, name, birthday: birthday || null, consent_version: state.start.consent?.version ?? null,
    });
    notice(guest.already ? t('new.already', guest.name ?? '') : t('new.done', guest.name ?? ''), guest.already ? 'info' : 'ok');
    await welcome({ id: guest.id }, guest);
    return null;
  } catch (error) {
    return { words: error instanceof NoAnswer ? t('new.offline') : error.message };
  }
}

/** The cashier did what a message asked for. */
export async function tick(message) {
  const guest = state.sale.customer?.guest;
  if (!guest) return;
  const set = (ticked) => change((s) => {
    for (const m of s.sale.customer?.guest?.cashier_messages ?? []) if (m.code === message.code) m.ticked = ticked;
  });
  set(true);
  try {
    await post('/till/messages/tick', { customer_id: guest.id, code: message.code });
  } catch (error) {
    // Without a network the tick is for this sale only; a refusal is told.
    if (error instanceof Refused) {
      set(false);
      notice(error.message, 'bad');
    }
  }
}
