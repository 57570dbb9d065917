// Totals of the shift: of this till, and of the whole venue.
import { html, useState } from '../vendor/preact-htm.js';
import { shiftOf } from '../day.js';
import { amount, clockTime, money, t } from '../i18n.js';
import { fromDecimal } from '../money.js';
import { state } from '../store.js';
import { Button, Problem, Row, Segments, useLoaded } from '../ui.js';
import { Head } from './operations.js';

export function Shift() {
  const [of, setOf] = useState('device');
  const { value, problem, busy } = useLoaded(() => shiftOf(), []);
  const s = value?.[of];
  const zone = state.start.venue.time_zone;
  const sum = (text) => money(fromDecimal(text));
  return html`<main class="page" id="main"><${Head} title=${t('shift')} />
    <div class="tools"><${Segments} label=${t('shift.whose')} value=${of} onChoose=${setOf} options=${[{ value: 'device', label: state.start.device.name }, { value: 'venue', label: t('shift.venue') }]} /></div>
    ${value && html`<p class="paper-only">${state.start.venue.name} · ${of === 'device' ? state.start.device.name : t('shift.venue')} · ${value.day.split('-').reverse().join('.')}</p>`}
    <${Problem} words=${problem} />
    ${busy && !s && html`<p class="empty">${t('loading')}</p>`}
    ${s && html`<section class="card"><dl>
        <${Row} strong name=${t('shift.paid')} note=${fromDecimal(s.refunded) ? t('shift.paid-net', sum(s.paid), sum(s.refunded)) : null} value=${money(fromDecimal(s.paid) - fromDecimal(s.refunded))} />
        <${Row} name=${t('shift.total')} value=${sum(s.total)} />
        <${Row} name=${t('shift.receipts')} value=${s.receipts} />
        <${Row} coin name=${t('shift.redeemed')} value=${amount(fromDecimal(s.redeemed))} />
        <${Row} coin name=${t('shift.accrued')} value=${`+${amount(fromDecimal(s.accrued))}`} />
        <${Row} name=${t('shift.returns', s.returns)} value=${html`<span class=${fromDecimal(s.returned) ? 'lost-ink' : ''}>${fromDecimal(s.returned) ? `− ${sum(s.returned)}` : '—'}</span>`} />
        <${Row} name=${t('shift.guests')} value=${s.guests} /><${Row} name=${t('shift.new-guests')} value=${s.new_guests} /></dl></section>
      ${s.by_cashier?.length > 0 && html`<section class="card"><header class="card-head"><span>${t('shift.by-cashier')}</span></header>
        <dl>${s.by_cashier.map((c) => html`<${Row} key=${c.name} name=${c.name} note=${t('receipts', c.receipts)} value=${sum(c.total)} />`)}</dl></section>`}
      ${(s.since ?? value.since) && html`<p class="soft center">${t('shift.since', clockTime(s.since ?? value.since, zone))}</p>`}
      <${Button} icon="printer" onClick=${() => window.print()}>${t('print')}<//>`}
  </main>`;
}
