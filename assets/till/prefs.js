// How this device looks. A plain script before the first paint, so that nothing flashes; the page changes it later.
(() => {
  const prefs = (() => {
    try { return JSON.parse(localStorage.getItem('kopilka-prefs')) ?? {}; } catch { return {}; }
  })();
  const root = document.documentElement;
  root.lang = prefs.language ?? 'ru';
  root.dataset.theme = prefs.theme ?? 'auto';
  root.dataset.text = prefs.text ?? 'normal';
  root.dataset.contrast = prefs.contrast ?? 'normal';
  // The modules are asked for all at once, but not before there is something to see: forty requests take a slow telephone
  // longer than the first picture.
  const askAhead = () => {
    const ahead = document.getElementById('ahead');
    if (ahead) document.head.append(ahead.content);
  };
  document.addEventListener('readystatechange', () => requestAnimationFrame(() => setTimeout(askAhead)), { once: true });
})();
