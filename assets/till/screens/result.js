// What came of it: posted, or kept until the network is back.
import { html, useEffect, useRef } from '../vendor/preact-htm.js';
import { amount, clockTime, lastDay, money, short, t } from '../i18n.js';
import { fromDecimal } from '../money.js';
import { nextSale } from '../sale.js';
import { printSlip } from '../slip.js';
import { change, state } from '../store.js';
import { Button, Icon, IconButton, Row, openSheet } from '../ui.js';

export function Result() {
  const { result, start } = state;
  const { row, answer, customer } = result;
  const title = useRef(null);
  useEffect(() => { title.current?.focus({ preventScroll: true }); }, [row.key]);
  const waits = result.kind === 'queued';
  const guest = customer?.guest;
  const redeemed = waits ? row.label.redeemed : fromDecimal(answer.redeemed);
  const toPay = waits ? row.label.toPay : fromDecimal(answer.to_pay);
  const balance = answer?.balance;
  const expiring = balance?.expiring_next;
  const accrued = waits ? null : fromDecimal(answer.accrued);
  const differs = customer && !waits && typeof row.label.accrued === 'number' && row.label.accrued !== accrued;
  const open = (guest?.cashier_messages ?? []).filter((m) => !m.ticked);
  return html`<section class="result">
    <div class="mark-big ${waits ? 'waits' : ''}" aria-hidden="true"><${Icon} name=${waits ? 'clock' : 'check'} size=${44} /></div>
    <h1 tabindex="-1" ref=${title}>${waits ? t('result.kept') : t('result.posted')}</h1>
    <p class="center" role="status">${redeemed ? t('result.paid-both', money(toPay), amount(redeemed)) : t('result.paid', money(toPay))}</p>
    ${waits && html`<p class="soft center">${t('result.kept-words')}${customer ? ` ${t('result.kept-bonuses')}` : ''}</p>`}
    ${result.late && html`<p class="soft center">${t('queue.late')}</p>`}
    ${differs && html`<p class="card soft">${t('result.differs', amount(row.label.accrued), amount(accrued))}</p>`}
    ${open.length > 0 && html`<p class="card message">${open.map((m) => m.text).join(' ')}</p>`}
    ${customer && !waits && html`<section class="card"><dl>
      <${Row} coin name=${html`${t('accrued')} ${answer.explanation?.length > 0 && html`<button type="button" class="link" onClick=${() => openSheet('why', { answer })}>${t('why')}</button>`}`} value=${`+${amount(fromDecimal(answer.accrued))}`} />
      ${balance && html`<${Row} coin name=${t('balance')} value=${amount(fromDecimal(balance.available))} />`}
      ${expiring && html`<${Row} soft name=${t('expires-next')} value=${t('expires-value', short(fromDecimal(expiring.amount)), lastDay(expiring.at, start.venue.time_zone))} />`}
    </dl></section>`}
    ${customer && !guest && !waits && !answer.customer_id && html`<p class="card soft">${t('result.no-guest')}</p>`}
    <div class="thumb">
      <button type="button" id="next" class="button go" onClick=${nextSale}><span>${t('result.next')}</span></button>
      <div class="pair">
        ${!waits && html`<${Button} icon="rotate-ccw" onClick=${() => openSheet('operation', { id: answer.id, cancel: true, guest: guest?.name })}>${t('result.cancel', row.label.number)}<//>`}
        <${Button} icon="printer" onClick=${() => printSlip({ ...result, number: row.label.number, at: row.body.closed_at })}>${t('slip')}<//>
      </div>
    </div>
  </section>`;
}

/** The last few operations of this till. */
export function Recent() {
  const { recent, start } = state;
  if (!recent.length) return null;
  return html`<section class="card recent" aria-label=${t('recent')}>
    <header class="card-head"><span>${t('recent')}</span><button type="button" class="link" onClick=${() => change({ screen: 'operations', sheet: null })}>${t('all')}</button></header>
    <ul>${recent.slice(0, 5).map((o) => html`<li key=${o.id}><button type="button" class="line-row" onClick=${() => openSheet('operation', { id: o.receipt_id ?? o.id, guest: o.guest?.name })}>
      <span class="who"><b>${o.guest?.name ?? t('guest.none')}</b> <span class="soft">${clockTime(o.at, start.venue.time_zone)}</span></span>
      <span class=${o.kind === 'return' ? 'lost-ink' : ''}>${o.kind === 'return' ? `− ${amount(fromDecimal(o.returned ?? o.total))}` : amount(fromDecimal(o.total))}</span></button></li>`)}</ul>
  </section>`;
}
