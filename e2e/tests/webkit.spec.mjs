// Voting in WebKit, and what it does otherwise than Chromium: its cache of pages keeps workers and locks.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { BIN, CLUB, expect, test, until } from "../world.mjs";

const button = (words) => `//button[normalize-space() = "${words}"]`;
const choice = (words) => `//label[normalize-space() = "${words}"]`;
const screen = (words) => `//nav//a[normalize-space() = "${words}"]`;

const says = (webkit, testId, words) => expect.poll(() => webkit.text(testId)).toMatch(words);

const state = (webkit, wanted) => expect.poll(() => webkit.evaluate(
  () => document.querySelector("[data-testid=receipt]")?.dataset.state,
)).toBe(wanted);

/** Chooses and casts, once the page says what is cast: that moves the button. */
async function cast(webkit, words, token) {
  await webkit.click(choice(words));
  if (token) await webkit.type("Your token", token);
  await says(webkit, "review", `You are about to cast “${words}” as token ${token ?? ""}`);
  await webkit.click(button(`Cast vote for “${words}”`));
}

/** Opens an election and waits until its node is connected and mines. */
async function open(webkit, relay, node) {
  await webkit.goto(`${relay.url}/e/${node.election}/vote`);
  await says(webkit, "status", /connected, 1 peer.*mining when votes wait/s);
}

/** How many hold Web Locks in this browser, and how many wait for them. */
const locks = (webkit) => webkit.evaluate(async () => {
  const { held, pending } = await navigator.locks.query();
  return { held: held.length, pending: pending.length };
});

test("a link with a code opens in WebKit, its vote is mined there, and stays when the page is opened again", async ({ world }) => {
  const relay = await world.relay();
  const at = (name) => join(world.folder, name);
  const blockvote = (...args) => execFileSync(join(BIN, "blockvote"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  blockvote("election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread", "--codes", "3", "--organiser", at("o.json"));
  blockvote("election", "publish", "--organiser", at("o.json"), "--out", at("e.blockvote"));
  const [{ code }] = JSON.parse(blockvote("election", "codes", "--organiser", at("o.json"), "--json"));
  const node = await world.node(relay, { args: ["--election", at("e.blockvote")] }); // does not mine
  const webkit = await world.webkit();
  await webkit.goto(`${relay.url}/e/${node.election}/vote#code=${code}`);
  await says(webkit, "code-hint", "on the voter roll, not used so far");
  expect(await webkit.evaluate(() => location.hash), "the code does not stay in the address").toBe("");
  await cast(webkit, "Bread");
  await state(webkit, "mined");
  await until(node, "/view_vote", (tally) => tally.Bread === 1);
  await webkit.click(screen("Network"));
  await says(webkit, "storage", "are kept in this browser");
  await expect.poll(() => webkit.evaluate(() => document.body.innerText)).toContain("1 block found by this tab");
  await open(webkit, relay, node);
  await says(webkit, "receipt", "You voted “Bread”");
  await state(webkit, "mined");
});

test("a page in WebKit's cache leaves lock and mining to the next one, and works again when it is back", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const webkit = await world.webkit();
  await open(webkit, relay, node);
  expect(await locks(webkit)).toEqual({ held: 1, pending: 0 });
  await webkit.evaluate(() => {
    addEventListener("pageshow", ({ persisted }) => (document.title = persisted ? "from the cache" : "loaded"));
  });
  await webkit.goto(`${relay.url}/`);
  await expect.poll(() => locks(webkit), { timeout: 5_000 }).toEqual({ held: 0, pending: 0 });
  await open(webkit, relay, node);
  await cast(webkit, "Yes", "1");
  await state(webkit, "mined");
  await until(node, "/view_vote", (tally) => tally.Yes === 1);
  await webkit.back();
  await webkit.back();
  expect(await webkit.evaluate(() => document.title)).toBe("from the cache");
  await says(webkit, "status", /connected, 1 peer.*block 2.*mining when votes wait/s);
  await webkit.click(button("Vote with another token"));
  await cast(webkit, "No", "2");
  await state(webkit, "mined");
  await until(node, "/view_vote", (tally) => tally.Yes === 1 && tally.No === 1);
  expect(await locks(webkit)).toEqual({ held: 1, pending: 0 });
});

test("where a page in the cache holds on to the lock, the next one takes over, and says so", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const webkit = await world.webkit();
  await open(webkit, relay, node);
  // It does not hear that it is left.
  await webkit.evaluate(() => {
    addEventListener("pagehide", (event) => event.stopImmediatePropagation(), { capture: true });
  });
  await webkit.goto(`${relay.url}/`);
  expect(await locks(webkit)).toEqual({ held: 1, pending: 0 });
  await webkit.goto(`${relay.url}/e/${node.election}/vote`);
  await says(webkit, "status", /connected, 1 peer.*mining in another tab/s);
  await cast(webkit, "Yes", "1");
  await state(webkit, "pending");
  await state(webkit, "mined");
  await says(webkit, "status", "mining when votes wait");
  await webkit.click(screen("Network"));
  await says(webkit, "storage", "are kept in this browser");
  expect(await locks(webkit)).toEqual({ held: 1, pending: 1 });
  await until(node, "/view_vote", (tally) => tally.Yes === 1);
});
