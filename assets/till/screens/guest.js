// The guest on the sale: who he is, what he has, what the cashier must not forget.
import { html, useState } from '../vendor/preact-htm.js';
import { now } from '../api.js';
import { amount, lastDay, short, t } from '../i18n.js';
import { register, tick } from '../guests.js';
import { fromDecimal } from '../money.js';
import { maskedPhone, spacedPhone } from '../phone.js';
import { dropGuest, edit } from '../sale.js';
import { state } from '../store.js';
import { Button, Field, Icon, IconButton, Problem, Sheet, closeSheet, openSheet } from '../ui.js';

const SOON = 30 * 86_400_000;

/** `compact`: a line, where the room is for something else. */
export function GuestCard({ compact }) {
  const { customer } = state.sale;
  const zone = state.start.venue.time_zone;
  const drop = html`<${IconButton} icon="x" label=${t('guest.drop')} onClick=${() => { dropGuest(); edit((s) => { s.step = 'guest'; }); }} />`;
  if (!customer) {
    return html`<section class="card guest none"><b>${t('guest.none')}</b><button type="button" class="button quiet" onClick=${() => edit((s) => { s.step = 'guest'; })}><span>${t('guest.choose')}</span></button></section>`;
  }
  const { guest } = customer;
  if (!guest) {
    return html`<section class="card guest"><div class="guest-top"><div><b class="guest-name">${customer.unknown}</b><p class="soft">${t('guest.unknown')}</p></div>${drop}</div></section>`;
  }
  const has = fromDecimal(guest.balance.available) + (customer.held ?? 0);
  if (compact) {
    return html`<section class="card guest compact" aria-label=${t('guest')}><b class="guest-name">${guest.name ?? t('guest.nameless')}</b><span class="coin">${amount(has)}</span>${drop}</section>`;
  }
  const next = guest.balance.expiring_next;
  // A warning is for what burns soon; half a year ahead it is noise.
  const expiring = next && Date.parse(next.at) - now() < SOON ? next : null;
  const factor = Number(guest.coefficient);
  const debt = fromDecimal(guest.balance.debt);
  return html`<section class="card guest" aria-label=${t('guest')}>
    <div class="guest-top"><div><b class="guest-name">${guest.name ?? t('guest.nameless')}</b>
        <p class="soft"><span class="whole">${maskedPhone(guest.phone)}</span>${guest.card && html`<span class=${guest.phone ? 'wide-only' : ''}>${guest.phone ? ' ' : ''}<span class="whole">${t('card')}\u00a0${guest.card}</span></span>`}</p></div>
      <div class="guest-has"><span class="coin big">${amount(has)}</span><span class="soft">${t('bonuses', has)}</span></div>${drop}</div>
    <div class="chips">
      ${factor !== 1 && html`<span class="chip good">${t('guest.factor', guest.coefficient)}</span>`}
      ${guest.status === 'potential' && html`<span class="chip">${t('guest.potential')}</span>`}
      ${(guest.card_blocked || guest.status === 'blocked') && html`<span class="chip lost">${t('guest.blocked')}</span>`}
      ${expiring && html`<span class="chip lost">${t('guest.expires', short(fromDecimal(expiring.amount)), lastDay(expiring.at, zone))}</span>`}
      ${debt > 0 && html`<span class="chip lost">${t('guest.debt', short(debt))}</span>`}
      ${guest.status === 'potential' && state.online && html`<button type="button" class="chip act" onClick=${() => registerKnown(guest)}>${t('guest.register')}</button>`}
    </div>
  </section>`;
}

const registerKnown = (guest) => openSheet('new-guest', { phone: guest.phone, name: guest.name });

const PICTURE = { birthday: 'cake', gift: 'gift', note: 'message-square' };

/** What the cashier should say or do; each has to be ticked off. */
export function Messages() {
  const messages = state.sale.customer?.guest?.cashier_messages ?? [];
  if (!messages.length) return null;
  return html`<section class="messages" aria-label=${t('messages')}>${messages.map((m) => html`<div class="card message ${m.ticked ? 'ticked' : ''}" key=${m.code}>
    <span class="mark"><${Icon} name=${m.ticked ? 'check' : PICTURE[m.code] ?? PICTURE[m.code.split('-')[0]] ?? 'message-square'} /></span><p>${m.text}</p>
    ${m.ticked ? html`<span class="soft">${t('message.done')}</span>` : html`<button type="button" class="button small" onClick=${() => tick(m)}><span>${t(m.code === 'gift' || m.code === 'birthday' ? 'message.gave' : 'message.tick')}</span></button>`}
  </div>`)}</section>`;
}

/** A new guest in ten seconds. */
export function NewGuestSheet({ phone: given, name: called, missed }) {
  const [phone, setPhone] = useState(spacedPhone(given ?? missed ?? ''));
  const [name, setName] = useState(called ?? '');
  const [day, setDay] = useState('');
  const [agreed, setAgreed] = useState(false);
  const [reads, setReads] = useState(false);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const { consent } = state.start;
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    if (!agreed) return setProblem({ field: 'agree', words: t('new.agree') });
    const birthday = birthdayOf(day);
    if (birthday === undefined) return setProblem({ field: 'birthday', words: t('new.bad-birthday') });
    setBusy(true);
    const refused = await register({ phone, name: name.trim(), birthday });
    setBusy(false);
    if (refused) setProblem(refused);
    else closeSheet();
  };
  return html`<${Sheet} title=${t('new.title')}>
    <form onSubmit=${submit}>
      <${Problem} words=${problem && !problem.field ? problem.words : null} />
      <${Field} id="new-phone" label=${t('new.phone')} type="tel" inputmode="tel" value=${phone} problem=${problem?.field === 'phone' ? problem.words : null} autofocus=${!phone}
        onInput=${(e) => { if (e.target.selectionStart === e.target.value.length && e.inputType?.startsWith('insert')) e.target.value = spacedPhone(e.target.value); setPhone(e.target.value); }} />
      <${Field} id="new-name" label=${t('new.name')} autocapitalize="words" maxlength="100" autofocus=${Boolean(phone)} value=${name} onInput=${(e) => setName(e.target.value)} />
      <${Field} id="new-day" label=${t('new.birthday')} hint=${t('new.birthday-hint')} inputmode="numeric" placeholder=${t('new.birthday-form')} value=${day}
        problem=${problem?.field === 'birthday' ? problem.words : null} onInput=${(e) => { e.target.value = dotted(e.target.value, e.inputType); setDay(e.target.value); }} />
      <label class="agree"><input type="checkbox" checked=${agreed} onChange=${(e) => setAgreed(e.target.checked)} /><span>${t('new.consent')}
        ${consent?.text && html`<button type="button" class="link" aria-expanded=${String(reads)} onClick=${(e) => { e.preventDefault(); setReads(!reads); }}>${t('new.consent-text')}</button>`}</span></label>
      ${problem?.field === 'agree' && !agreed && html`<p class="problem" role="alert">${problem.words}</p>`}
      ${reads && html`<div class="consent" tabindex="0">${consent.text}<small>${t('new.consent-version', consent.version)}</small></div>`}
      <button class="button go" disabled=${busy}><span>${t('new.save')}</span></button>
    </form><//>`;
}

/** Points come by themselves: "0803" is on its way to 08.03. */
function dotted(text, how) {
  if (!how?.startsWith('insert')) return text;
  const digits = text.replace(/\D/g, '').slice(0, 8);
  return [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)].filter(Boolean).join('.');
}

/** "08.03.1990" as 1990-03-08; null: not given; undefined: no day. */
export function birthdayOf(text) {
  if (!text.trim()) return null;
  const found = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text.trim());
  if (!found) return undefined;
  const [, d, m, y] = found.map(Number);
  const date = new Date(Date.UTC(y, m - 1, d));
  const real = date.getUTCMonth() === m - 1 && date.getUTCDate() === d && y > 1900 && date < new Date();
  return real ? date.toISOString().slice(0, 10) : undefined;
}
