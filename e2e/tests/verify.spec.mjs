import { expect, go, open, test, until } from "../world.mjs";

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
  // What is downloaded is what the command line verifies.
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the audit file" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/\.blockvote$/);
  const { execFileSync } = await import("node:child_process");
  const { join } = await import("node:path");
  const blockvote = join(import.meta.dirname, "../../target/debug/blockvote");
  const words = execFileSync(blockvote, ["verify", await download.path()], { encoding: "utf8" });
  expect(words).toContain("Verified: 41 blocks and 20000 votes");
  await until(node, "/api/v1/status", (status) => status.votes === VOTES);
});
