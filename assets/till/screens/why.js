// Why so much accrues: every factor in the words that a cashier can read to the guest.
import { html } from '../vendor/preact-htm.js';
import { amount, language, t } from '../i18n.js';
import { fromDecimal } from '../money.js';
import { Sheet } from '../ui.js';

/** The figure of a factor, and its words without the figure said twice. */
function told(factor) {
  const { value, words } = factor;
  const point = (text) => (language() === 'ru' ? text.replace('.', ',') : text);
  if (factor.factor === 'base') return { words, figure: amount(fromDecimal(value)) };
  if (factor.factor === 'base_percent') return { words: words.replace(/:?\s*[\d.,]+\s*%\.?$/, ''), figure: `${point(value)}\u00a0%` };
  if (['customer', 'item', 'time', 'amount'].includes(factor.factor)) {
    return { words: words.replace(/:?\s*[×x]\s*[\d.,]+\.?$/, ''), figure: `×\u00a0${point(value)}` };
  }
  return { words, figure: null };
}

export function WhySheet({ answer }) {
  const factors = answer.explanation ?? [];
  const total = fromDecimal(answer.accrued);
  return html`<${Sheet} title=${`${t('why.title')} +${amount(total)}`} label=${t('why.title')} reads>
    <p class="soft">${t('why.tell')}</p>
    <dl class="why">${factors.filter((f) => f.factor !== 'rounding' && f.factor !== 'note').map((f, i) => {
      const { value, factor } = f;
      const { words, figure } = told(f);
      return html`<div class="row ${value === '1' && factor !== 'base' ? 'soft' : ''}" key=${i}><dt>${words}</dt><dd>${figure}</dd></div>`;
    })}
    <div class="row strong"><dt>${t('why.total')}</dt><dd class="coin">+${amount(total)}</dd></div></dl>
    ${factors.filter((f) => f.factor === 'rounding' || f.factor === 'note').map((f, i) => html`<p class="soft" key=${i}>${f.words}</p>`)}
  <//>`;
}
