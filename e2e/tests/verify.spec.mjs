import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { BIN, expect, go, open, test, thrown, until } from "../world.mjs";

const VOTES = 20_000;

test("verifying 20,000 votes shows progress and never holds up the page", async ({ world }) => {
  test.setTimeout(240_000);
  const relay = await world.relay();
  const election = { title: "Many votes", choices: ["A", "B", "C"], eligibility: { open: {} } };
  const node = await world.node(relay, { election });
  for (let from = 0; from < VOTES; from += 500) {
    const casts = Array.from({ length: 500 }, (_, index) =>
      node.json("/vote", { token_id: from + index, selection: "ABC"[index % 3] }));
    await Promise.all(casts);
    await node.json("/store");
  }
  const page = await open(await world.profile(), relay, node.election);
  await expect(page.getByTestId("status")).toContainText("all 20,000 votes verified here");
  await go(page, "Verify");
  await page.evaluate(() => {
    globalThis.longTasks = [];
    globalThis.seen = [];
    new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) globalThis.longTasks.push(Math.round(entry.duration));
    }).observe({ type: "longtask" });
    new MutationObserver(() => {
      const bar = document.querySelector("[data-testid=progress]");
      if (bar && globalThis.seen.at(-1) !== bar.value) globalThis.seen.push(bar.value);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await page.getByTestId("verify").click();
  await expect(page.getByTestId("verdict")).toHaveAttribute("data-passed", "true");
  await expect(page.getByTestId("verdict")).toContainText("41 blocks and 20,000 votes".replace(",", ""));
  for (const line of ["20000 of 20000", "20000 tokens, each used once", "40 of 40"]) {
    await expect(page.getByTestId("checks")).toContainText(line);
  }
  await expect(page.getByTestId("checks")).toContainText("no voter roll");
  const { longTasks, seen } = await page.evaluate(() => ({ longTasks, seen }));
  expect(longTasks.filter((ms) => ms > 50)).toEqual([]);
  expect(seen.length, `progress went ${seen}`).toBeGreaterThan(2);
  expect(seen, "progress steps back").toEqual([...seen].sort((one, other) => one - other));
  // What is downloaded is what the command line verifies.
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the audit file" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/\.blockvote$/);
  const words = execFileSync(join(BIN, "blockvote"), ["verify", await download.path()], { encoding: "utf8" });
  expect(words).toContain("Verified: 41 blocks and 20000 votes");
  await until(node, "/api/v1/status", (status) => status.votes === VOTES);
});

test("signatures are verified in workers of their own, with the verdict of the command line", async ({ world }) => {
  const good = join(world.folder, "good.blockvote");
  const forged = join(world.folder, "forged.blockvote");
  const make = (path, ...more) => execFileSync(join(BIN, "examples/bench"), ["file", "900", "300", path, ...more]);
  make(good);
  make(forged, "--forged", "451");
  const { stdout } = spawnSync(join(BIN, "blockvote"), ["verify", forged, "--json"], { encoding: "utf8" });
  const { verdict: words } = JSON.parse(stdout);
  expect(words).toContain("block 3");
  const relay = await world.relay();
  for (const workers of [true, false]) {
    const context = await world.profile();
    let asked = 0;
    await context.route("**/verifier-worker*", (route) => {
      asked += 1;
      return workers ? route.continue() : route.abort();
    });
    const page = await context.newPage();
    await page.goto(`${relay.url}/verify`);
    const verdict = page.getByTestId("verdict");
    await page.getByLabel("Choose an audit file").setInputFiles(good);
    await expect(verdict).toContainText("4 blocks and 900 votes");
    await expect(verdict).toHaveAttribute("data-passed", "true");
    await page.getByLabel("Choose an audit file").setInputFiles(forged);
    await expect(verdict).toHaveAttribute("data-passed", "false");
    await expect(verdict).toContainText(words);
    expect(asked).toBeGreaterThan(0);
    if (!workers) {
      await page.close();
      expect(thrown.splice(0).filter((words) => words !== "null")).toEqual([]);
    }
  }
  // The same chain from a peer.
  const node = await world.node(relay, { args: ["--election", good] });
  const page = await open(await world.profile(), relay, node.election);
  await expect(page.getByTestId("status")).toContainText("all 900 votes verified here");
});
