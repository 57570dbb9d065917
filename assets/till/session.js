// Who this browser is and who stands at it: enrolment, PIN, lock, and what the page knows without a network.
import { NoAnswer, Refused, get, listen, post, put, remove, setClock, useToken } from './api.js';
import { refreshConflicts } from './conflicts.js';
import * as database from './database.js';
import { loadMenu, refreshDay } from './day.js';
import { refresh as refreshJournal } from './journal.js';
import { t } from './i18n.js';
import { checkOffline, learnPin, forgetPins } from './offline_pin.js';
import { quoteAgain, recover } from './sale.js';
import { sendWaiting } from './sender.js';
import { change, notice, state } from './store.js';

const ACTIVE = 'kopilka-active';
/** How often an answer is tried for while there is none. */
const PROBE = 4000;
let probing = null;

/** The page opens: what it knew before is shown at once, then the service is asked. */
export async function open() {
  listen({ onHeard: heard, onTurnedAway: turnedAway });
  const kept = await database.load('values', 'start').catch(() => null);
  if (kept) {
    useToken(kept.csrf_token);
    change((s) => {
      s.start = kept;
      s.enrolled = true;
      s.locked = !kept.cashier || idleTooLong() || isLockedHere();
    });
  }
  // What waits is shown at once, whether or not the service answers.
  await refreshJournal().catch(() => {});
  watchIdleness();
  window.addEventListener('online', () => hello());
  window.addEventListener('offline', () => heard(false));
  await hello();
}

/** Asks who we are; everything that waits for the network goes on from here. */
export async function hello() {
  try {
    await begin(await get('/till', { timeout: 6000 }));
  } catch (error) {
    if (error instanceof NoAnswer) {
      if (!state.start) change({ enrolled: null });
      return;
    }
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) turnedAway('till-unknown');
  }
}

/** The service told who we are. */
async function begin(start) {
  useToken(start.csrf_token);
  setClock(start.now);
  // Locked while the network was away: the service learns of it now.
  if (fresh) lockHere(false);
  const lockedHere = isLockedHere();
  fresh = false;
  if (lockedHere && start.cashier) remove('/till/session').catch(() => {});
  change((s) => {
    s.start = start;
    s.enrolled = true;
    s.locked = !start.cashier || lockedHere;
  });
  await database.save('values', start, 'start').catch(() => {});
  await recover();
  sendWaiting();
  if (!state.locked) {
    quoteAgain();
    loadMenu();
    refreshDay();
    refreshConflicts();
  }
}

/** The next answer comes from somebody who has just proved who he is. */
let fresh = false;

function enter(start) {
  fresh = true;
  active();
  // Next time a PIN is quicker than the password.
  change((s) => { s.sheet = start.cashier?.has_pin === false ? { kind: 'pin', first: true } : null; });
  return begin(start);
}

function heard(answered) {
  if (answered === state.online) return;
  change({ online: answered });
  clearInterval(probing);
  if (answered) {
    // Held back while nobody answered: quotes, and all that waits.
    hello();
  } else {
    probing = setInterval(hello, PROBE);
  }
}

function turnedAway(code) {
  if (code === 'till-locked') {
    change((s) => { s.locked = true; s.sheet = null; });
  } else if (code === 'till-unknown' && state.enrolled !== false) {
    database.forget('values', 'start').catch(() => {});
    forgetPins();
    database.clear('drafts').catch(() => {});
    change((s) => { s.enrolled = false; s.start = null; s.locked = false; s.sheet = null; });
  }
}

// --- coming and going ---------------------------------------------------------------------------------------------

const words = (error) => (error instanceof NoAnswer ? t('net.no-answer') : error.message);

/** First step of enrolment: gives {venues, user} or {problem}. */
export async function login(name, password) {
  try {
    return await post('/till/logins', { login: name, password });
  } catch (error) {
    return { problem: words(error) };
  }
}

/** Second step: this browser becomes a till. */
export async function enrol({ login: name, password, venueId, device }) {
  try {
    const start = await post('/till/devices', { login: name, password, venue_id: venueId, name: device });
    await enter(start);
    return null;
  } catch (error) {
    return words(error);
  }
}

/** A cashier takes over with his PIN. */
export async function unlock(userId, pin) {
  try {
    const start = await post('/till/session', { user_id: userId, pin });
    learnPin(userId, pin);
    await enter(start);
    return null;
  } catch (error) {
    if (!(error instanceof NoAnswer)) return { code: error.code, words: error.message };
    return withoutNetwork(userId, pin);
  }
}

/** The service can't be asked: this device remembers the PINs that were right here. */
async function withoutNetwork(userId, pin) {
  const cashier = state.start?.cashiers.find((c) => c.id === userId);
  const right = cashier ? await checkOffline(userId, pin) : false;
  if (right !== true) return { code: 'offline', words: right === false ? t('pin.offline-wrong') : t('pin.offline-unknown') };
  active();
  lockHere(false);
  change((s) => { s.start = { ...s.start, cashier }; s.locked = false; });
  return null;
}

/** A cashier takes over with login and password. */
export async function unlockWithPassword(name, password) {
  try {
    await enter(await post('/till/session', { login: name, password }));
    return null;
  } catch (error) {
    return words(error);
  }
}

/** Sets the PIN of the current cashier. */
export async function setPin(pin, password) {
  try {
    await put('/till/session/pin', password ? { pin, password } : { pin });
    learnPin(state.start.cashier.id, pin);
    change((s) => { s.start = { ...s.start, cashier: { ...s.start.cashier, has_pin: true } }; });
    notice(t('pin.set'), 'ok');
    return null;
  } catch (error) {
    return words(error);
  }
}

/** Locks: the next one says who he is. What is on the screen stays for him. */
export async function lock() {
  lockHere(true);
  change((s) => { s.locked = true; s.sheet = null; });
  await remove('/till/session').catch(() => {});
}

const LOCKED = 'kopilka-locked';

function lockHere(locked) {
  try {
    if (locked) localStorage.setItem(LOCKED, '1');
    else localStorage.removeItem(LOCKED);
  } catch { /* then a reload asks the service */ }
}

function isLockedHere() {
  try { return localStorage.getItem(LOCKED) === '1'; } catch { return false; }
}

// --- idleness -----------------------------------------------------------------------------------------------------

let noted = 0;

/** Somebody is there. */
function active() {
  const at = Date.now();
  if (at - noted < 2000) return;
  noted = at;
  try { localStorage.setItem(ACTIVE, String(at)); } catch { /* then only this tab knows */ }
}

function idleTooLong() {
  const seconds = state.start?.idle_lock_seconds ?? 600;
  let last = noted;
  try { last = Math.max(last, Number(localStorage.getItem(ACTIVE)) || 0); } catch { /* only this tab */ }
  return last > 0 && Date.now() - last > seconds * 1000;
}

function watchIdleness() {
  for (const kind of ['pointerdown', 'keydown', 'touchstart']) window.addEventListener(kind, active, { passive: true, capture: true });
  setInterval(() => {
    if (state.start && !state.locked && !state.sale.sending && idleTooLong()) lock();
  }, 1000);
}
