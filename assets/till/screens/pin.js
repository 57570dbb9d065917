// Setting one's own PIN.
import { html, useState } from '../vendor/preact-htm.js';
import { t } from '../i18n.js';
import { setPin } from '../session.js';
import { Button, Field, Problem, Sheet, closeSheet } from '../ui.js';

export function PinSheet({ first }) {
  const [pin, setDigits] = useState('');
  const [again, setAgain] = useState('');
  const [password, setPassword] = useState('');
  const [asked, setAsked] = useState(!first);
  const [problem, setProblem] = useState(null);
  const digits = (e, set) => { e.target.value = e.target.value.replace(/\D/g, '').slice(0, 6); set(e.target.value); };
  const submit = async (event) => {
    event.preventDefault();
    if (pin.length < 4) return setProblem(t('pin.short'));
    if (pin !== again) return setProblem(t('pin.differ'));
    const refused = await setPin(pin, asked ? password : null);
    if (!refused) return closeSheet();
    setProblem(refused);
    setAsked(true);
  };
  return html`<${Sheet} title=${first ? t('pin.first') : t('pin.title')}>
    <p class="soft">${t('pin.words')}</p>
    <${Problem} words=${problem} />
    <form onSubmit=${submit}>
      <${Field} id="pin" label=${t('pin.new')} type="password" inputmode="numeric" autocomplete="off" autofocus value=${pin} onInput=${(e) => digits(e, setDigits)} />
      <${Field} id="pin-again" label=${t('pin.again')} type="password" inputmode="numeric" autocomplete="off" value=${again} onInput=${(e) => digits(e, setAgain)} />
      ${asked && html`<${Field} id="pin-password" label=${t('pin.password')} type="password" autocomplete="current-password" value=${password} onInput=${(e) => setPassword(e.target.value)} />`}
      <button class="button go"><span>${t('pin.save')}</span></button>
      ${first && html`<${Button} kind="quiet" onClick=${closeSheet}>${t('later')}<//>`}
    </form><//>`;
}
