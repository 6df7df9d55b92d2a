// Keeps the page at hand for when the relay is away. The network comes first, so that a newer
// build is never held back; names that carry a hash of their content never change.
const CACHE = "blockvote-1";
const FIXED = [
  "/",
  "/boot.js",
  "/worker.js",
  "/desk.js",
  "/desk_bg.wasm",
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
      const old = (await cache.keys()).filter((request) => {
        const { pathname } = new URL(request.url);
        return HASHED.test(pathname) && !paths.includes(pathname);
      });
      if (old.length === 0) return;
      // Another build: all of it is kept, so that page and workers belong together.
      await cache.addAll(FIXED.map((path) => new Request(path, { cache: "no-cache" })));
      for (const request of old) await cache.delete(request);
    }),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (["/ws", "/healthz", "/metrics"].includes(url.pathname)) return;
  // Every screen is the same document; a file that is opened by its address is not.
  const screen = request.mode === "navigate" && !/\.\w+$/.test(url.pathname);
  const key = screen ? "/" : url.pathname;
  event.respondWith(
    caches.open(CACHE).then(async (cache) => {
      const kept = await cache.match(key);
      if (kept && HASHED.test(key)) return kept;
      try {
        const fresh = await fetch(request);
        // A proxy answers for a relay that is away.
        if (fresh.status >= 500 && kept) return kept;
        const page = fresh.headers.get("content-type")?.startsWith("text/html") ?? false;
        if (fresh.ok && page === screen) await cache.put(key, fresh.clone());
        return fresh;
      } catch (error) {
        if (kept) return kept;
        throw error;
      }
    }),
  );
});
