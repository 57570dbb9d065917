// Words in the two languages. Switching takes effect at once: whoever shows words asks for them each time he is drawn.
import { ru } from './i18n/ru.js';
import { en } from './i18n/en.js';
import { formatAmount, formatMoney, formatQuantity, formatShort } from './money.js';

const LANGUAGES = { ru, en };
let current = 'ru';

/** The language now: 'ru' or 'en'. */
export const language = () => current;

/** Changes the language of everything drawn from now on. */
export function speak(wanted) {
  current = LANGUAGES[wanted] ? wanted : 'ru';
  document.documentElement.lang = current;
}

/** Words by their key; where they need something, they get it. */
export function t(key, ...given) {
  const words = LANGUAGES[current][key] ?? ru[key];
  if (words === undefined) return key;
  return typeof words === 'function' ? words(...given) : words;
}

/** "1 615,00 ₽". */
export const money = (kopecks) => formatMoney(kopecks, current);
/** "1 615,00". */
export const amount = (kopecks) => formatAmount(kopecks, current);
/** "1 615". */
export const short = (kopecks) => formatShort(kopecks, current);
/** "0,272". */
export const quantity = (thousandths) => formatQuantity(thousandths, current);

const locale = () => (current === 'ru' ? 'ru-RU' : 'en-GB');

/** "17:31" in the venue's zone. */
export function clockTime(at, zone) {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(new Date(at));
}

/** "25 ноября" in the venue's zone. */
export function dayMonth(at, zone) {
  return new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'long', timeZone: zone }).format(new Date(at));
}

/** The last day on which bonuses work that end at this moment. */
export function lastDay(at, zone) {
  return dayMonth(new Date(at).getTime() - 1000, zone);
}
