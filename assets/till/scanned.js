// A code came from a scanner or the camera: a product of the menu, else a guest.
import { submit } from './guests.js';
import { byBarcode, choose } from './screens/entry.js';
import { change, notice, state } from './store.js';
import { t } from './i18n.js';
import { nextSale } from './sale.js';

export function found(code) {
  if (!state.start || state.locked || state.sale.sending || state.sale.unanswered) return;
  const text = code.trim();
  const product = byBarcode(text);
  if (state.screen !== 'sale') change({ screen: 'sale' });
  // The next guest shows his card while the last result is still there.
  if (state.result) nextSale();
  if (product) {
    choose(product);
    notice(t('scanned.product', product.name), 'info');
  } else {
    submit(text);
  }
}
