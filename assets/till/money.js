// Amounts are whole kopecks in integers that a number holds exactly; quantities are thousandths. What could grow past
// that (price times quantity) is worked out with BigInt. Nothing here is ever a fraction.

/** Largest amount that the service takes, in kopecks. */
export const LARGEST = 100_000_000_000;

/** What was typed without spaces and signs. */
export function bareAmount(text) {
  const bare = text.replace(/[\s\u00a0\u202f₽]/g, '');
  // "1,615.00" has its commas between thousands, for nothing else can they mean.
  return /^\d{1,3}(,\d{3})+\.\d{0,2}$/.test(bare) ? bare.replaceAll(',', '') : bare;
}

/** What is being typed, its thousands apart: "1615,5" as "1 615,5". */
export const groupTyped = (text) => text.replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, '\u00a0'));

/** What a person typed ("1 615,5", "1615.50 ₽") in kopecks; null where it is no amount. */
export function parseAmount(text) {
  const bare = bareAmount(text).replace(',', '.');
  const found = /^(\d{1,10})(?:\.(\d{0,2}))?$/.exec(bare);
  if (!found) return null;
  const kopecks = Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0'));
  return kopecks <= LARGEST ? kopecks : null;
}

/** A quantity or weight as typed ("2", "0,272") in thousandths; null where it is none. */
export function parseQuantity(text) {
  const found = /^(\d{1,6})(?:[.,](\d{0,3}))?$/.exec(text.trim());
  if (!found) return null;
  return Number(found[1]) * 1000 + Number((found[2] ?? '').padEnd(3, '0'));
}

/** "1250.00" of the service in kopecks; a sign is kept. */
export function fromDecimal(text) {
  if (text === null || text === undefined) return 0;
  const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(String(text)) ?? [];
  if (whole === undefined) throw new RangeError(`not an amount: ${text}`);
  const kopecks = Number(whole) * 100 + Number(part.padEnd(2, '0'));
  return sign ? -kopecks : kopecks;
}

/** Kopecks as the service takes them. */
export function toDecimal(kopecks) {
  const size = Math.abs(kopecks);
  const part = String(size % 100).padStart(2, '0');
  return `${kopecks < 0 ? '-' : ''}${(size - (size % 100)) / 100}.${part}`;
}

/** Thousandths as the service takes them: "2", "0.272". */
export function quantityToDecimal(thousandths) {
  const part = String(thousandths % 1000).padStart(3, '0').replace(/0+$/, '');
  const whole = (thousandths - (thousandths % 1000)) / 1000;
  return part ? `${whole}.${part}` : String(whole);
}

/** "0.272" of the service in thousandths. */
export function quantityFromDecimal(text) {
  return parseQuantity(String(text)) ?? 0;
}

/** Price times quantity, a half kopeck upwards: as shops do. */
export function times(price, thousandths) {
  return Number((BigInt(price) * BigInt(thousandths) + 500n) / 1000n);
}

/** So many percent ("30", "12.5") of an amount, downwards. */
export function percentOf(kopecks, percent) {
  const [whole, part = ''] = String(percent).split('.');
  const tenThousandths = BigInt(whole) * 10000n + BigInt(part.padEnd(4, '0').slice(0, 4));
  return Number((BigInt(kopecks) * tenThousandths) / 1_000_000n);
}

const STYLE = {
  ru: { group: '\u00a0', point: ',', currency: (sum) => `${sum}\u00a0₽` },
  en: { group: ',', point: '.', currency: (sum) => `₽${sum}` },
};

/** "1 615,00". */
export function formatAmount(kopecks, language) {
  const { group, point } = STYLE[language];
  const size = Math.abs(kopecks);
  const whole = String((size - (size % 100)) / 100).replace(/\B(?=(\d{3})+$)/g, group);
  return `${kopecks < 0 ? '−' : ''}${whole}${point}${String(size % 100).padStart(2, '0')}`;
}

/** "1 615" where there are no kopecks, else with them. */
export function formatShort(kopecks, language) {
  const full = formatAmount(kopecks, language);
  return kopecks % 100 === 0 ? full.slice(0, -3) : full;
}

/** "1 615,00 ₽". */
export function formatMoney(kopecks, language) {
  return STYLE[language].currency(formatAmount(kopecks, language));
}

/** "0,272". */
export function formatQuantity(thousandths, language) {
  return quantityToDecimal(thousandths).replace('.', STYLE[language].point);
}
