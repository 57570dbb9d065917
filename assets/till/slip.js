// A slip for the guest: what the printer gets instead of the screen.
import { html, render } from './vendor/preact-htm.js';
import { amount, lastDay, money, quantity, t } from './i18n.js';
import { fromDecimal, parseQuantity } from './money.js';
import { state } from './store.js';

/** Prints a slip of a result or of a posted receipt. */
export function printSlip({ answer, receipt, row, lines, number, at }) {
  const { venue } = state.start;
  const when = new Intl.DateTimeFormat(document.documentElement.lang === 'en' ? 'en-GB' : 'ru-RU', { dateStyle: 'short', timeStyle: 'short', timeZone: venue.time_zone }).format(new Date(at));
  const shown = receipt
    ? receipt.lines.map((l) => ({ name: l.name || t('entry.sum'), quantity: parseQuantity(String(l.quantity)) ?? 1000, amount: fromDecimal(l.amount) }))
    : (lines ?? []).map((l) => ({ name: l.name, quantity: l.quantity, amount: l.amount }));
  const total = answer ? fromDecimal(answer.total) : row.label.total;
  const redeemed = answer ? fromDecimal(answer.redeemed) : row.label.redeemed;
  const balance = answer?.balance;
  const line = (name, value, strong) => html`<tr class=${strong ? 'strong' : ''}><td>${name}</td><td>${value}</td></tr>`;
  const place = document.getElementById('slip');
  render(html`<div><h1>${venue.name}</h1><p>${t('receipt.title', number ?? '')} · ${when}</p>
    <table>${shown.map((l) => line(`${l.name}${l.quantity !== 1000 ? ` × ${quantity(l.quantity)}` : ''}`, amount(l.amount)))}
      ${line(t('total'), money(total))}
      ${redeemed > 0 && line(t('by-bonuses'), `− ${amount(redeemed)}`)}
      ${line(t('paid'), money(total - redeemed), true)}
      ${answer && fromDecimal(answer.accrued) > 0 && line(t('accrued'), `+${amount(fromDecimal(answer.accrued))}`)}
      ${balance && line(t('balance'), amount(fromDecimal(balance.available)))}
      ${balance?.expiring_next && line(t('expires-next'), t('expires-value', amount(fromDecimal(balance.expiring_next.amount)), lastDay(balance.expiring_next.at, venue.time_zone)))}
    </table><p>${t('slip.not-fiscal')}</p></div>`, place);
  const done = () => {
    document.body.classList.remove('prints-slip');
    window.removeEventListener('afterprint', done);
  };
  document.body.classList.add('prints-slip');
  window.addEventListener('afterprint', done);
  window.print();
}
