// Starts the page: theme, wasm, and the copy that works without the relay.
const stored = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is blocked: the default serves
  }
};
const theme = stored("blockvote.theme");
if (theme) document.documentElement.dataset.theme = theme;

// A worker comes while the page is on its way, not after it: the node where there is an election,
// the tools where one will be wanted. The page asks for these again, and finds them in the
// browser's cache. Errors show there.
const { pathname } = location;
const wantsTools = ["/create", "/keys", "/verify"].includes(pathname);
const [, place, election, screen] = pathname.split("/");
// The screens of organisers are on a bigger page, which voters need not load.
const isDesk =
  ["/create", "/keys"].includes(pathname) ||
  (place === "e" && ["organise", "seal", "slips"].includes(screen)) ||
  (place === "e" && stored(`blockvote.organiser.${election}`) !== null);
const first = pathname.startsWith("/e/") ? "node-worker" : wantsTools ? "tools-worker" : null;
for (const path of first ? [`/${first}_bg.wasm`, `/${first}.js`, "/worker.js"] : []) {
  fetch(path).then((answer) => answer.arrayBuffer()).catch(() => {});
}

// What works without the relay is kept when all that is needed now is here: the page says when.
const settled = new Promise((resolve) => {
  addEventListener("blockvote:settled", resolve, { once: true });
  setTimeout(resolve, 10_000);
});

// What the document says is painted before WebAssembly keeps the processor busy. A hidden tab paints
// nothing.
const painted = new Promise((resolve) => {
  new PerformanceObserver(resolve).observe({ type: "paint", buffered: true });
  setTimeout(resolve, 200);
});

/** Loads a script that is no module. */
const classic = (src) =>
  new Promise((resolve, reject) => {
    const onerror = () => reject(new Error(`${src} did not come`));
    document.head.append(Object.assign(document.createElement("script"), { src, onload: resolve, onerror }));
  });

const { js, wasm } = document.querySelector("script[data-js]").dataset;
try {
  const [module] = await Promise.all([isDesk ? classic("/desk.js") : import(js), painted]);
  await (isDesk ? wasm_bindgen({ module_or_path: "/desk_bg.wasm" }) : module.default({ module_or_path: wasm }));
} catch (error) {
  const loading = document.getElementById("loading");
  loading?.nextElementSibling?.remove();
  loading?.replaceChildren(
    `The page could not start (${error}). Blockvote needs a browser with WebAssembly: ` +
      "Chrome or Edge 96, Firefox 79, Safari 15, or newer.",
  );
  throw error;
}

if ("serviceWorker" in navigator && isSecureContext) {
  try {
    await settled;
    await navigator.serviceWorker.register("/sw.js");
    const ready = await navigator.serviceWorker.ready;
    const style = document.querySelector('link[rel="stylesheet"]').href;
    ready.active.postMessage({ keep: [js, wasm, style] });
  } catch {
    // Without it the page needs the relay to load; everything else works.
  }
}
