// Speaking with the service. Two things can go wrong, and they are not the same: it refused (and says why), or there was
// no answer, and nobody knows what became of the request.
import { language } from './i18n.js';

/** The service refused. `retryable`: the same may succeed later. */
export class Refused extends Error {
  constructor(status, body, retryAfter) {
    super(body.user_message ?? body.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = String(body.code ?? '').replaceAll('_', '-');
    this.retryable = Boolean(body.retryable) || status >= 500 || status === 429 || status === 408;
    this.retryAfter = retryAfter;
    this.detail = body.detail;
  }
}

/** No answer came. */
export class NoAnswer extends Error {}

let csrf = '';
let heard = () => {};
let turnedAway = () => {};
let clockOffset = 0;

/** Who is told after each try whether the service answered, and when it knows the device or the cashier no more. */
export function listen({ onHeard, onTurnedAway }) {
  heard = onHeard;
  turnedAway = onTurnedAway;
}

/** The token that proves that a request comes from this page. */
export function useToken(token) {
  csrf = token ?? '';
}

/** The service's clock goes before the device's: a till whose clock is wrong must not post sales of yesterday. */
export function setClock(serverNow) {
  const there = Date.parse(serverNow);
  if (!Number.isNaN(there)) clockOffset = there - Date.now();
}

/** Now, by the service's clock. */
export const now = () => new Date(Date.now() + clockOffset);

/** Asks. Gives {status, body, etag}. `quiet`: its silence says nothing of the network (a long wait, a look-up cut short). */
export async function ask(method, path, { body, signal, timeout = 12000, headers = {}, quiet = false } = {}) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new DOMException('timeout', 'TimeoutError')), timeout);
  const stop = () => limit.abort(signal.reason);
  signal?.addEventListener('abort', stop);
  const all = { Accept: 'application/json', 'Accept-Language': language(), ...headers };
  if (body !== undefined) all['Content-Type'] = 'application/json';
  // On reading too: a browser that also has a session of the back office says by it who is speaking.
  if (csrf) all['x-csrf-token'] = csrf;
  let answer;
  let text;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method, headers: all, signal: limit.signal, credentials: 'same-origin', cache: 'no-store',
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw new DOMException('superseded', 'AbortError');
    if (!quiet) heard(false);
    throw new NoAnswer(String(error?.message ?? error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
  let told = null;
  try {
    told = text ? JSON.parse(text) : null;
  } catch {
    // A page of somebody in between: the service itself has not spoken.
    if (!quiet) heard(false);
    throw new NoAnswer(`HTTP ${answer.status}`);
  }
  if (!quiet) heard(true);
  if (answer.ok || answer.status === 304) return { status: answer.status, body: told, etag: answer.headers.get('etag') };
  const refused = new Refused(answer.status, told ?? {}, Number(answer.headers.get('retry-after')) || null);
  if (refused.status === 401 && /^till-/.test(refused.code)) turnedAway(refused.code);
  throw refused;
}

const only = (asked) => asked.then((answer) => answer.body);

/** GET; gives the body. */
export const get = (path, options) => only(ask('GET', path, options));
/** POST; gives the body. */
export const post = (path, body, options) => only(ask('POST', path, { body, ...options }));
/** PUT; gives the body. */
export const put = (path, body, options) => only(ask('PUT', path, { body, ...options }));
/** DELETE; gives the body. */
export const remove = (path, options) => only(ask('DELETE', path, options));

/** A path with a query; what is empty is left out. */
export function query(path, given) {
  const pairs = Object.entries(given).filter(([, v]) => v !== undefined && v !== null && v !== '');
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}
