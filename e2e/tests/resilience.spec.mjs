import { CLUB, breakOff, cast, castAndMine, expect, go, kept, open, test, thrown, until } from "../world.mjs";

const port = (relay) => Number(relay.address.split(":")[1]);

test("two sides vote and mine without the relay, and agree when it is back", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB, args: ["--mine"] });
  const page = await open(await world.profile(), relay, node.election);
  const other = await open(await world.profile(), relay, node.election);
  await kept(page);
  await kept(other);
  await relay.kill();
  for (const tab of [page, other]) {
    await expect(tab.getByTestId("status")).toContainText("not connected: your votes stay here and are sent later");
  }
  await castAndMine(page, 1, "Yes");
  await castAndMine(other, 2, "No");
  await node.json("/vote", { token_id: 3, selection: "Blank" });
  await until(node, "/view_vote", (tally) => tally.Blank === 1);
  const back = await world.relay(port(relay));
  expect(back.address).toBe(relay.address);
  await until(node, "/view_vote", (tally) => tally.Yes === 1 && tally.No === 1 && tally.Blank === 1);
  for (const tab of [page, other]) {
    await expect(tab.getByTestId("status")).toContainText("all 3 votes verified here");
    await expect(tab.getByTestId("receipt")).toHaveAttribute("data-state", "mined");
    await go(tab, "Network");
    // Asked again each time: two blocks found at once are settled a moment later.
    await expect.poll(async () => {
      const { tip } = await node.json("/api/v1/status");
      return (await tab.getByLabel("Relays").locator(".hash[title]").getAttribute("title")) === tip;
    }).toBe(true);
  }
});

test("a tab closed and opened again without any relay has its chain and its pending votes", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const context = await world.profile();
  const page = await open(context, relay, node.election);
  await castAndMine(page, 1, "Yes");
  await go(page, "Network");
  await page.getByTestId("mining").click();
  await expect(page.getByTestId("mining")).toHaveAttribute("aria-checked", "false");
  await go(page, "Vote");
  await page.getByRole("button", { name: "Vote with another number" }).click();
  await cast(page, 2, "No");
  await expect(page.getByTestId("receipt")).toHaveAttribute("data-state", "pending");
  await kept(page);
  await page.close();
  await relay.kill();
  await node.kill();
  const again = await open(context, relay, node.election, "vote", false);
  await expect(again.getByTestId("status")).toContainText("at block 2");
  await expect(again.getByText("Number 1: “Yes”")).toBeVisible();
  await expect(again.getByText("recorded", { exact: true })).toBeVisible();
  await expect(again.getByTestId("receipt")).toHaveAttribute("data-state", "pending");
  // It can be mined here and now, with no relay at all.
  await go(again, "Network");
  await again.getByTestId("mining").click();
  await go(again, "Results");
  await expect(again.getByTestId("counted")).toContainText("2 votes in 3 blocks");
});

test("two tabs of one browser: both are nodes, one writes, and the other takes over", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const context = await world.profile();
  const first = await open(context, relay, node.election);
  await go(first, "Network");
  await expect(first.getByTestId("storage")).toContainText("are kept in this browser");
  const second = await open(context, relay, node.election);
  await go(second, "Network");
  await expect(second.getByTestId("storage")).toContainText("Another tab of this browser keeps the chain");
  await go(second, "Vote");
  await castAndMine(second, 1, "Yes");
  await first.close();
  await go(second, "Network");
  await expect(second.getByTestId("storage")).toContainText("are kept in this browser");
  await go(second, "Vote");
  await second.getByRole("button", { name: "Vote with another number" }).click();
  await castAndMine(second, 2, "No");
  await kept(second);
  await second.close();
  await relay.kill();
  await node.kill();
  const again = await open(context, relay, node.election, "results", false);
  await expect(again.getByTestId("counted")).toContainText("2 votes in 3 blocks");
});

test("with storage refused the tab works and says so", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const context = await world.profileWithoutStorage();
  const page = await open(context, relay, node.election);
  await expect(page.getByTestId("status")).toContainText("nothing is kept when this tab closes");
  await castAndMine(page, 1, "Yes");
  await go(page, "Network");
  await expect(page.getByTestId("storage")).toContainText("the browser refuses storage");
  await until(node, "/view_vote", (tally) => tally.Yes === 1);
});

test("a miner that could not be fetched is started again, and mines", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const context = await world.profile();
  let [refuse, refused] = [true, 0];
  await context.route("**/miner-worker_bg.wasm", (route) => {
    refused += Number(refuse);
    return refuse ? route.abort() : route.continue();
  });
  const page = await open(context, relay, node.election);
  await expect.poll(() => refused).toBeGreaterThan(0);
  refuse = false;
  await castAndMine(page, 7, "No");
  await expect(page.getByText("broke off")).toHaveCount(0);
});

test("a miner whose script is refused takes nothing else with it", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const context = await world.profile();
  let refused = 0;
  await context.route("**/miner-worker.js", (route) => {
    refused += 1;
    return route.abort();
  });
  const page = await open(context, relay, node.election);
  await expect.poll(() => refused).toBeGreaterThan(0);
  await cast(page, 7, "No");
  await expect(page.getByTestId("receipt")).toHaveAttribute("data-state", "pending");
  await until(node, "/api/v1/status", (status) => status.pending === 1);
  await node.json("/store");
  await expect(page.getByTestId("receipt")).toHaveAttribute("data-state", "mined");
  await expect(page.getByText("broke off")).toHaveCount(0);
  expect(thrown.splice(0).filter((words) => words !== "null")).toEqual([]);
});

test("tools that could not be fetched say so, and are fetched when they are wanted again", async ({ world }) => {
  const relay = await world.relay();
  const context = await world.profile();
  let [refuse, refused] = [true, 0];
  await context.route("**/tools-worker_bg.wasm", (route) => {
    refused += Number(refuse);
    return refuse ? route.abort() : route.continue();
  });
  const page = await context.newPage();
  await page.goto(`${relay.url}/keys`);
  await expect.poll(() => refused).toBeGreaterThan(0);
  await expect(page.getByRole("button", { name: "Make a key" })).toBeEnabled();
  const before = refused;
  await page.getByRole("button", { name: "Make a key" }).click();
  await expect.poll(() => refused).toBeGreaterThan(before);
  await expect(page.getByRole("alert")).toContainText("Failed to fetch");
  await expect(page.getByTestId("own-key")).toHaveCount(0);
  refuse = false;
  await page.getByRole("button", { name: "Make a key" }).click();
  await expect(page.getByTestId("own-key")).toHaveCount(1);
  await expect(page.getByRole("alert")).toHaveCount(0);
  expect(thrown.splice(0).filter((words) => !words.includes("Failed to fetch"))).toEqual([]);
});

test("a node that could not be fetched says so, and is fetched again", async ({ world }) => {
  const relay = await world.relay();
  const context = await world.profile();
  let refuse = true;
  await context.route("**/node-worker_bg.wasm", (route) => refuse ? route.abort() : route.continue());
  const page = await context.newPage();
  await page.goto(`${relay.url}/e/${"ab".repeat(32)}/vote`);
  await expect(page.getByText("broke off")).toBeVisible();
  refuse = false;
  await expect(page.getByRole("heading", { name: "Looking for the election" })).toBeVisible();
  expect(thrown.splice(0).filter((words) => !words.includes("Failed to fetch"))).toEqual([]);
});

test("a browser without SIMD votes, mines and verifies", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const page = await open(await world.profileWithoutSimd(), relay, node.election);
  // The miner that needs SIMD would not start here.
  const starts = await page.evaluate(async () => {
    const module = await fetch("/miner-worker_bg.wasm");
    return WebAssembly.validate(await module.arrayBuffer());
  });
  expect(starts).toBe(false);
  await castAndMine(page, 7, "No");
  await go(page, "Network");
  await expect(page.getByText("1 block found by this tab")).toBeVisible();
});

test("a worker that breaks is started again from what is stored, and the page says so", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const context = await world.profile();
  const page = await open(context, relay, node.election);
  await castAndMine(page, 1, "Yes");
  await breakOff(page);
  await expect(page.getByText("broke off and is started again")).toBeVisible();
  await expect(page.getByTestId("status")).toContainText("connected, ");
  await expect(page.getByText("broke off and is started again")).toBeHidden();
  await expect(page.getByTestId("status")).toContainText("at block 2");
  await page.getByRole("button", { name: "Vote with another number" }).click();
  await castAndMine(page, 2, "Yes");
  // What is asked for in the pause is done by the next one.
  await go(page, "Verify");
  await breakOff(page);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the audit file" }).click();
  expect((await downloading).suggestedFilename()).toMatch(/\.blockvote$/);
});

test("hours end on a page that nobody touches, and nothing is cast while the node is started again", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: { ...CLUB, closes: Date.now() + 600_000 } });
  const page = await (await world.profile()).newPage();
  await page.clock.install();
  await page.goto(`${relay.url}/e/${node.election}/vote`);
  await expect(page.getByTestId("status")).toContainText("at block 1, as far as 1 other says");
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
  await breakOff(page);
  await expect(page.getByText("broke off and is started again")).toBeVisible();
  await expect(page.getByTestId("cast")).toBeDisabled();
  await page.clock.resume();
  await expect(page.getByTestId("cast")).toBeEnabled();
  await page.clock.fastForward("11:00");
  await expect(page.getByText("The result stays open to everyone")).toBeVisible();
});

test("a link to an unknown election says what it waits for, a broken one what is wrong", async ({ world }) => {
  const relay = await world.relay();
  const page = await (await world.profile()).newPage();
  await page.goto(`${relay.url}/e/${"ab".repeat(32)}/vote`);
  await expect(page.getByRole("heading", { name: "Looking for the election" })).toBeVisible();
  await page.goto(`${relay.url}/e/nonsense/vote`);
  await expect(page.getByText("expected 64 hexadecimal digits")).toBeVisible();
  await page.goto(`${relay.url}/`);
  await page.getByLabel("Link you were sent").fill("what?");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("no election in this");
});
