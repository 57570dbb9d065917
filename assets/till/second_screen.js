// What the guest sees on the second screen: told to windows of this browser at once, and to other devices through the
// service, which keeps the last state only.
import { put } from './api.js';
import { language } from './i18n.js';
import { figures, total } from './sale.js';
import { state } from './store.js';

const channel = 'BroadcastChannel' in window ? new BroadcastChannel('kopilka-guest') : null;
channel?.addEventListener('message', (event) => { if (event.data === 'hello') tell(true); });

let told = '';
let sending = null;
/** The service is told no more often than this. */
const EVERY = 350;

function shown() {
  const { sale, result, start } = state;
  const base = { language: language(), venue: start?.venue.name ?? '', join_url: start?.network.join_url ?? null };
  if (state.locked || !start) return { ...base, stage: 'idle' };
  if (result?.kind === 'posted') {
    const a = result.answer;
    return { ...base, stage: 'done', to_pay: a.to_pay, redeemed: a.redeemed, accrued: a.accrued, available: a.balance?.available ?? null };
  }
  const guest = sale.customer?.guest;
  const sum = total(sale);
  if (!guest && !sum) return { ...base, stage: 'idle' };
  const f = figures(sale);
  return {
    ...base, stage: 'sale', guest: guest?.name ?? null, available: guest?.balance.available ?? null, total: sum, to_pay: f.toPay,
    redeemed: f.redeemed, accrued: f.accrued, lines: sale.lines.slice(-8).map((l) => ({ name: l.name, amount: l.amount })),
  };
}

/** Tells it where it changed. */
export function tell(anyway = false) {
  const now = shown();
  const text = JSON.stringify(now);
  if (text === told && !anyway) return;
  told = text;
  channel?.postMessage(now);
  clearTimeout(sending);
  if (state.start?.screen_token && state.online && !state.locked) {
    sending = setTimeout(() => put('/till/screen', { state: now }, { quiet: true }).catch(() => {}), EVERY);
  }
}
