// Today's operations with search, one of them with its lines, and giving back.
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { cancelReceipt, giveBackLines, leftOf, operations, receiptOf } from '../day.js';
import { amount, clockTime, money, quantity, t } from '../i18n.js';
import { fromDecimal, parseAmount, parseQuantity, quantityToDecimal, toDecimal } from '../money.js';
import { printSlip } from '../slip.js';
import { change, notice, state, uuid } from '../store.js';
import { Button, Icon, IconButton, Problem, Row, Segments, Sheet, closeSheet, openSheet, useLoaded } from '../ui.js';

export function Head({ title, children }) {
  return html`<header class="page-head"><${IconButton} icon="chevron-left" label=${t('back')} onClick=${() => change({ screen: 'sale' })} /><h1>${title}</h1>${children}</header>`;
}

export function Operations() {
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [device, setDevice] = useState('this');
  const [more, setMore] = useState([]);
  const [cursor, setCursor] = useState(null);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), 200);
    return () => clearTimeout(timer);
  }, [text]);
  const { value, problem, busy } = useLoaded(async () => {
    const page = await operations({ q: asked, device });
    setMore([]);
    setCursor(page.next_cursor);
    return page;
  }, [asked, device, state.recent]);
  const forward = async () => {
    const page = await operations({ q: asked, device, cursor }).catch((e) => notice(e.message, 'bad'));
    if (!page) return;
    setMore([...more, ...page.items]);
    setCursor(page.next_cursor);
  };
  const items = [...(value?.items ?? []), ...more];
  return html`<main class="page" id="main"><${Head} title=${t('operations.title')} />
    <div class="tools"><div class="big-field small"><${Icon} name="search" /><input id="search" value=${text} aria-label=${t('operations.search')} placeholder=${t('operations.search')} autocomplete="off" onInput=${(e) => setText(e.target.value)} /></div>
      <${Segments} label=${t('operations.whose')} value=${device} onChoose=${setDevice} options=${[{ value: 'this', label: t('operations.this') }, { value: 'all', label: t('operations.all') }]} /></div>
    <${Problem} words=${problem} />
    ${!items.length && !busy && !problem && html`<p class="empty">${asked ? t('operations.not-found') : t('operations.none')}</p>`}
    <ul class="card list operations" aria-busy=${String(busy)} hidden=${!items.length}>${items.map((o) => html`<${Operation} key=${o.id} o=${o} />`)}</ul>
    ${cursor && html`<${Button} onClick=${forward}>${t('more-of-them')}<//>`}
  </main>`;
}

function Operation({ o }) {
  const back = o.kind === 'return';
  const zone = state.start.venue.time_zone;
  return html`<li><button type="button" class="operation" onClick=${() => openSheet('operation', { id: o.receipt_id ?? o.id, guest: o.guest?.name ?? o.guest?.phone })}>
    <span class="time">${clockTime(o.at, zone)}</span>
    <span class="who"><b>${o.guest?.name ?? o.guest?.phone ?? t('guest.none')}</b><span class="soft">${o.number && t('receipt.number', o.number)}<span class="wide-only">${[o.guest?.name && o.guest.phone, o.cashier].filter(Boolean).map((x) => ` · ${x}`).join('')}</span></span></span>
    <span class="money"><b class=${back ? 'lost-ink' : ''}>${back ? `− ${amount(fromDecimal(o.returned ?? o.total))}` : amount(fromDecimal(o.total))}</b>
      <span class="soft">${back ? t('operation.return') : o.status !== 'closed' ? html`<span class="lost-ink">${t(`status.${o.status}`)}</span>` : [fromDecimal(o.redeemed) > 0 && `−${amount(fromDecimal(o.redeemed))}`, fromDecimal(o.accrued) > 0 && `+${amount(fromDecimal(o.accrued))}`].filter(Boolean).join(' ')}</span></span>
  </button></li>`;
}

/** One receipt; `cancel`: opened to cancel it. */
export function OperationSheet({ id, cancel, guest }) {
  const { value: r, problem, busy, again } = useLoaded(() => receiptOf(id), [id]);
  const [way, setWay] = useState(cancel ? 'cancel' : null);
  if (!r) return html`<${Sheet} title=${t('operation')}>${problem ? html`<${Problem} words=${problem} /><${Button} onClick=${again}>${t('try-again')}<//>` : html`<p class="empty" aria-busy="true">${t('loading')}</p>`}<//>`;
  const gone = r.status === 'cancelled' || r.status === 'returned';
  const title = r.number ? t('receipt.title', r.number) : t('operation');
  const zone = state.start.venue.time_zone;
  if (way && !gone) return html`<${Undo} r=${r} title=${title} way=${way} onBack=${() => setWay(null)} />`;
  const foot = html`<div class="pair">
    ${!gone && html`<${Button} kind="lost" icon="rotate-ccw" onClick=${() => setWay('return')}>${t('return')}<//>`}
    ${!gone && r.status === 'closed' && html`<${Button} onClick=${() => setWay('cancel')}>${t('cancel')}<//>`}
    <${Button} icon="printer" onClick=${() => printSlip({ answer: r.answer, receipt: r, number: r.number, at: r.closed_at })}>${t('slip')}<//></div>`;
  return html`<${Sheet} title=${title} foot=${foot}>
    <p class="soft">${[clockTime(r.closed_at, zone), guest ?? (r.customer_id ? null : t('guest.none')), t(`status.${r.status}`)].filter(Boolean).join(' · ')}</p>
    <dl>${r.lines.map((l) => html`<${Row} key=${l.line_id} name=${l.name || t('entry.sum')} note=${lineNote(l)} value=${amount(fromDecimal(l.amount))} />`)}</dl>
    <dl class="sums">
      ${fromDecimal(r.redeemed) > 0 && html`<${Row} coin name=${t('by-bonuses')} value=${`− ${amount(fromDecimal(r.redeemed))}`} />`}
      <${Row} strong name=${t('paid')} value=${money(fromDecimal(r.total) - fromDecimal(r.redeemed))} />
      ${r.customer_id && html`<${Row} coin name=${html`${t('accrued')} ${r.answer?.explanation?.length > 0 && html`<button type="button" class="link" onClick=${() => openSheet('why', { answer: r.answer })}>${t('why')}</button>`}`} value=${`+${amount(fromDecimal(r.accrued))}`} />`}
      ${r.returns.map((x) => html`<${Row} key=${x.id} name=${t('operation.return')} value=${html`<span class="lost-ink">− ${amount(fromDecimal(x.amount))}</span>`} />`)}
    </dl><//>`;
}

function lineNote(l) {
  const parts = [];
  if (quantityToDecimal(parseQuantity(String(l.quantity)) ?? 1000) !== '1') parts.push(`× ${quantity(parseQuantity(String(l.quantity)))}`);
  const q = parseQuantity(String(l.returned_quantity)) ?? 0;
  const a = fromDecimal(l.returned_amount);
  if (q) parts.push(t('line.returned-quantity', quantity(q)));
  else if (a) parts.push(t('line.returned-amount', amount(a)));
  return parts.join(' · ');
}

/** Amount of the goods that are chosen; null where the service would have to round it. */
function partOf(lines, wanted) {
  let sum = 0;
  for (const w of wanted) {
    const line = lines.find((l) => l.line_id === w.line_id);
    if (!line) return null;
    const thousandths = w.quantity === undefined ? null : parseQuantity(w.quantity);
    const part = thousandths === null ? fromDecimal(w.amount) : (line.left.amount * thousandths) / line.left.quantity;
    if (!Number.isInteger(part)) return null;
    sum += part;
  }
  return sum;
}

/** Giving back: everything, some of the lines, or the whole receipt as if it had not been. */
function Undo({ r, title, way, onBack }) {
  const [key] = useState(uuid);
  const [chosen, setChosen] = useState({});
  const [whole, setWhole] = useState(true);
  const [problem, setProblem] = useState(null);
  const [done, setDone] = useState(null);
  const [busy, setBusy] = useState(false);
  const lines = r.lines.map((l) => ({ ...l, left: leftOf(l) })).filter((l) => l.left.quantity > 0 && l.left.amount > 0);
  // A sale by amount has nothing to count: a part of it is an amount.
  const countable = (l) => !l.left.byAmount && (l.left.byQuantity || Boolean(l.name));
  const wanted = lines.flatMap((l) => {
    const text = chosen[l.line_id];
    if (!text) return [];
    if (countable(l)) {
      const q = parseQuantity(text);
      return q === null || q > l.left.quantity ? [{ bad: true }] : q ? [{ line_id: l.line_id, quantity: quantityToDecimal(q) }] : [];
    }
    const a = parseAmount(text);
    return a === null || a > l.left.amount ? [{ bad: true }] : a ? [{ line_id: l.line_id, amount: toDecimal(a) }] : [];
  });
  const bad = wanted.some((w) => w.bad);
  const goods = whole ? lines.reduce((sum, l) => sum + l.left.amount, 0) : partOf(lines, wanted);
  const ready = way === 'cancel' || whole || (wanted.length > 0 && !bad);
  const label = { guest: null, total: fromDecimal(r.total), number: r.number };
  const act = async () => {
    if (busy || !ready) return;
    setBusy(true);
    setProblem(null);
    const { answer, problem: refused } = way === 'cancel' ? await cancelReceipt(r, label) : await giveBackLines(r, key, whole ? null : wanted, label);
    setBusy(false);
    if (refused) return setProblem(refused);
    setDone(answer);
    // However the window is closed, the screen behind it must not go on saying that this is sold.
    if (state.result?.answer?.id === r.id) change({ result: null });
  };
  if (done) {
    const back = fromDecimal(done.refund);
    return html`<${Sheet} title=${title} foot=${html`<button type="button" class="button go" autofocus onClick=${closeSheet}><span>${t('ready')}</span></button>`}>
      <div class="mark-big" aria-hidden="true"><${Icon} name="check" size=${36} /></div>
      <h3 class="center" role="status">${way === 'cancel' ? t('undo.cancelled') : t('undo.returned')}</h3>
      <dl><${Row} strong name=${t('undo.give')} value=${money(back)} />
        ${fromDecimal(done.redemption_undone) > 0 && html`<${Row} coin name=${t('undo.bonuses-back')} value=${`+${amount(fromDecimal(done.redemption_undone))}`} />`}
        ${fromDecimal(done.accrual_undone) > 0 && html`<${Row} name=${t('undo.accrual-gone')} value=${html`<span class="lost-ink">− ${amount(fromDecimal(done.accrual_undone))}</span>`} />`}
        ${done.balance && html`<${Row} soft name=${t('balance')} value=${amount(fromDecimal(done.balance.available))} />`}</dl><//>`;
  }
  const set = (id, text) => { setProblem(null); setChosen({ ...chosen, [id]: text }); };
  const foot = html`<div><button type="button" class="button go lost-go" disabled=${!ready || busy} aria-busy=${String(busy)} onClick=${act}><span>${way === 'cancel' ? t('undo.do-cancel') : whole ? t('undo.do-all') : t('undo.do-part')}</span></button>
    <${Button} kind="quiet" onClick=${onBack}>${t('back')}<//></div>`;
  return html`<${Sheet} title=${way === 'cancel' ? t('undo.cancel-title', r.number ?? '') : t('undo.return-title', r.number ?? '')} foot=${foot}>
    <${Problem} words=${problem} />
    ${way === 'cancel' ? html`<p>${t('undo.cancel-words', money(fromDecimal(r.total) - fromDecimal(r.redeemed)))}</p>`
      : html`<${Segments} label=${t('return')} value=${whole ? 'all' : 'part'} onChoose=${(v) => setWhole(v === 'all')} options=${[{ value: 'all', label: t('undo.all') }, { value: 'part', label: t('undo.part') }]} />
      ${whole ? html`<p class="soft">${t('undo.all-words', money(goods))}</p>` : html`<ul class="undo-lines">${lines.map((l) => html`<li key=${l.line_id}>
        <label for="undo-${l.line_id}"><b>${l.name || t('entry.sum')}</b><span class="soft">${countable(l) ? t('undo.left', quantity(l.left.quantity)) : t('undo.left', money(l.left.amount))}</span></label>
        ${countable(l) ? html`<div class="stepper"><${IconButton} icon="minus" label=${t('less')} onClick=${() => set(l.line_id, quantity(Math.max(0, (parseQuantity(chosen[l.line_id] ?? '') ?? 0) - 1000)))} />
          <input id="undo-${l.line_id}" inputmode="decimal" autocomplete="off" value=${chosen[l.line_id] ?? '0'} onInput=${(e) => set(l.line_id, e.target.value)} />
          <${IconButton} icon="plus" label=${t('more')} onClick=${() => set(l.line_id, quantity(Math.min(l.left.quantity, (parseQuantity(chosen[l.line_id] ?? '') ?? 0) + 1000)))} /></div>`
          : html`<input id="undo-${l.line_id}" class="sum-input" inputmode="decimal" autocomplete="off" placeholder="0,00" value=${chosen[l.line_id] ?? ''} onInput=${(e) => set(l.line_id, e.target.value)} />`}</li>`)}</ul>
        ${bad ? html`<p class="problem" role="alert">${t('undo.too-much')}</p>` : goods > 0 && html`<p class="soft" role="status">${t('undo.goods', money(goods))}</p>`}`}`}
  <//>`;
}
