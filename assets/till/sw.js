// Keeps the page ready for times without a network. It holds the files of one version of the page; what the page asks of
// the service goes through untouched, for the page itself must know whether it was answered.
const VERSION = '{{version}}';
const CACHE = `kopilka-till-${VERSION}`;
const PAGES = ['/till', '/till/guest'];
const FILES = ["{{files}}"];

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([...PAGES, ...FILES])));
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('kopilka-till-') && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

// A new version waits until the cashier agrees: it must not change under his hands.
self.addEventListener('message', (event) => {
  if (event.data === 'take over') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== 'GET' || address.origin !== location.origin) return;
  const page = request.mode === 'navigate' && PAGES.includes(address.pathname);
  if (!page && !address.pathname.startsWith('/till/assets/')) return;
  event.respondWith((async () => {
    const kept = await caches.match(page ? address.pathname : request);
    return kept ?? fetch(request);
  })());
});
