// PINs that were right on this device, so that a till which locked itself opens without a network too. Kept as a slow
// hash; after a few wrong ones only the service can help.
import * as database from './database.js';

const ROUNDS = 300_000;
const TRIES = 5;

async function hashOf(pin, salt) {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(pin), 'PBKDF2', false, ['deriveBits']);
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: ROUNDS }, key, 256);
  return [...new Uint8Array(bits)].join();
}

/** Remembers a PIN that the service took. */
export async function learnPin(userId, pin) {
  // Only where the page came over TLS does the browser hash; elsewhere a lock needs the network.
  if (!crypto.subtle) return;
  try {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    await database.save('values', { salt, hash: await hashOf(pin, salt), wrong: 0 }, `pin:${userId}`);
  } catch { /* then it needs the network */ }
}

/** true: right; false: wrong; null: this device can't tell. */
export async function checkOffline(userId, pin) {
  const known = crypto.subtle ? await database.load('values', `pin:${userId}`).catch(() => null) : null;
  if (!known || known.wrong >= TRIES) return null;
  const right = (await hashOf(pin, known.salt)) === known.hash;
  await database.save('values', { ...known, wrong: right ? 0 : known.wrong + 1 }, `pin:${userId}`);
  return right;
}

/** The device is no till any more. */
export async function forgetPins() {
  await database.clear('values').catch(() => {});
}
