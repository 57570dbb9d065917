// One line: how much, and at what price where the menu has none.
import { html, useState } from '../vendor/preact-htm.js';
import { amount, money, quantity, t } from '../i18n.js';
import { fromDecimal, parseAmount, parseQuantity, times } from '../money.js';
import { addLine, setLine, setTotal } from '../sale.js';
import { toggleFavourite } from '../day.js';
import { state } from '../store.js';
import { Button, Field, Icon, IconButton, Sheet, closeSheet } from '../ui.js';

/** A new line of a product (weight or price is asked for), or a line that is there. */
export function LineSheet({ product, lineId }) {
  const line = lineId ? state.sale.lines.find((l) => l.lineId === lineId) : null;
  const byWeight = (line ?? product)?.unit === 'kg';
  const known = line ? line.price : product.price === null ? null : fromDecimal(product.price);
  const [count, setCount] = useState(line ? quantity(line.quantity) : byWeight ? '' : '1');
  const [price, setPrice] = useState(known === null ? '' : amount(known));
  const thousandths = parseQuantity(count);
  const kopecks = parseAmount(price);
  const sum = thousandths && kopecks !== null ? times(kopecks, thousandths) : null;
  const asksPrice = line ? !line.productId : product.price === null;
  const step = (by) => setCount((c) => {
    const next = (parseQuantity(c) ?? 0) + by * 1000;
    return next >= 1000 ? quantity(next) : c;
  });
  const submit = (event) => {
    event.preventDefault();
    if (sum === null) return;
    if (line) setLine(lineId, thousandths, kopecks);
    else addLine(product, thousandths, kopecks);
    closeSheet();
  };
  return html`<${Sheet} title=${(line ?? product).name}>
    <form onSubmit=${submit}>
      ${asksPrice && html`<${Field} id="price" label=${t('line.price')} inputmode="decimal" autofocus value=${price} onInput=${(e) => setPrice(e.target.value)} problem=${price && kopecks === null ? t('bad-amount') : null} />`}
      <${Field} id="count" label=${byWeight ? t('line.weight') : t('line.quantity')} problem=${count && !thousandths ? t('line.bad-quantity') : null}>
        <div class="stepper">
          ${!byWeight && html`<${IconButton} icon="minus" label=${t('less')} onClick=${() => step(-1)} />`}
          <input id="count" inputmode="decimal" autocomplete="off" autofocus=${!asksPrice} value=${count} placeholder=${byWeight ? '0,000' : '1'} onInput=${(e) => setCount(e.target.value)} />
          ${!byWeight && html`<${IconButton} icon="plus" label=${t('more')} onClick=${() => step(1)} />`}
        </div><//>
      <button class="button go" disabled=${!sum}><span>${line ? t('save') : t('line.add')}${sum ? ` · ${money(sum)}` : ''}</span></button>
      ${line && html`<${Button} kind="quiet" onClick=${() => { setLine(lineId, 0); closeSheet(); }}>${t('line.remove')}<//>`}
    </form><//>`;
}

/** The amount of a sale without lines. */
export function AmountSheet() {
  const [text, setText] = useState(state.sale.total ? amount(state.sale.total) : '');
  const kopecks = parseAmount(text);
  const submit = (event) => {
    event.preventDefault();
    if (!kopecks) return;
    setTotal(kopecks);
    closeSheet();
  };
  return html`<${Sheet} title=${t('amount.label')}><form onSubmit=${submit}>
    <${Field} id="sum" label=${t('amount.label')} inputmode="decimal" autofocus value=${text} onInput=${(e) => setText(e.target.value)} problem=${text && kopecks === null ? t('bad-amount') : null} />
    <button class="button go" disabled=${!kopecks}><span>${t('save')}</span></button>
    <${Button} kind="quiet" onClick=${() => { setTotal(null); closeSheet(); }}>${t('line.remove')}<//>
  </form><//>`;
}

/** Which products stand in front. */
export function FavouritesSheet() {
  const [text, setText] = useState('');
  const wanted = text.trim().toLocaleLowerCase();
  const shown = state.menu.products.filter((p) => p.name.toLocaleLowerCase().includes(wanted));
  return html`<${Sheet} title=${t('entry.edit-favourites')}>
    <${Field} id="favourite" label=${t('search')} value=${text} onInput=${(e) => setText(e.target.value)} />
    <ul class="list">${shown.map((p) => html`<li key=${p.id}><button type="button" class="person" aria-pressed=${String(Boolean(p.favourite))} onClick=${() => toggleFavourite(p)}>
      <span class="star ${p.favourite ? 'on' : ''}"><${Icon} name="star" /></span><span>${p.name}</span></button></li>`)}</ul><//>`;
}
