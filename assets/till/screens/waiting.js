// What waits: sales for the network, answers that never came, refusals for a person.
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { refreshConflicts, settle } from '../conflicts.js';
import { amount, clockTime, money, t } from '../i18n.js';
import * as journal from '../journal.js';
import { fromDecimal } from '../money.js';
import { giveUp, postAgain } from '../sale.js';
import { sendWaiting } from '../sender.js';
import { state } from '../store.js';
import { Button, Field, Problem, Sheet, closeSheet, useLoaded } from '../ui.js';
import { Head } from './operations.js';

export function Waiting() {
  const { waiting, conflicts, online } = state;
  const zone = state.start.venue.time_zone;
  const rows = useLoaded(() => journal.rows(), [waiting]);
  useEffect(() => { refreshConflicts(); }, []);
  const queued = (rows.value ?? []).filter((r) => r.state === 'queued');
  const known = new Set(conflicts.map((c) => c.receipt?.external_id));
  const refused = waiting.refused.filter((r) => !known.has(r.key));
  const nothing = !queued.length && !conflicts.length && !refused.length && !waiting.unanswered.length;
  return html`<main class="page" id="main"><${Head} title=${t('waiting')} />
    ${nothing && html`<p class="empty">${t('waiting.nothing')}</p>`}
    ${waiting.unanswered.length > 0 && html`<h2>${t('waiting.unanswered')}</h2>${waiting.unanswered.map((r) => html`<${Unanswered} key=${r.key} row=${r} />`)}`}
    ${(conflicts.length > 0 || refused.length > 0) && html`<h2>${t('waiting.conflicts')}</h2><p class="soft">${t('waiting.conflicts-words')}</p>
      ${conflicts.map((c) => html`<${Conflict} key=${c.id} conflict=${c} />`)}
      ${refused.map((r) => html`<${Refusal} key=${r.key} row=${r} />`)}`}
    ${queued.length > 0 && html`<h2>${t('waiting.queued', queued.length)}</h2><p class="soft">${online ? t('waiting.sending') : t('waiting.offline')}</p>
      <ul class="card list">${queued.map((r) => html`<li key=${r.key} class="row"><span class="who"><b>${r.label.guest ?? t('guest.none')}</b> <span class="soft">${clockTime(r.body.closed_at, zone)}</span></span><b>${money(r.label.total)}</b></li>`)}</ul>
      <${Button} icon="refresh-cw" onClick=${sendWaiting}>${t('waiting.send')}<//>`}
  </main>`;
}

/** A confirm whose answer never came. */
export function Unanswered({ row, onSettled }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const zone = state.start.venue.time_zone;
  const act = (how) => async () => {
    setBusy(true);
    const refused = await how();
    setBusy(false);
    setProblem(refused);
    if (!refused) onSettled?.();
  };
  const sale = row.kind === 'sale';
  return html`<section class="card">
    <p><b>${sale ? t('unanswered.sale', row.label.number) : t(`unanswered.${row.kind}`, row.label.number ?? '')}</b> · ${money(row.label.total)}${row.label.guest ? ` · ${row.label.guest}` : ''}</p>
    <p class="soft">${clockTime(row.madeAt, zone)}. ${sale ? t('unanswered.words', amount(row.label.redeemed)) : t('unanswered.undo-words')}</p>
    <${Problem} words=${problem} />
    <div class="actions"><button type="button" class="button go" disabled=${busy} onClick=${act(() => postAgain(row))}><span>${sale ? t('unanswered.post') : t('unanswered.finish')}</span></button>
      ${sale && html`<${Button} disabled=${busy} onClick=${act(() => postAgain(row, true))}>${t('unanswered.without')}<//>`}
      <${Button} kind="quiet" disabled=${busy} onClick=${act(() => giveUp(row))}>${t('unanswered.drop')}<//></div></section>`;
}

/** The same, in front of everything, right after a restart. */
export function UnansweredSheet() {
  const { unanswered } = state.waiting;
  if (!unanswered.length) return html`<${Sheet} title=${t('waiting.unanswered')}><p>${t('unanswered.none')}</p><//>`;
  return html`<${Sheet} title=${t('waiting.unanswered')}>${unanswered.map((r) => html`<${Unanswered} key=${r.key} row=${r} onSettled=${() => { if (state.waiting.unanswered.length <= 1) closeSheet(); }} />`)}
    <${Button} kind="quiet" onClick=${closeSheet}>${t('later')}<//><//>`;
}

function Conflict({ conflict }) {
  const [note, setNote] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const act = (action) => async () => {
    setBusy(true);
    setProblem(await settle(conflict, action, note));
    setBusy(false);
  };
  const r = conflict.receipt ?? {};
  const zone = state.start.venue.time_zone;
  return html`<section class="card">
    <p><b>${money(fromDecimal(r.total ?? '0'))}</b> · ${clockTime(r.closed_at ?? conflict.at, zone)}${conflict.cashier ? ` · ${conflict.cashier.name ?? conflict.cashier}` : ''}</p>
    <p class="lost-ink">${conflict.words}</p>
    ${r.redeem && fromDecimal(r.redeem) > 0 && html`<p class="soft">${t('conflict.redeem', amount(fromDecimal(r.redeem)))}</p>`}
    <${Problem} words=${problem} />
    ${note === null ? html`<div class="actions">
      <${Button} disabled=${busy} onClick=${act('without_redemption')}>${t('conflict.without-redemption')}<//>
      <${Button} disabled=${busy} onClick=${act('without_guest')}>${t('conflict.without-guest')}<//>
      <${Button} kind="quiet" disabled=${busy} onClick=${() => setNote('')}>${t('conflict.dismiss')}<//></div>`
      : html`<${Field} id="note-${conflict.id}" label=${t('conflict.note')} value=${note} onInput=${(e) => setNote(e.target.value)} />
      <div class="actions"><${Button} kind="lost" disabled=${busy || !note.trim()} onClick=${act('dismiss')}>${t('conflict.do-dismiss')}<//><${Button} kind="quiet" onClick=${() => setNote(null)}>${t('back')}<//></div>`}
  </section>`;
}

/** Refused, and not on the service's list: shown until somebody has seen to it. */
function Refusal({ row }) {
  const zone = state.start.venue.time_zone;
  const [problem, setProblem] = useState(null);
  return html`<section class="card"><p><b>${money(row.label.total)}</b> · ${clockTime(row.body.closed_at, zone)} · ${row.label.guest ?? t('guest.none')}</p>
    <p class="lost-ink">${row.problem?.words}</p><${Problem} words=${problem} />
    <div class="actions"><${Button} onClick=${async () => setProblem(await postAgain(row, true))}>${t('conflict.without-redemption')}<//>
      <${Button} kind="quiet" onClick=${async () => setProblem(await giveUp(row))}>${t('conflict.dismiss')}<//></div></section>`;
}
