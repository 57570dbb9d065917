// Language and brightness, in the corner of the screens that stand before the till.
import { html } from '../vendor/preact-htm.js';
import { t } from '../i18n.js';
import { prefer, preferences } from '../preferences.js';
import { Button, IconButton } from '../ui.js';

const NEXT = { auto: 'dark', dark: 'light', light: 'auto' };

export function Corner() {
  const other = preferences.language === 'ru' ? 'en' : 'ru';
  return html`<div class="corner">
    <${IconButton} icon="sun" label=${t(`theme.${preferences.theme}`)} onClick=${() => prefer('theme', NEXT[preferences.theme])} />
    <button type="button" class="button quiet" lang=${other} onClick=${() => prefer('language', other)}><span>${other === 'ru' ? 'Русский' : 'English'}</span></button>
  </div>`;
}
