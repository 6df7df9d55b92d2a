// Keeps the page at hand for when the relay is away. The network comes first, so that a newer
// build is never held back; names that carry a hash of their content never change.
const CACHE = "blockvote-1";
const FIXED = [
  "/",
  "/boot.js",
  "/worker.js",
  "/node-worker.js",
  "/node-worker_bg.wasm",
  "/miner-worker.js",
  "/miner-worker_bg.wasm",
  "/plain-miner-worker.js",
  "/plain-miner-worker_bg.wasm",
  "/tools-worker.js",
  "/tools-worker_bg.wasm",
  "/verifier-worker.js",
  "/verifier-worker_bg.wasm",
];
const HASHED = /-[0-9a-f]{16}[._]/;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FIXED)));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The page says which hashed files this build uses: they are kept, older ones dropped.
self.addEventListener("message", (event) => {
  const keep = event.data?.keep;
  if (!Array.isArray(keep)) return;
  const paths = keep.map((url) => new URL(url, self.location).pathname);
  event.waitUntil(
    caches.open(CACHE).then(async (cache) => {
      for (const path of paths) {
        if (!(await cache.match(path))) await cache.add(path);
      }
      for (const request of await cache.keys()) {
        const { pathname } = new URL(request.url);
        if (HASHED.test(pathname) && !paths.includes(pathname)) await cache.delete(request);
      }
    }),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (["/ws", "/healthz", "/metrics"].includes(url.pathname)) return;
  const key = request.mode === "navigate" ? "/" : url.pathname;
  event.respondWith(
    caches.open(CACHE).then(async (cache) => {
      const kept = await cache.match(key);
      if (kept && HASHED.test(key)) return kept;
      try {
        const fresh = await fetch(request);
        if (fresh.ok) await cache.put(key, fresh.clone());
        return fresh;
      } catch (error) {
        if (kept) return kept;
        throw error;
      }
    }),
  );
});
