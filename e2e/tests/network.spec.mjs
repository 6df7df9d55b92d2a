import { CLUB, ahead, castAndMine, expect, go, kept, open, test, until } from "../world.mjs";

const ws = (relay) => `ws://${relay.address}/ws`;

test("a relay cannot hide the heavier chain from a tab that follows another one too", async ({ world }) => {
  const [hiding, other] = [await world.relay(), await world.relay(0, ["--allow-origin", "*"])];
  // Both relays have a node of the election; the one on the tab's own relay knows no vote.
  const poor = await world.node(hiding, { election: CLUB });
  const rich = await world.node(other, { election: CLUB, args: ["--mine"] });
  await rich.json("/vote", { token_id: 1, selection: "Yes" });
  await rich.json("/vote", { token_id: 2, selection: "No" });
  await until(rich, "/api/v1/status", (status) => status.votes === 2);
  const page = await open(await world.profile(), hiding, poor.election, "network");
  await expect(page.getByTestId("status")).toContainText("at block 1");

  // What is no relay is said at the field, and nothing is followed.
  const field = page.getByLabel("Follow another relay too");
  for (const wrong of ["relay", "ftp://relay/ws", "ws://", ws(hiding)]) {
    await field.fill(wrong);
    await page.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("alert")).toContainText(/relay/);
    await expect(field).toBeFocused();
    await expect(page.getByTestId("relays").getByRole("listitem")).toHaveCount(1);
  }
  await field.fill(other.url);
  await page.getByRole("button", { name: "Add" }).click();
  await expect(page.getByTestId("relays").getByText("connected", { exact: true })).toHaveCount(2);
  await expect(page.getByTestId("status")).toContainText("all 2 votes verified here");
  // The tab is a bridge: the node on the other side gets the chain from it.
  await until(poor, "/api/v1/status", (status) => status.votes === 2);

  // It is remembered, and can be left.
  await page.reload();
  await expect(page.getByTestId("relays").getByText("connected", { exact: true })).toHaveCount(2);
  await page.getByRole("button", { name: `Remove the relay ${ws(other)}` }).click();
  await expect(page.getByTestId("relays").getByRole("listitem")).toHaveCount(1);
});

test("a link can carry a second relay", async ({ world }) => {
  const [empty, other] = [await world.relay(), await world.relay(0, ["--allow-origin", "*"])];
  const node = await world.node(other, { election: CLUB, args: ["--mine"] });
  await node.json("/vote", { token_id: 1, selection: "Yes" });
  const context = await world.profile();
  const page = await context.newPage();
  await page.goto(`${empty.url}/e/${node.election}/results?relay=${encodeURIComponent(ws(other))}`);
  await expect(page.getByTestId("status")).toContainText("the one vote verified here");
});

test("tabs of one browser agree with no relay at all", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const context = await world.profile();
  const page = await open(context, relay, node.election);
  const second = await open(context, relay, node.election, "network");
  await kept(page);
  await node.kill();
  await relay.kill();
  for (const tab of [page, second]) {
    await expect(tab.getByTestId("status")).toContainText("not connected");
  }
  await expect(second.getByTestId("tabs")).toContainText("1 heard of");
  await castAndMine(page, 1, "Yes");
  await expect(second.getByTestId("status")).toContainText("the one vote verified here");
  // Another tab of the same browser makes a vote no safer, and the receipt does not say so.
  await expect(page.getByTestId("receipt")).not.toContainText(/\d other computers? said so/i);
  await go(second, "Vote");
  await castAndMine(second, 2, "No");
  await expect(page.getByTestId("status")).toContainText("all 2 votes verified here");
});

test("a long chain shows its progress, and goes on where it was when the tab was closed", async ({ world }) => {
  const file = process.env.BLOCKVOTE_LONG;
  test.skip(!file, "made by cargo xtask test");
  test.setTimeout(180_000);
  const relay = await world.relay();
  const node = await world.node(relay, { args: ["--election", file] });
  const { height } = await node.json("/api/v1/status");
  const context = await world.profile();
  const first = await context.newPage();
  await first.goto(`${relay.url}/e/${node.election}/network`);
  const block = async (tab) => {
    const words = await tab.getByTestId("status").textContent();
    return Number(/block ([\d,]+)/.exec(words)?.[1].replaceAll(",", "") ?? 0);
  };
  await expect(first.getByLabel("Blocks fetched")).toBeVisible({ timeout: 60_000 });
  await expect.poll(() => block(first), { timeout: 60_000, intervals: [50] }).toBeGreaterThan(20);
  const seen = await block(first);
  await first.close();
  expect(seen).toBeLessThan(height);
  // Without anybody to ask: what is here now was kept.
  await node.kill();
  const again = await context.newPage();
  await again.goto(`${relay.url}/e/${node.election}/network`);
  await expect.poll(() => block(again), { timeout: 60_000 }).toBeGreaterThanOrEqual(seen);
  await world.node(relay, { args: ["--election", file] });
  await expect(again.getByTestId("status")).toContainText(`in sync at block ${height}`, { timeout: 120_000 });
});

test("a tab whose clock is slow says so, and follows when it is put right", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB, args: ["--mine"] });
  const page = await open(await world.profile(), relay, node.election, "network");
  // Or it makes a block of its own.
  await page.getByTestId("mining").click();
  await ahead(page, -300_000);
  await node.json("/vote", { token_id: 1, selection: "Yes" });
  await until(node, "/api/v1/status", (status) => status.votes === 1);
  const said = page.getByText(/dated 5 minutes ahead of this device's clock/);
  await expect(said).toBeVisible();
  await expect(page.getByTestId("status")).toContainText("at block 1");
  for (const worker of page.workers()) {
    await worker.evaluate(() => {
      const now = Date.now;
      Date.now = () => now() + 300_000;
    });
  }
  await expect(page.getByTestId("status")).toContainText("the one vote verified here");
  await expect(said).toHaveCount(0);
});
