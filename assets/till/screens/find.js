// The one field that finds a guest: telephone, card, name, QR, barcode, in any way of typing.
import { html, useRef, useState } from '../vendor/preact-htm.js';
import { lookUp, pick, submit } from '../guests.js';
import { short, t } from '../i18n.js';
import { fromDecimal } from '../money.js';
import { digitsOf, spacedPhone, wholePhone } from '../phone.js';
import { edit } from '../sale.js';
import { cameraReads } from '../scanner.js';
import { change, state } from '../store.js';
import { Icon, IconButton, Keypad, openSheet, useTouch, useWide } from '../ui.js';

/** Goes on without a guest. */
export function withoutGuest() {
  edit((sale) => { sale.customer = null; sale.step = 'amount'; });
}

export function Find() {
  const { find } = state;
  const touch = useTouch();
  const wide = useWide();
  const field = useRef(null);
  // On a phone our own keys leave the list in sight; the system's keyboard comes for names only.
  const [letters, setLetters] = useState(false);
  const ownKeys = touch && !wide && !letters;

  const type = (text) => lookUp(text);
  const onInput = (event) => {
    const { target } = event;
    // Grouped while one types at the end; in the middle the caret would jump.
    const atEnd = target.selectionStart === target.value.length;
    if (atEnd && event.inputType?.startsWith('insert')) target.value = spacedPhone(target.value);
    type(target.value);
  };
  const onKeyDown = (event) => {
    const { items, active } = state.find;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      change((s) => { s.find.active = Math.max(-1, Math.min(items.length - 1, active + step)); });
    } else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (active >= 0 && items[active]) pick(items[active]);
      else if (items.length === 1 && !wholePhone(find.text)) pick(items[0]);
      else if (find.text.trim()) submit(find.text);
    }
  };
  const erase = () => type(state.find.text.replace(/[\s-]*.$/, ''));
  const phone = wholePhone(find.text) ?? (find.missed ? wholePhone(find.missed) : null);
  const known = phone && find.items.some((i) => digitsOf(i.phone).endsWith(phone.slice(-4)));
  const offerNew = state.online && digitsOf(find.text || find.missed || '').length >= 3;
  // Without a network a number nobody knows here is taken as it is: the service finds its guest later.
  const byNumber = !state.online && !known && (phone || digitsOf(find.text).length >= 6);
  const nobody = state.online && phone && !find.problem && !find.items.length && find.answered === find.text.trim();
  return html`<section class="find" aria-label=${t('find.label')}>
    ${!wide && html`<label class="field-name" for="guest">${t('find.label')}</label>`}
    <div class="big-field">
      <${Icon} name="search" />
      <input id="guest" ref=${field} value=${find.text} placeholder=${wide ? t('find.label') : t('find.example')} aria-label=${t('find.label')} autocomplete="off" autocapitalize="none"
        spellcheck="false" enterkeyhint="search" inputmode=${ownKeys ? 'none' : 'text'} role="combobox" aria-expanded=${String(find.items.length > 0)}
        aria-controls="guests" aria-activedescendant=${find.active >= 0 ? `guest-${find.active}` : null} onInput=${onInput} onKeyDown=${onKeyDown} />
      ${find.text && html`<${IconButton} icon="x" label=${t('clear')} onClick=${() => { type(''); field.current.focus(); }} />`}
      ${!find.text && touch && !wide && html`<${IconButton} icon="keyboard" label=${t('find.letters')} aria-pressed=${String(letters)}
        onClick=${() => { setLetters(!letters); setTimeout(() => { field.current.blur(); field.current.focus(); }, 0); }} />`}
      ${!find.text && cameraReads() && html`<${IconButton} icon="scan-line" label=${t('find.camera')} onClick=${() => openSheet('camera')} />`}
    </div>
    <div class="found" aria-live="polite">
      ${find.problem && html`<p class="nobody">${find.problem}</p>`}
      ${nobody && html`<p class="soft">${t('find.not-yet')}</p>`}
      <ul id="guests" class="list" role="listbox" tabindex=${ownKeys ? '0' : null} aria-label=${t('find.found')} hidden=${!find.items.length}>
        ${find.items.map((item, i) => html`<li key=${item.id} id="guest-${i}" role="option" aria-selected=${String(i === find.active)} class="option" onClick=${() => pick(item)}>
          <span class="who"><b>${item.name ?? t('guest.nameless')}</b> <span class="soft">${tail(item)}</span>${item.status === 'blocked' && html` <span class="chip lost">${t('guest.blocked')}</span>`}</span>
          <span class="coin">${short(fromDecimal(item.available))}</span></li>`)}
      </ul>
      ${offerNew && !known && html`<button type="button" class="add-guest" onClick=${() => openSheet('new-guest', { phone: phone ?? find.text, missed: find.missed })}>
        <${Icon} name="user-plus" /><span>${t('find.new')}</span></button>`}
      ${byNumber && html`<button type="button" class="add-guest" onClick=${() => submit(find.text)}><${Icon} name="chevron-right" /><span>${t('find.by-number', phone ? spacedPhone(phone) : find.text.trim())}</span></button>`}
    </div>
    ${ownKeys && html`<${Keypad} onDigit=${(d) => type(spacedPhone(state.find.text + d))} onDelete=${erase}
      left=${{ text: t('find.without'), label: t('find.without-label'), act: withoutGuest }} />`}
    ${!ownKeys && !wide && html`<button type="button" class="button line" onClick=${withoutGuest}><span>${t('find.without-label')}</span></button>`}
  </section>`;
}

/** The end of a telephone, or a card: enough to tell two Annas apart, too little for a neighbour. */
function tail(item) {
  if (item.phone) return item.phone.replace(/^\+\d+\s*/, '').replaceAll(' ', '\u00a0');
  return item.card ?? '';
}
