// A browser becomes a till: password once, venue, name of the device; then a PIN.
import { html, useState } from '../vendor/preact-htm.js';
import { t } from '../i18n.js';
import { enrol, login } from '../session.js';
import { Button, Field, Problem } from '../ui.js';
import { Corner } from './corner.js';

export function Enrol() {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [known, setKnown] = useState(null);
  const [venueId, setVenue] = useState(null);
  const [device, setDevice] = useState('');
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);

  const first = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const answer = await login(name.trim(), password);
    setBusy(false);
    if (answer.problem) return setProblem(answer.problem);
    if (!answer.venues.length) return setProblem(t('enrol.no-venue'));
    setKnown(answer);
    setVenue(answer.venues[0].id);
    setDevice(t('enrol.device-usual'));
  };
  const second = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const refused = await enrol({ login: name.trim(), password, venueId, device: device.trim() || t('enrol.device-usual') });
    setBusy(false);
    setProblem(refused);
  };

  return html`<main class="door"><div class="door-box">
    <${Corner} />
    <div class="brand" aria-hidden="true">К</div>
    <h1>${known ? t('enrol.where') : t('enrol.title')}</h1>
    <p class="soft">${known ? t('enrol.where-words', known.user.name) : t('enrol.words')}</p>
    <${Problem} words=${problem} />
    ${known
      ? html`<form onSubmit=${second}>
          <fieldset class="choices"><legend class="unseen">${t('enrol.venue')}</legend>
            ${known.venues.map((v) => html`<label class="choice" key=${v.id}><input type="radio" name="venue" checked=${v.id === venueId}
              onChange=${() => setVenue(v.id)} /><span>${v.name}</span></label>`)}
          </fieldset>
          <${Field} id="device" label=${t('enrol.device')} hint=${t('enrol.device-hint')} value=${device} maxlength="60" onInput=${(e) => setDevice(e.target.value)} />
          <button class="button go" disabled=${busy}><span>${t('enrol.open')}</span></button>
          <${Button} kind="quiet" onClick=${() => setKnown(null)}>${t('back')}<//>
        </form>`
      : html`<form onSubmit=${first}>
          <${Field} id="login" label=${t('login')} value=${name} autocomplete="username" autocapitalize="none" required onInput=${(e) => setName(e.target.value)} />
          <${Field} id="password" label=${t('password')} type="password" value=${password} autocomplete="current-password" required onInput=${(e) => setPassword(e.target.value)} />
          <button class="button go" disabled=${busy}><span>${t('next')}</span></button>
        </form>`}
  </div></main>`;
}
