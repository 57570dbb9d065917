// The page: what is drawn when, and the keys that work everywhere.
import { html, render, useEffect } from './vendor/preact-htm.js';
import { t } from './i18n.js';
import { restorePreferences } from './preferences.js';
import { confirm, edit, nextSale, persist, restore, review } from './sale.js';
import { hearScanner } from './scanner.js';
import { found } from './scanned.js';
import { Enrol } from './screens/enrol.js';
import { AmountStep, Entry, Lines } from './screens/entry.js';
import { Find } from './screens/find.js';
import { GuestCard, Messages, NewGuestSheet } from './screens/guest.js';
import { AmountSheet, FavouritesSheet, LineSheet } from './screens/line.js';
import { Lock } from './screens/lock.js';
import { CameraSheet, Mark, MenuSheet, SecondSheet } from './screens/menu.js';
import { OperationSheet, Operations } from './screens/operations.js';
import { AmountCard, Confirm, Redeem, Totals, Trouble, turnRedemption } from './screens/pay.js';
import { PinSheet } from './screens/pin.js';
import { Recent, Result } from './screens/result.js';
import { Shift } from './screens/shift.js';
import { UnansweredSheet, Waiting } from './screens/waiting.js';
import { WhySheet } from './screens/why.js';
import { tell } from './second_screen.js';
import { hello, open } from './session.js';
import { change, dismiss, onChange, state } from './store.js';
import { Icon, IconButton, openSheet, useTouch, useWide } from './ui.js';
import { clockTime, short } from './i18n.js';
import { fromDecimal } from './money.js';

const SHEETS = {
  menu: MenuSheet, 'new-guest': NewGuestSheet, why: WhySheet, line: LineSheet, amount: AmountSheet, favourites: FavouritesSheet,
  operation: OperationSheet, pin: PinSheet, second: SecondSheet, camera: CameraSheet, unanswered: UnansweredSheet,
};

function Net() {
  const { online, waiting, conflicts } = state;
  const person = waiting.unanswered.length + Math.max(conflicts.length, waiting.refused.length);
  const words = online ? (waiting.queued ? t('net.sending', waiting.queued) : t('net.on')) : waiting.queued ? t('net.off-queue', waiting.queued) : t('net.off');
  const brief = !online && waiting.queued ? t('net.off-brief', waiting.queued) : words;
  return html`<button type="button" class="net ${online ? 'on' : 'off'}" onClick=${() => change({ screen: 'waiting', sheet: null })}>
    <i aria-hidden="true"></i><span class="wide-only">${words}</span><span class="narrow-only">${brief}</span>${person > 0 && html`<span class="badge" aria-label=${t('waiting.conflicts')}>${person}</span>`}</button>`;
}

function Header() {
  const { start, shift } = state;
  const wide = useWide();
  const touch = useTouch();
  return html`<header class="top">
    <button type="button" class="who-am-i" onClick=${() => openSheet('menu')}><span class="unseen">${t('menu')}:</span>
      <${Mark} name=${start.cashier?.name} /><span><b>${start.venue.name}</b><small>${[start.cashier?.name, start.since && t('since', clockTime(start.since, start.venue.time_zone))].filter(Boolean).join(' · ')}</small></span></button>
    ${wide && !touch && html`<p class="shortcuts">${[['/', 'keys.find'], ['F2', 'keys.product'], ['F4', 'keys.redeem'], ['Ctrl ↵', 'keys.confirm']].map(([k, w]) => html`<span key=${k}>${t(w)} <kbd>${k}</kbd></span>`)}</p>`}
    <${Net} />
  </header>`;
}

function Sale() {
  const { sale, result, shift } = state;
  const wide = useWide();
  // Each step begins at its top, wherever the one before was left.
  const step = result ? 'result' : sale.step;
  const trouble = !result && step === 'pay' ? sale.problem?.words : null;
  useEffect(() => { if (!wide) window.scrollTo(0, 0); }, [step, trouble]);
  const today = shift?.device?.receipts > 0 && html`<p class="today soft">${t('today', shift.device.receipts, short(fromDecimal(shift.device.accrued)), short(fromDecimal(shift.device.redeemed)))}</p>`;
  const name = !result && html`<h1 class="unseen">${t('sale')}</h1>`;
  if (wide) {
    return html`<main class="till two" id="main">${name}<div class="left">${result ? html`<${Recent} />` : html`<${Entry} /><${Lines} />`}</div>
      <aside class="right" aria-label=${t('guest-and-pay')}>${result ? html`<${Result} />` : html`
        ${sale.customer ? html`<${GuestCard} />` : html`<${Find} />`}<${Messages} /><${Redeem} /><${Totals} whole />${!sale.customer && today}<${Trouble} /><${Confirm} />`}</aside></main>`;
  }
  if (result) return html`<main class="till one" id="main"><${Result} /><${Recent} /></main>`;
  if (sale.step === 'guest') return html`<main class="till one fit" id="main">${name}<${Find} />${today}</main>`;
  if (sale.step === 'amount') return html`<main class="till one" id="main">${name}<${GuestCard} compact /><${AmountStep} /></main>`;
  // What has to be read first stands first, and leaves the figures in sight.
  if (sale.problem) return html`<main class="till one" id="main">${name}<${Trouble} /><${GuestCard} compact /><${Redeem} /><${Totals} whole /><${Confirm} /></main>`;
  return html`<main class="till one" id="main">${name}<${GuestCard} /><${Messages} /><${AmountCard} /><${Redeem} /><${Totals} /><${Confirm} /></main>`;
}

const SCREENS = { sale: Sale, operations: Operations, shift: Shift, waiting: Waiting };

function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">${state.update && html`<div class="notice"><span>${t('update')}</span><button type="button" class="link" onClick=${state.update}>${t('update.now')}</button></div>`}
    ${state.notices.map((n) => html`<div class="notice ${n.kind}" key=${n.id}><span>${n.text}</span><${IconButton} icon="x" label=${t('close')} onClick=${() => dismiss(n.id)} /></div>`)}</div>`;
}

function App() {
  const { start, enrolled, locked, screen, sheet } = state;
  if (enrolled === false) return html`<div class="app"><${Enrol} /><${Notices} /></div>`;
  if (!start) {
    return html`<div class="app"><main class="door"><div class="door-box"><div class="brand" aria-hidden="true">К</div>
      ${state.online ? html`<p class="soft center" role="status">${t('loading')}</p>` : html`<h1>${t('net.first')}</h1><p class="soft center">${t('net.first-words')}</p><button type="button" class="button go" onClick=${hello}><span>${t('try-again')}</span></button>`}</div></main></div>`;
  }
  if (locked) return html`<div class="app"><${Lock} /><${Notices} /></div>`;
  const Shown = SCREENS[screen];
  const Over = sheet && SHEETS[sheet.kind];
  return html`<div class="app"><${Header} /><${Shown} />
    ${Over && html`<${Over} key=${`${sheet.kind}-${sheet.id ?? sheet.lineId ?? sheet.product?.id ?? ''}`} ...${sheet} />`}<${Notices} /></div>`;
}

const root = document.getElementById('app');
let first = true;

function draw() {
  if (first) root.replaceChildren();
  first = false;
  review();
  document.title = state.start ? `${state.start.venue.name} · ${t('till')}` : t('till');
  render(html`<${App} />`, root);
  persist();
  tell();
}

// --- keys that work everywhere ------------------------------------------------------------------------------------

const typing = (target) => target.closest?.('input, textarea, select, [contenteditable]');

window.addEventListener('keydown', (event) => {
  if (!state.start || state.locked || state.sheet || document.querySelector('dialog[open]')) return;
  const field = (id) => {
    const element = document.getElementById(id);
    if (!element) return false;
    event.preventDefault();
    element.focus();
    element.select?.();
    return true;
  };
  if (event.key === 'Escape') {
    if (state.screen !== 'sale') change({ screen: 'sale' });
    else if (state.result) nextSale();
    else if (state.find.text || state.entry.text) change((s) => { s.find = { ...s.find, text: '', items: [], problem: null, missed: null }; s.entry = { ...s.entry, text: '' }; });
    else if (state.sale.step === 'pay') edit((s) => { s.step = 'amount'; });
    else if (state.sale.step === 'amount') edit((s) => { s.step = 'guest'; });
    return;
  }
  if (state.screen !== 'sale') return;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (state.result) nextSale();
    else confirm();
  } else if (event.key === '/' && !(typing(event.target) && event.target.value)) {
    if (state.result) nextSale();
    if (state.sale.customer) event.preventDefault();
    else requestAnimationFrame(() => field('guest'));
    event.preventDefault();
  } else if (event.key === 'F2') {
    event.preventDefault();
    if (state.result) nextSale();
    requestAnimationFrame(() => field('entry') || field('amount'));
  } else if (event.key === 'F4') {
    event.preventDefault();
    turnRedemption();
  } else if (/^[\d+]$/.test(event.key) && !typing(event.target) && !event.ctrlKey && !event.altKey && !event.metaKey) {
    // Digits typed at nothing are meant for the field that waits.
    const waits = document.getElementById(state.sale.step === 'guest' && !state.sale.customer ? 'guest' : 'amount') ?? document.getElementById('entry');
    waits?.focus();
  }
});

// --- the page without a network -----------------------------------------------------------------------------------

async function keepReady() {
  if (!('serviceWorker' in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register('/till/sw.js', { scope: '/till' });
    const offer = () => {
      const next = registration.waiting;
      if (next && navigator.serviceWorker.controller) {
        change({ update: () => { next.postMessage('take over'); navigator.serviceWorker.addEventListener('controllerchange', () => location.reload()); } });
      }
    };
    offer();
    registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', offer));
    // A till is open for weeks.
    setInterval(() => registration.update().catch(() => {}), 3_600_000);
    navigator.storage?.persist?.().catch(() => {});
  } catch { /* Not served over TLS: the page works, but opens with a network only. */ }
}

restorePreferences();
onChange(draw);
hearScanner(found);
draw();
restore().then(open);
keepReady();
