// Telephone numbers in any way of typing them. The service has the last word; this only tells what is worth asking.

const SPELLING = /^[+\d\s().–-]+$/;

/** The digits of a text. */
export function digitsOf(text) {
  return text.replace(/\D/g, '');
}

/** The number as +79215550117, or null where the text is not a whole number. */
export function wholePhone(text) {
  if (!SPELLING.test(text.trim())) return null;
  const digits = digitsOf(text);
  if (text.trim().startsWith('+')) return digits.length >= 11 && digits.length <= 15 ? `+${digits}` : null;
  if (digits.length === 11 && /^[78]/.test(digits)) return `+7${digits.slice(1)}`;
  if (digits.length === 10 && digits.startsWith('9')) return `+7${digits}`;
  return null;
}

/** What the text may mean, the likeliest first: a guest is asked for by each until one is found. */
export function meanings(text) {
  const bare = text.trim();
  const phone = wholePhone(bare);
  const digits = digitsOf(bare);
  if (!SPELLING.test(bare)) return [{ qr: bare }, { card: bare }];
  // Ten digits with a 9 in front are as often a card as a telephone without its code.
  if (phone && digits.length === 10) return [{ card: digits }, { phone }];
  if (phone) return [{ phone }, { card: digits }];
  return digits ? [{ card: digits }] : [];
}

/** "+7 921 555-01-17"; also of a number that is not whole yet. */
export function spacedPhone(text) {
  if (!SPELLING.test(text)) return text;
  let digits = digitsOf(text);
  if (digits === '' || digits.length > 11) return text;
  const ours = text.trim().startsWith('+7') || (digits.length > 1 && /^[78]/.test(digits));
  if (!ours) return text;
  digits = digits.slice(1);
  const parts = [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6, 8), digits.slice(8, 10)];
  const [code, a, b, c] = parts;
  return `+7${code ? ` ${code}` : ''}${a ? ` ${a}` : ''}${b ? `-${b}` : ''}${c ? `-${c}` : ''}`;
}

/** A number that the guest's neighbours may read: "+7 ··· 01-17". */
export function maskedPhone(phone) {
  if (!phone || phone.includes('·')) return phone ?? '';
  return `${phone.slice(0, 2)}\u00a0···\u00a0${phone.slice(-4, -2)}-${phone.slice(-2)}`;
}
