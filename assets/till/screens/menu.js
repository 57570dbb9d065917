// Everything that is not selling: the day, what waits, the second screen, how the till looks, and going away.
import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { put, post } from '../api.js';
import { t } from '../i18n.js';
import { prefer, preferences } from '../preferences.js';
import { found } from '../scanned.js';
import { watchCamera } from '../scanner.js';
import { lock } from '../session.js';
import { change, notice, state } from '../store.js';
import { Button, Icon, Segments, Sheet, closeSheet, initials, openSheet, useTouch } from '../ui.js';

const KEYS = [['/', 'keys.find'], ['F2', 'keys.product'], ['F4', 'keys.redeem'], ['Ctrl+Enter', 'keys.confirm'], ['Esc', 'keys.back']];

export function MenuSheet() {
  const { start, waiting, conflicts } = state;
  const touch = useTouch();
  const go = (screen) => () => change({ screen, sheet: null });
  const item = (icon, words, act, badge) => html`<li><button type="button" class="person" onClick=${act}><${Icon} name=${icon} /><span>${words}</span>${badge ? html`<span class="badge">${badge}</span>` : html`<${Icon} name="chevron-right" />`}</button></li>`;
  return html`<${Sheet} title=${start.cashier?.name ?? t('menu')}>
    <p class="soft">${start.venue.name} · ${start.device.name}</p>
    <ul class="list menu">
      ${item('list', t('operations'), go('operations'))}
      ${item('chart-column', t('shift'), go('shift'))}
      ${item('inbox', t('waiting'), go('waiting'), waiting.queued + waiting.unanswered.length + Math.max(conflicts.length, waiting.refused.length))}
      ${item('monitor', t('second'), () => openSheet('second'))}
      ${item('settings', t('pin.title'), () => openSheet('pin'))}
      ${item('lock', t('lock'), lock)}
    </ul>
    <h3>${t('look')}</h3>
    <div class="look">
      <${Segments} label=${t('look.language')} value=${preferences.language} onChoose=${(v) => prefer('language', v)} options=${[{ value: 'ru', label: 'Русский' }, { value: 'en', label: 'English' }]} />
      <${Segments} label=${t('look.theme')} value=${preferences.theme} onChoose=${(v) => prefer('theme', v)} options=${['auto', 'light', 'dark'].map((v) => ({ value: v, label: t(`look.${v}`) }))} />
      <${Segments} label=${t('look.text')} value=${preferences.text} onChoose=${(v) => prefer('text', v)} options=${[{ value: 'normal', label: t('look.text-normal') }, { value: 'large', label: t('look.text-large') }]} />
      <${Segments} label=${t('look.contrast')} value=${preferences.contrast} onChoose=${(v) => prefer('contrast', v)} options=${[{ value: 'normal', label: t('look.contrast-normal') }, { value: 'high', label: t('look.contrast-high') }]} />
    </div>
    ${!touch && html`<h3>${t('keys')}</h3><dl class="keys">${KEYS.map(([key, words]) => html`<div class="row" key=${key}><dt>${t(words)}</dt><dd><kbd>${key}</kbd></dd></div>`)}</dl>`}
  <//>`;
}

/** The second screen: a window here, or another device that opens an address. */
export function SecondSheet() {
  const [link, setLink] = useState(`${location.origin}/till/guest#${state.start.screen_token ?? ''}`);
  // Comes when it is wanted: the till itself has no use for it.
  const [Code, setCode] = useState(null);
  useEffect(() => { import('../qr_code.js').then((m) => setCode(() => m.Code), () => {}); }, []);
  const rotate = async () => {
    try {
      const answer = await post('/till/screen/rotate', {});
      const token = answer?.screen_token ?? answer?.token;
      if (!token) return;
      change((s) => { s.start = { ...s.start, screen_token: token }; });
      setLink(`${location.origin}/till/guest#${token}`);
    } catch (error) {
      notice(error.message, 'bad');
    }
  };
  return html`<${Sheet} title=${t('second')}>
    <p>${t('second.words')}</p>
    <a class="button go" href=${link} target="kopilka-guest" rel="opener"><span>${t('second.open')}</span></a>
    <p class="soft">${t('second.other')}</p>
    ${Code && html`<p class="center"><${Code} text=${link} label=${t('second.other')} /></p>`}
    <p class="address" tabindex="0">${link}</p>
    <${Button} kind="quiet" onClick=${rotate}>${t('second.rotate')}<//>
  <//>`;
}

/** The camera looks for a code. */
export function CameraSheet() {
  const video = useRef(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    let stop = null;
    let gone = false;
    watchCamera(video.current, (code) => { closeSheet(); found(code); })
      .then((s) => { stop = s; if (gone) s(); }, () => setProblem(t('camera.none')));
    return () => { gone = true; stop?.(); };
  }, []);
  return html`<${Sheet} title=${t('camera')}>
    ${problem ? html`<p class="problem" role="alert">${problem}</p>` : html`<video ref=${video} class="camera" playsinline muted aria-label=${t('camera')}></video><p class="soft center">${t('camera.words')}</p>`}
  <//>`;
}

/** The round mark of the cashier. */
export const Mark = ({ name }) => html`<span class="mark" aria-hidden="true">${initials(name)}</span>`;
