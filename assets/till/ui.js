// The pieces that screens are made of.
import { html, useEffect, useRef, useState } from './vendor/preact-htm.js';
import { t } from './i18n.js';
import { ICONS } from './icon_shapes.js';
import { change } from './store.js';

/** An icon; it says nothing to a screen reader, the button around it does. */
export function Icon({ name, size = 20 }) {
  const shapes = ICONS[name] ?? [];
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
    ${shapes.map(([Shape, attributes]) => html`<${Shape} ...${attributes} />`)}</svg>`;
}

/** A button with words; `kind`: go, line, quiet, lost. */
export function Button({ kind = 'line', icon, children, ...rest }) {
  return html`<button type="button" class="button ${kind}" ...${rest}>${icon && html`<${Icon} name=${icon} />`}<span>${children}</span></button>`;
}

/** A button that is an icon only. */
export function IconButton({ icon, label, ...rest }) {
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label} ...${rest}><${Icon} name=${icon} /></button>`;
}

/** A field with its label, and what is wrong with it. */
export function Field({ label, problem, hint, id, children, ...rest }) {
  const note = problem || hint;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children ?? html`<input id=${id} autocomplete="off" aria-invalid=${problem ? 'true' : null} aria-describedby=${note ? `${id}-note` : null} ...${rest} />`}
    ${note && html`<p id="${id}-note" class=${problem ? 'problem' : 'hint'}>${note}</p>`}
  </div>`;
}

/** Words that stop the way: what happened, and what to do. */
export function Problem({ words, children }) {
  if (!words) return null;
  return html`<div class="card refusal" role="alert"><${Icon} name="triangle-alert" /><div><p>${words}</p>${children}</div></div>`;
}

/** A window over the screen. The browser keeps the focus in it and closes it with Esc. `reads`: there is nothing in it but words,
 * so keys must be able to scroll them. */
export function Sheet({ title, children, foot, onClose = closeSheet, label, wide = false, fixed = false, reads = false }) {
  const box = useRef(null);
  useEffect(() => {
    const dialog = box.current;
    const before = document.activeElement;
    if (!dialog.open) dialog.showModal();
    return () => { if (before?.isConnected) before.focus({ preventScroll: true }); };
  }, []);
  const cancel = (event) => { event.preventDefault(); if (!fixed) onClose(); };
  const outside = (event) => { if (event.target === box.current && !fixed) onClose(); };
  return html`<dialog ref=${box} class="sheet ${wide ? 'wide' : ''}" aria-label=${label ?? title} onCancel=${cancel} onMouseDown=${outside}>
    <div class="sheet-box">
      <header class="sheet-head"><h2>${title}</h2>${!fixed && html`<${IconButton} icon="x" label=${t('close')} onClick=${onClose} />`}</header>
      <div class="sheet-body" tabindex=${reads ? '0' : null}>${children}</div>
      ${foot && html`<footer class="sheet-foot">${foot}</footer>`}
    </div></dialog>`;
}

/** Opens a window. */
export const openSheet = (kind, also = {}) => change({ sheet: { kind, ...also } });
/** Closes it. */
export function closeSheet() {
  change({ sheet: null });
}

/** Ten digits for a thumb. `left` is the key at the lower left: {label, text, act}. */
export function Keypad({ onDigit, onDelete, left }) {
  const key = (digit) => html`<button type="button" class="key" key=${digit} onClick=${() => onDigit(digit)}>${digit}</button>`;
  return html`<div class="keypad" role="group" aria-label=${t('keypad')}>
    ${['1', '2', '3', '4', '5', '6', '7', '8', '9'].map(key)}
    ${left ? html`<button type="button" class="key small" aria-label=${left.label} onClick=${left.act}>${left.text}</button>` : html`<span></span>`}
    ${key('0')}
    <button type="button" class="key small" aria-label=${t('erase')} onClick=${onDelete}><${Icon} name="delete" size=${24} /></button>
  </div>`;
}

/** One of several, all in sight. */
export function Segments({ label, value, options, onChoose }) {
  return html`<div class="segments" role="radiogroup" aria-label=${label}>
    ${options.map((o) => html`<button type="button" role="radio" key=${o.value} aria-checked=${String(o.value === value)} disabled=${o.disabled}
      onClick=${() => onChoose(o.value)}>${o.label}</button>`)}
  </div>`;
}

/** Name and figure of a row; `strong` for the one that counts, `coin` for bonuses. */
export function Row({ name, value, coin, strong, soft, note }) {
  return html`<div class="row ${strong ? 'strong' : ''} ${soft ? 'soft' : ''}"><dt>${name}${note && html`<small>${note}</small>`}</dt>
    <dd class=${coin ? 'coin' : ''}>${value}</dd></div>`;
}

/** Whether a condition on the screen holds, kept up to date. */
export function useMedia(query) {
  const [fits, set] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const heard = () => set(list.matches);
    list.addEventListener('change', heard);
    return () => list.removeEventListener('change', heard);
  }, [query]);
  return fits;
}

/** Room for two panes. */
export const useWide = () => useMedia('(min-width: 760px)');
/** A finger rather than a mouse. */
export const useTouch = () => useMedia('(pointer: coarse)');

/** Loads something when the piece appears or `of` changes: {value, problem, again}. */
export function useLoaded(load, of) {
  const [got, set] = useState({ value: null, problem: null, busy: true });
  const [turn, next] = useState(0);
  useEffect(() => {
    let current = true;
    set((before) => ({ ...before, busy: true, problem: null }));
    load().then((value) => current && set({ value, problem: null, busy: false }),
      (error) => current && set((before) => ({ ...before, busy: false, problem: error.constructor.name === 'NoAnswer' ? t('net.no-answer') : error.message })));
    return () => { current = false; };
  }, [...of, turn]);
  return { ...got, again: () => next((n) => n + 1) };
}

/** Initials for the round mark of a person. */
export const initials = (name) => (name ?? '').split(/\s+/).filter(Boolean).slice(0, 2).map((w) => w[0].toLocaleUpperCase()).join('');
