// The end of the sale: how much of it bonuses pay, what is to be paid, and the one green button.
import { html } from '../vendor/preact-htm.js';
import { amount, money, short, t } from '../i18n.js';
import { agree, confirm, edit, figures, may, obstacle, plan, putAside, redeem, total } from '../sale.js';
import { fromDecimal } from '../money.js';
import { state } from '../store.js';
import { Button, Icon, Problem, Row, Segments, openSheet, useWide } from '../ui.js';

/** None, part, or all, in turn: for the key. */
export function turnRedemption() {
  const { redeem: now, customer } = state.sale;
  if (!customer) return;
  redeem(now.mode === 'none' ? 'all' : now.mode === 'all' ? 'part' : 'none', now.text);
  if (state.sale.redeem.mode === 'part') setTimeout(() => document.getElementById('part')?.focus(), 0);
}

export function Redeem() {
  const { sale } = state;
  const guest = sale.customer?.guest;
  if (!guest || total(sale) <= 0) return null;
  const limit = may(sale);
  const nothing = limit === 0;
  // Nothing to choose from is said in a line.
  if (nothing && sale.redeem.mode === 'none') {
    const words = !state.online ? t('redeem.offline-none') : fromDecimal(guest.balance.available) > 0 ? t('redeem.not-here') : t('redeem.no-bonuses');
    return html`<section class="card redeem line" aria-label=${t('redeem')}><header class="card-head"><b>${t('redeem')}</b><span>${words}</span></header></section>`;
  }
  const part = sale.redeem.mode === 'part';
  const stop = part && !sale.quoting ? obstacle(sale) : null;
  const why = !state.online ? (sale.permit ? t('redeem.allowance', amount(limit)) : t('redeem.offline-none'))
    : limit === null ? '' : t('redeem.may', amount(limit), guest.redeem_max_percent);
  const all = limit ? t('redeem.all', short(limit)) : t('redeem.all-bare');
  return html`<section class="card redeem" aria-label=${t('redeem')}>
    <header class="card-head"><b>${t('redeem')}</b><span>${why}</span></header>
    <${Segments} label=${t('redeem')} value=${sale.redeem.mode} onChoose=${(mode) => { redeem(mode, sale.redeem.text); if (mode === 'part') setTimeout(() => document.getElementById('part')?.focus(), 0); }}
      options=${[{ value: 'none', label: t('redeem.none') }, { value: 'part', label: t('redeem.part'), disabled: nothing }, { value: 'all', label: all, disabled: nothing }]} />
    ${part && html`<div class="part"><label for="part">${t('redeem.exact')}</label>
      <input id="part" inputmode="decimal" autocomplete="off" value=${sale.redeem.text} placeholder=${limit ? amount(limit) : '0,00'} onInput=${(e) => redeem('part', e.target.value)} /></div>
      ${stop && html`<p class=${sale.redeem.text ? 'problem' : 'hint'} role="status">${stop}</p>`}`}
  </section>`;
}

/** `whole`: also the sum before bonuses, where nothing above says it. */
export function Totals({ whole }) {
  const { sale } = state;
  const f = figures(sale);
  if (f.total <= 0) return null;
  const guest = sale.customer;
  return html`<section class="card totals ${sale.quoting ? 'stale' : ''}" aria-label=${t('totals')} aria-live="polite" aria-busy=${String(sale.quoting)}><dl>
    ${f.redeemed > 0 && html`${whole && html`<${Row} name=${t('total')} value=${money(f.total)} />`}<${Row} name=${t('by-bonuses')} value=${`−\u00a0${amount(f.redeemed)}`} coin />`}
    <${Row} name=${t('to-pay')} value=${money(f.toPay)} strong />
    ${guest && (f.accrued !== null
      ? html`<${Row} coin name=${html`${t('accrues')} <button type="button" class="link" onClick=${() => openSheet('why', { answer: sale.quote })}>${t('why')}</button>`} value=${`+${amount(f.accrued)}`} />`
      : !state.online && html`<${Row} soft name=${t('accrues-later')} value="" />`)}
    ${f.after !== null && guest?.guest && html`<${Row} soft name=${t('will-have')} value=${amount(f.after)} />`}
  </dl></section>`;
}

/** What to do about a refusal, beside what the service says. */
function advice(problem) {
  const { sale } = state;
  if (problem.code === 'redeem-limit' || problem.code === 'insufficient-balance') {
    return html`<div class="actions">${!sale.quoting && may() > 0 && html`<${Button} onClick=${() => redeem('all')}>${t('redeem.all-now', amount(may()))}<//>`}<${Button} onClick=${() => redeem('none')}>${t('redeem.nothing')}<//></div>`;
  }
  if (problem.code === 'changed') {
    return html`<div class="actions"><${Button} onClick=${agree}>${t('changed.agree')}<//>${sale.redeem.mode !== 'none' && html`<${Button} onClick=${() => redeem('none')}>${t('redeem.nothing')}<//>`}</div>`;
  }
  if (problem.code === 'card-blocked' || problem.code === 'customer-blocked') {
    return html`<div class="actions"><${Button} onClick=${() => redeem('none')}>${t('redeem.nothing')}<//></div>`;
  }
  if (sale.asks) return html`<div class="actions"><${Button} onClick=${agree}>${t('changed.agree')}<//></div>`;
  return null;
}

/** What was refused or has changed, and what to do about it. */
export function Trouble() {
  const { problem } = state.sale;
  return problem && html`<${Problem} words=${problem.words}>${advice(problem)}<//>`;
}

export function Confirm() {
  const { sale } = state;
  const wide = useWide();
  const f = figures(sale);
  const stop = obstacle(sale);
  if (sale.unanswered) {
    return html`<div class="card refusal" role="alert"><${Icon} name="clock" /><div><b>${t('lost.title')}</b><p>${t('lost.words')}</p>
      <div class="actions"><${Button} onClick=${putAside}>${t('lost.aside')}<//></div></div></div>`;
  }
  // What is wrong with the part is said beside its field.
  const words = sale.redeem.mode === 'part' && sale.customer?.guest ? null : stop;
  return html`<div class="thumb">
    ${words && total(sale) > 0 && !sale.quoting && html`<p class="problem" role="status">${words}</p>`}
    <button type="button" id="confirm" class="button go" disabled=${Boolean(stop) || sale.sending || sale.asks} onClick=${confirm} aria-busy=${String(sale.sending)}>
      <span>${sale.sending ? t('sending') : total(sale) > 0 ? `${t('confirm')} · ${money(f.toPay)}` : t('confirm')}</span></button>
  </div>`;
}

/** The amount as a card, on a phone: tapping it goes back. */
export function AmountCard() {
  const { sale } = state;
  const back = () => edit((s) => { s.step = 'amount'; });
  return html`<section class="card amount-card"><div><span class="soft whole">${sale.lines.length ? `${t('lines')} · ${t('lines.count', sale.lines.length)}` : t('amount.label')}</span>
    <b class="sum">${money(total(sale))}</b></div><button type="button" class="button small" onClick=${back}><span>${t('change')}</span></button></section>`;
}
