// What WebKit does otherwise than Chromium: its cache of pages keeps workers and locks.
import { button } from "../engines/tab.mjs";
import { RECEIPT, cast, isMined, open as openConnected } from "../steps.mjs";
import { CLUB, expect, test, until } from "../world.mjs";

/** Opens an election and waits until its node is connected and mines. */
async function open(webkit, relay, node) {
  await openConnected(webkit, relay, node.election);
  await webkit.says("status", /connected, 1 other.*ready/s);
}

/** How many hold Web Locks in this browser, and how many wait for them. */
const locks = (webkit) => webkit.evaluate(async () => {
  const { held, pending } = await navigator.locks.query();
  return { held: held.length, pending: pending.length };
});

test("a page in WebKit's cache leaves lock and mining to the next one, and works again when it is back", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const webkit = await world.tab("webkit");
  await open(webkit, relay, node);
  expect(await locks(webkit)).toEqual({ held: 1, pending: 0 });
  await webkit.evaluate(() => {
    addEventListener("pageshow", ({ persisted }) => (document.title = persisted ? "from the cache" : "loaded"));
  });
  await webkit.goto(`${relay.url}/`);
  await expect.poll(() => locks(webkit), { timeout: 5_000 }).toEqual({ held: 0, pending: 0 });
  await open(webkit, relay, node);
  await cast(webkit, 0, 1);
  await isMined(webkit);
  await until(node, "/view_vote", (tally) => tally.Yes === 1);
  await webkit.back();
  await webkit.back();
  expect(await webkit.evaluate(() => document.title)).toBe("from the cache");
  await webkit.says("status", /connected, 1 other.*block 2.*ready/s);
  await webkit.click(button("Vote with another number"));
  await cast(webkit, 1, 2);
  await isMined(webkit);
  await until(node, "/view_vote", (tally) => tally.Yes === 1 && tally.No === 1);
  expect(await locks(webkit)).toEqual({ held: 1, pending: 0 });
});

test("where a page in the cache holds on to the lock, the next one takes over, and says so", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const webkit = await world.tab("webkit");
  await open(webkit, relay, node);
  // It does not hear that it is left.
  await webkit.evaluate(() => {
    addEventListener("pagehide", (event) => event.stopImmediatePropagation(), { capture: true });
  });
  await webkit.goto(`${relay.url}/`);
  expect(await locks(webkit)).toEqual({ held: 1, pending: 0 });
  await webkit.goto(`${relay.url}/e/${node.election}/vote`);
  await webkit.says("status", /connected, 1 other.*ready in another tab/s);
  await cast(webkit, 0, 1);
  await webkit.has(RECEIPT, "data-state", "pending");
  await isMined(webkit);
  await webkit.says("status", "ready");
  await webkit.go("network");
  await webkit.says("storage", "are kept in this browser");
  expect(await locks(webkit)).toEqual({ held: 1, pending: 1 });
  await until(node, "/view_vote", (tally) => tally.Yes === 1);
});
