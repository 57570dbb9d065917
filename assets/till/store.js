// The state of the page in one place. Whoever changes it calls `change`; the page is drawn anew in the next frame.

/** A sale that nobody has begun. `key` makes it exactly once, for ever: it is there before anything is sent. */
export function newSale() {
  return {
    key: uuid(),
    /** {ref: what the receipt names him by, guest: as the service told, unknown: nobody could be asked} */
    customer: null,
    /** Where a narrow screen stands: guest, amount, pay. */
    step: 'guest',
    /** Kopecks, where the sale has no lines. */
    total: null,
    lines: [],
    redeem: { mode: 'none', text: '' },
    /** The service's answer to what is on the screen. */
    quote: null,
    /** Most that may be redeemed, as the last answer said. */
    may: null,
    quoting: false,
    problem: null,
    /** The figures that the cashier was last shown as certain: nothing else may be confirmed. */
    seen: null,
    /** Something has changed by itself or was refused: the cashier answers first, "confirm" waits. */
    asks: false,
    /** Bonuses that are set aside for this guest at this device. */
    permit: null,
    sending: false,
    /** Written into the journal: from here on that is where a restart finds it. */
    journaled: false,
    /** Sent, and nobody knows what became of it. */
    unanswered: null,
  };
}

export const state = {
  /** null until it is known who this browser is. */
  start: null,
  enrolled: null,
  locked: false,
  /** Whether the service answered last time. */
  online: true,
  screen: 'sale',
  /** The window over the screen: {kind, …}. */
  sheet: null,
  sale: newSale(),
  find: { text: '', items: [], busy: false, problem: null, active: -1, missed: null },
  entry: { text: '', active: 0, category: null },
  menu: { categories: [], products: [] },
  result: null,
  recent: [],
  shift: null,
  /** What waits on this device: sales to be sent, answers that never came, refusals for a person. */
  waiting: { queued: 0, unanswered: [], refused: [] },
  conflicts: [],
  notices: [],
  update: null,
};

let draw = () => {};
let planned = false;

/** Says who draws. */
export function onChange(drawer) {
  draw = drawer;
}

/** Changes the state and plans a drawing. */
export function change(how) {
  if (typeof how === 'function') how(state);
  else Object.assign(state, how);
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    draw();
  });
}

/** A line at the edge of the screen that goes by itself; `kind` is ok, bad or info. */
export function notice(text, kind = 'info') {
  const one = { id: uuid(), text, kind };
  change((s) => s.notices.push(one));
  setTimeout(() => dismiss(one.id), { bad: 12000, ok: 5000 }[kind] ?? 7000);
}

/** Takes a line away. */
export function dismiss(id) {
  change((s) => { s.notices = s.notices.filter((n) => n.id !== id); });
}

/** An id that nobody else makes. Also where the page is not served over TLS, and randomUUID is missing. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = [...b].map((x) => x.toString(16).padStart(2, '0')).join('');
  return [8, 12, 16, 20].reduceRight((s, at) => `${s.slice(0, at)}-${s.slice(at)}`, hex);
}
