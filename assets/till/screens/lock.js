// The lock: who stands at the till now? A PIN for those who have one, a password for the rest.
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { t } from '../i18n.js';
import { lastCashier, unlock, unlockWithPassword } from '../session.js';
import { state } from '../store.js';
import { Button, Field, Icon, Keypad, Problem, initials } from '../ui.js';
import { Corner } from './corner.js';

const LONGEST = 6;

export function Lock() {
  const { start } = state;
  const cashiers = start.cashiers ?? [];
  const last = cashiers.find((c) => c.id === lastCashier()) ?? (cashiers.length === 1 ? cashiers[0] : null);
  const [who, setWho] = useState(last);
  const [byPassword, setByPassword] = useState(false);
  return html`<main class="door"><div class="door-box">
    <${Corner} />
    <p class="door-venue"><b>${start.venue.name}</b><span>${start.device.name}</span></p>
    ${byPassword ? html`<${ByPassword} onBack=${() => setByPassword(false)} />`
      : who ? html`<${ByPin} who=${who} onOther=${() => setWho(null)} onPassword=${() => setByPassword(true)} />`
      : html`<h1>${t('lock.who')}</h1>
        <ul class="people">${cashiers.map((c) => html`<li key=${c.id}><button type="button" class="person" onClick=${() => (c.has_pin ? setWho(c) : setByPassword(true))}>
          <span class="mark" aria-hidden="true">${initials(c.name)}</span><span>${c.name}${!c.has_pin && html`<small>${t('lock.no-pin')}</small>`}</span><${Icon} name="chevron-right" /></button></li>`)}</ul>
        <${Button} kind="quiet" onClick=${() => setByPassword(true)}>${t('lock.by-password')}<//>`}
    ${!state.online && html`<p class="soft center">${t('lock.offline')}</p>`}
    ${state.waiting.queued > 0 && html`<p class="soft center">${t('lock.queue', state.waiting.queued)}</p>`}
  </div></main>`;
}

function ByPin({ who, onOther, onPassword }) {
  const [pin, setPin] = useState('');
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const enter = async (digits) => {
    if (digits.length < 4 || busy) return;
    setBusy(true);
    const refused = await unlock(who.id, digits);
    setBusy(false);
    if (refused) {
      setPin('');
      setProblem(refused.words);
    }
  };
  const digit = (d) => { setProblem(null); setPin((p) => (p.length < LONGEST ? p + d : p)); };
  useEffect(() => {
    const onKey = (event) => {
      if (event.target.closest?.('button') && event.key === 'Enter' && !event.target.closest('.pin-go')) return;
      if (/^\d$/.test(event.key)) digit(event.key);
      else if (event.key === 'Backspace') setPin((p) => p.slice(0, -1));
      else if (event.key === 'Enter') { event.preventDefault(); enter(pin); }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [pin, busy]);
  return html`<h1>${who.name}</h1>
    <div class="lock-words">${problem ? html`<p class="problem center" role="alert">${problem}</p>` : html`<p class="soft center">${t('lock.pin')}</p>`}</div>
    <div class="dots" role="status" aria-label=${t('lock.typed', pin.length)}>${Array.from({ length: Math.max(4, pin.length) }, (_, i) => html`<i key=${i} class=${i < pin.length ? 'on' : ''}></i>`)}</div>
    <${Keypad} onDigit=${digit} onDelete=${() => setPin((p) => p.slice(0, -1))} left=${{ text: t('lock.other'), label: t('lock.other-label'), act: onOther }} />
    <button type="button" class="button go pin-go" disabled=${pin.length < 4 || busy} onClick=${() => enter(pin)}><span>${t('lock.enter')}</span></button>
    <${Button} kind="quiet" onClick=${onPassword}>${t('lock.by-password')}<//>`;
}

function ByPassword({ onBack }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    const refused = await unlockWithPassword(name.trim(), password);
    setBusy(false);
    setProblem(refused);
  };
  return html`<h1>${t('lock.password-title')}</h1>
    <${Problem} words=${problem} />
    <form onSubmit=${submit}>
      <${Field} id="login" label=${t('login')} value=${name} autocomplete="username" autocapitalize="none" required onInput=${(e) => setName(e.target.value)} />
      <${Field} id="password" label=${t('password')} type="password" value=${password} autocomplete="current-password" required onInput=${(e) => setPassword(e.target.value)} />
      <button class="button go" disabled=${busy}><span>${t('lock.enter')}</span></button>
      <${Button} kind="quiet" onClick=${onBack}>${t('back')}<//>
    </form>`;
}
