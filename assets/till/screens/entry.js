// What is sold: an amount, or products by name, favourite or barcode.
import { html, useRef } from '../vendor/preact-htm.js';
import { toggleFavourite } from '../day.js';
import { amount, money, quantity, short, t } from '../i18n.js';
import { bareAmount, fromDecimal, groupTyped, parseAmount, toDecimal } from '../money.js';
import { addAmount, addLine, edit, total } from '../sale.js';
import { change, state } from '../store.js';
import { Button, Icon, IconButton, Keypad, openSheet, useTouch, useWide } from '../ui.js';

const MOST = 12;

/** A product was chosen: what has a price and is sold by the piece goes on the receipt at once. */
export function choose(product) {
  change((s) => { s.entry = { ...s.entry, text: '', active: 0 }; });
  if (product.unit === 'kg' || product.price === null) openSheet('line', { product });
  else addLine(product);
}

/** The product with this barcode. */
export const byBarcode = (code) => state.menu.products.find((p) => p.barcode && p.barcode === code);

/** What the text of the field may mean. */
function suggestions(text) {
  const bare = text.trim();
  if (!bare) return [];
  const found = [];
  const scanned = /^\d{8,14}$/.test(bare) && byBarcode(bare);
  if (scanned) found.push({ product: scanned });
  const sum = parseAmount(bare);
  if (sum && !scanned) found.push({ sum });
  if (!sum) {
    const words = bare.toLocaleLowerCase().split(/\s+/);
    const fits = (p) => words.every((w) => `${p.name} ${categoryOf(p)}`.toLocaleLowerCase().includes(w));
    const starts = (p) => p.name.toLocaleLowerCase().startsWith(words[0]);
    const all = state.menu.products.filter(fits).sort((a, b) => starts(b) - starts(a) || b.favourite - a.favourite);
    found.push(...all.slice(0, 8).map((product) => ({ product })));
  }
  return found;
}

function take(one) {
  if (one.sum) {
    addAmount(one.sum);
    change((s) => { s.entry = { ...s.entry, text: '', active: 0 }; });
  } else {
    choose(one.product);
  }
}

const priceOf = (p) => (p.price === null ? t('entry.free-price') : `${short(fromDecimal(p.price))}${p.unit === 'kg' ? t('entry.per-kg') : ''}`);

export function Entry() {
  const { entry, menu, sale } = state;
  const wide = useWide();
  const touch = useTouch();
  const field = useRef(null);
  const found = suggestions(entry.text);
  const type = (text) => change((s) => { s.entry = { ...s.entry, text, active: 0 }; });
  const onKeyDown = (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      change((s) => { s.entry.active = Math.max(0, Math.min(found.length - 1, s.entry.active + step)); });
    } else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && found.length) {
      event.preventDefault();
      take(found[Math.min(entry.active, found.length - 1)]);
    }
  };
  return html`<section class="entry" aria-label=${t('entry.label')}>
    <div class="big-field">
      <${Icon} name="package" />
      <input id="entry" ref=${field} value=${entry.text} placeholder=${t('entry.label')} aria-label=${t('entry.label')} autocomplete="off" spellcheck="false" enterkeyhint="done"
        role="combobox" aria-expanded=${String(found.length > 0)} aria-controls="entries" aria-activedescendant=${found.length ? `entry-${entry.active}` : null}
        onInput=${(e) => type(e.target.value)} onKeyDown=${onKeyDown} />
      ${entry.text && html`<${IconButton} icon="x" label=${t('clear')} onClick=${() => { type(''); field.current.focus(); }} />`}
    </div>
    <div class="found over" aria-live="polite">
      <ul id="entries" class="list" role="listbox" aria-label=${t('entry.found')} hidden=${!found.length}>
        ${found.map((one, i) => html`<li key=${one.product?.id ?? 'sum'} id="entry-${i}" role="option" class="option" aria-selected=${String(i === entry.active)} onClick=${() => take(one)}>
          ${one.sum ? html`<span class="who"><b>${t('entry.sum')}</b></span><span>${money(one.sum)} <kbd class="wide-only">Enter</kbd></span>`
            : html`<span class="who"><b>${one.product.name}</b> <span class="soft">${categoryOf(one.product)}</span></span><span>${priceOf(one.product)}</span>`}</li>`)}
      </ul>
      ${entry.text.trim() && !found.length && html`<p class="nobody">${t('entry.nothing')}</p>`}
    </div>
    ${(wide || !entry.text.trim()) && html`<${Products} />`}
  </section>`;
}

const categoryOf = (p) => state.menu.categories.find((c) => c.id === p.category_id)?.name ?? '';

function Products() {
  const { menu, entry } = state;
  const favourites = menu.products.filter((p) => p.favourite);
  const chosen = entry.category ?? (favourites.length ? 'favourites' : menu.categories[0]?.id);
  const shown = chosen === 'favourites' ? favourites : menu.products.filter((p) => p.category_id === chosen);
  if (!menu.products.length) return null;
  const tab = (id, name) => html`<button type="button" class="tab" key=${id} aria-pressed=${String(chosen === id)} onClick=${() => change((s) => { s.entry = { ...s.entry, category: id }; })}>${name}</button>`;
  const on = new Map();
  for (const l of state.sale.lines) if (l.productId) on.set(l.productId, (on.get(l.productId) ?? 0) + l.quantity);
  return html`<div class="products">
    <div class="tabs" role="group" aria-label=${t('entry.categories')}>
      ${favourites.length > 0 && tab('favourites', t('entry.favourites'))}
      ${menu.categories.map((c) => tab(c.id, c.name))}
    </div>
    <div class="tiles">
      ${shown.slice(0, chosen === 'favourites' ? MOST * 2 : 60).map((p) => html`<button type="button" class="tile" key=${p.id} onClick=${() => choose(p)} onContextMenu=${(e) => { e.preventDefault(); toggleFavourite(p); }}>
        ${on.has(p.id) && html`<span class="count">${quantity(on.get(p.id))}</span>`}<b>${p.name}</b><span class="soft">${priceOf(p)}${chosen === 'favourites' && categoryOf(p) ? ` · ${categoryOf(p)}` : ''}</span></button>`)}
      <button type="button" class="tile add" onClick=${() => openSheet('favourites')}><${Icon} name="star" /><b>${t('entry.edit-favourites')}</b></button>
    </div>
  </div>`;
}

/** The lines of the receipt. */
export function Lines() {
  const { sale } = state;
  if (!sale.lines.length && !sale.total) return null;
  const shares = new Map((sale.customer ? sale.quote?.lines ?? [] : []).map((l) => [l.line_id, fromDecimal(l.accrued)]));
  return html`<section class="card lines" aria-label=${t('lines')}>
    <header class="card-head"><span>${t('lines')}</span><span>${t('lines.count', sale.lines.length)}</span></header>
    ${!sale.lines.length ? html`<button type="button" class="line-row" onClick=${() => openSheet('amount')}><b>${t('entry.sum')}</b><span></span><span>${amount(sale.total)}</span></button>`
      : html`<ul>${sale.lines.map((l) => html`<li key=${l.lineId}><button type="button" class="line-row" onClick=${() => openSheet('line', { lineId: l.lineId })}>
          <b><span class="unseen">${t('line.edit')} </span>${l.name}</b><span class="soft">${l.productId || l.quantity !== 1000 ? `${quantity(l.quantity)}${l.unit === 'kg' ? ` ${t('kg')}` : ''} × ${amount(l.price)}` : ''}</span>
          <span>${amount(l.amount)}</span>${shares.has(l.lineId) && html`<span class="coin share">${shares.get(l.lineId) ? `+${amount(shares.get(l.lineId))}` : '—'}</span>`}</button></li>`)}</ul>`}
  </section>`;
}

/** On a phone: the amount by one's thumb, or products. */
export function AmountStep() {
  const { sale, entry } = state;
  const touch = useTouch();
  const sum = total(sale);
  const products = entry.category !== null;
  const typed = groupTyped(entry.text !== '' ? entry.text : sale.lines.length || !sum ? '' : toDecimal(sum).replace('.', t('point')));
  const type = (text) => {
    if (text !== '' && parseAmount(text) === null) return;
    change((s) => { s.entry = { ...s.entry, text }; });
    const kopecks = text === '' ? null : parseAmount(text);
    edit((s) => { s.total = kopecks || null; s.lines = []; });
  };
  const press = (c) => type((state.entry.text === '' ? '' : state.entry.text) + c);
  const forward = () => {
    change((s) => { s.entry = { ...s.entry, text: '', active: 0 }; });
    edit((s) => { s.step = 'pay'; });
  };
  if (products) {
    return html`<${Entry} /><${Lines} />
      <footer class="thumb"><button type="button" class="button go" disabled=${!sum} onClick=${forward}><span>${t('next')} · ${money(sum)}</span></button>
      <${Button} kind="quiet" onClick=${() => change((s) => { s.entry = { ...s.entry, category: null, text: '' }; })}>${t('entry.by-amount')}<//></footer>`;
  }
  return html`<section class="amount-step">
    <label class="field-name" for="amount">${t('amount.label')}</label>
    <div class="big-field money-field"><input id="amount" inputmode=${touch ? 'none' : 'decimal'} autocomplete="off" enterkeyhint="next" value=${typed} placeholder="0,00"
      onInput=${(e) => { const end = e.target.value.length - e.target.selectionStart; type(bareAmount(e.target.value)); e.target.value = groupTyped(state.entry.text); const at = Math.max(0, e.target.value.length - end); e.target.setSelectionRange(at, at); }} onKeyDown=${(e) => { if (e.key === 'Enter' && sum && !e.ctrlKey) { e.preventDefault(); forward(); } }} /><span aria-hidden="true">₽</span></div>
    ${state.menu.products.length > 0 && html`<${Button} kind="line" icon="package" onClick=${() => change((s) => { s.entry = { text: '', active: 0, category: s.menu.products.some((p) => p.favourite) ? 'favourites' : s.menu.categories[0]?.id ?? '' }; })}>${t('entry.by-products')}<//>`}
    ${touch && html`<${Keypad} onDigit=${press} onDelete=${() => type(state.entry.text.slice(0, -1))} left=${{ text: html`<b class="comma">${t('point')}</b>`, label: t('comma'), act: () => press(t('point')) }} />`}
    <footer class="thumb"><button type="button" class="button go" disabled=${!sum} onClick=${forward}><span>${t('next')}</span></button></footer>
  </section>`;
}
