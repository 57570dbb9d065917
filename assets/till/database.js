// What must survive a restart: the journal of what was confirmed, and what the page needs to open without a network.

const STORES = { journal: { keyPath: 'seq', autoIncrement: true }, values: {}, guests: { keyPath: 'id' }, drafts: { keyPath: 'key' } };
let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const wanted = indexedDB.open('kopilka-till', 2);
    wanted.onupgradeneeded = () => {
      for (const [name, options] of Object.entries(STORES)) {
        if (!wanted.result.objectStoreNames.contains(name)) wanted.result.createObjectStore(name, options);
      }
    };
    wanted.onsuccess = () => {
      // Another tab has a newer page and wants to change the tables.
      wanted.result.onversionchange = () => { wanted.result.close(); opened = null; };
      resolve(wanted.result);
    };
    wanted.onerror = () => { opened = null; reject(wanted.error); };
  });
  return opened;
}

const within = (store, mode, act) => withinAll([store], mode, (work) => act(work.objectStore(store)));

async function withinAll(stores, mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    // Strict: "saved" is said to a cashier only when it is on the disk.
    const work = database.transaction(stores, mode, mode === 'readwrite' ? { durability: 'strict' } : undefined);
    const request = act(work);
    work.oncomplete = () => resolve(request?.result);
    work.onabort = () => reject(work.error ?? new Error('the browser did not save'));
    work.onerror = () => reject(work.error);
  });
}

/** Adds a row to a store that numbers its rows; gives the number. */
export const add = (store, row) => within(store, 'readwrite', (s) => s.add(row));
/** Writes a row over the one with its key. */
export const save = (store, row, key) => within(store, 'readwrite', (s) => (key === undefined ? s.put(row) : s.put(row, key)));
/** A row by its key, or undefined. */
export const load = (store, key) => within(store, 'readonly', (s) => s.get(key));
/** All rows in the order of their keys. */
export const all = (store) => within(store, 'readonly', (s) => s.getAll());
/** Takes a row away. */
export const forget = (store, key) => within(store, 'readwrite', (s) => s.delete(key));
/** Takes rows away, [[store, key], …]: all of them or none. */
export const forgetAll = (rows) => withinAll(rows.map(([store]) => store), 'readwrite', (work) => {
  for (const [store, key] of rows) work.objectStore(store).delete(key);
});
/** Takes all rows away. */
export const clear = (store) => within(store, 'readwrite', (s) => s.clear());
