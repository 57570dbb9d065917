// The guest's screen: the amount, his bonuses, and a code to join. It only shows; it can do nothing.
import { html, render } from './vendor/preact-htm.js';
import { amount, language, money, speak, t } from './i18n.js';
import { fromDecimal } from './money.js';
import { Code } from './qr_code.js';

const root = document.getElementById('guest');
const token = location.hash.slice(1);
let shown = { stage: 'idle' };

const kopecks = (value) => (typeof value === 'string' ? fromDecimal(value) : value ?? 0);

function Screen() {
  const s = shown;
  const join = s.join_url && html`<section class="join"><${Code} text=${s.join_url} label=${t('second.join')} /><p>${t('second.join')}</p></section>`;
  if (s.stage === 'sale') {
    return html`<main class="guest-screen"><header><span>${s.venue}</span></header>
      <section class="figures">${s.guest && html`<p class="hello">${t('second.hello', s.guest)}</p>`}
        ${s.lines?.length > 0 && html`<ul>${s.lines.map((l) => html`<li><span>${l.name}</span><span>${amount(l.amount)}</span></li>`)}</ul>`}
        ${s.total > 0 && html`<p class="label">${t('to-pay')}</p><p class="sum">${money(kopecks(s.to_pay))}</p>`}
        ${kopecks(s.redeemed) > 0 && html`<p class="coin">${t('second.redeemed', amount(kopecks(s.redeemed)))}</p>`}
        ${s.accrued !== null && kopecks(s.accrued) > 0 && html`<p class="coin">${t('second.accrues', amount(kopecks(s.accrued)))}</p>`}
        ${s.available !== null && s.available !== undefined && html`<p class="has">${t('second.has')} <b class="coin">${amount(kopecks(s.available))}</b></p>`}</section>
      ${!s.guest && join}</main>`;
  }
  if (s.stage === 'done') {
    return html`<main class="guest-screen"><header><span>${s.venue}</span></header><section class="figures"><p class="hello">${t('second.thanks')}</p>
      <p class="sum">${money(kopecks(s.to_pay))}</p>
      ${kopecks(s.accrued) > 0 && html`<p class="coin">${t('second.accrued', amount(kopecks(s.accrued)))}</p>`}
      ${s.available && html`<p class="has">${t('second.has')} <b class="coin">${amount(kopecks(s.available))}</b></p>`}</section>${!s.available && join}</main>`;
  }
  return html`<main class="guest-screen idle"><header><span>${s.venue ?? ''}</span></header><section class="figures"><p class="hello">${s.venue ? t('second.welcome', s.venue) : t('second.waits')}</p></section>${join}</main>`;
}

function show(state) {
  shown = state;
  if (state.language && state.language !== language()) speak(state.language);
  document.title = t('second');
  render(html`<${Screen} />`, root);
}

// A window of the till's own browser hears at once.
let heardHere = false;
if ('BroadcastChannel' in window) {
  const channel = new BroadcastChannel('kopilka-guest');
  channel.addEventListener('message', (event) => {
    if (event.data?.stage) { heardHere = true; show(event.data); }
  });
  channel.postMessage('hello');
}

/** Another device asks the service, which answers as soon as something is new. */
async function follow() {
  let version = 0;
  for (;;) {
    try {
      const answer = await fetch(`/api/v1/till/screens/${encodeURIComponent(token)}?after=${version}`, { cache: 'no-store' });
      if (answer.status === 404) { show({ ...shown, stage: 'idle' }); await pause(10_000); continue; }
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      if (told.version !== undefined) version = told.version;
      if (told.state && !heardHere) show({ ...told.state, venue: told.state.venue || told.network?.name, join_url: told.join_url ?? told.state.join_url });
      heardHere = false;
    } catch {
      await pause(3000);
    }
  }
}

const pause = (ms) => new Promise((go) => setTimeout(go, ms));

speak(document.documentElement.lang);
show(shown);
if (token) follow();
navigator.wakeLock?.request('screen').catch(() => {});
