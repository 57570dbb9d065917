// Language, light and dark, size of letters, contrast: of the device, not of the cashier.
import { speak } from './i18n.js';
import { change } from './store.js';

const PLACE = 'kopilka-prefs';
const USUAL = { language: 'ru', theme: 'auto', text: 'normal', contrast: 'normal' };

/** What is chosen now. */
export const preferences = { ...USUAL };

function apply() {
  const root = document.documentElement;
  root.dataset.theme = preferences.theme;
  root.dataset.text = preferences.text;
  root.dataset.contrast = preferences.contrast;
  speak(preferences.language);
}

/** Takes up what was chosen before. */
export function restorePreferences() {
  try { Object.assign(preferences, JSON.parse(localStorage.getItem(PLACE)) ?? {}); } catch { /* nothing was chosen */ }
  apply();
}

/** Chooses. */
export function prefer(name, value) {
  preferences[name] = value;
  try { localStorage.setItem(PLACE, JSON.stringify(preferences)); } catch { /* for this time only */ }
  apply();
  change(() => {});
}
