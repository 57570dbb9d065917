// Makes the first network and its owner with the one-time token of the address.
const form = document.querySelector('#setup');
const refusal = document.querySelector('#refusal');
const languageButton = document.querySelector('#language');
let language = 'ru';

function speak() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-ru]')) {
    element.textContent = element.dataset[language];
  }
  const words = language === 'en' ? ' --language en' : '';
  document.querySelector('#connect').textContent = `kopilka connect rkeeper --address ${location.origin}${words}`;
  languageButton.textContent = language === 'ru' ? 'English' : 'Русский';
  languageButton.lang = language === 'ru' ? 'en' : 'ru';
}

languageButton.addEventListener('click', () => {
  language = language === 'ru' ? 'en' : 'ru';
  speak();
});

form.time_zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || 'Europe/Moscow';
for (const zone of Intl.supportedValuesOf?.('timeZone') ?? []) {
  const option = document.createElement('option');
  option.value = zone;
  document.querySelector('#zones').append(option);
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  refusal.hidden = true;
  const field = (name) => form.elements[name].value;
  const wanted = {
    token: new URLSearchParams(location.hash.slice(1)).get('token') ?? '',
    network: { name: field('network'), time_zone: field('time_zone') },
    owner: { name: field('name'), login: field('login'), password: field('password') },
  };
  try {
    const answer = await fetch('/api/v1/setup', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept-Language': language },
      body: JSON.stringify(wanted),
    });
    if (answer.ok) {
      // The token is used up, and nobody shall find it in the history.
      history.replaceState(null, '', location.pathname);
      form.hidden = true;
      document.querySelector('#done').hidden = false;
      return;
    }
    refusal.textContent = (await answer.json()).user_message;
  } catch {
    refusal.textContent = language === 'ru' ? 'Нет связи с сервером. Попробуйте ещё раз.' : 'The server does not answer. Try again.';
  } finally {
    button.disabled = false;
  }
  refusal.hidden = false;
});

speak();
