// The pictures of docs/screenshots: every screen, light and dark, wide and narrow.
import { join } from "node:path";
import { CLUB, castAndMine, expect, go, open, test } from "../world.mjs";

const FOLDER = join(import.meta.dirname, "../../docs/screenshots");

for (const [width, height] of [[1280, 860], [375, 760]]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`screens at ${width} px, ${colorScheme}`, async ({ world }) => {
      const relay = await world.relay();
      const node = await world.node(relay, { election: CLUB });
      for (let token = 1; token <= 60; token += 1) {
        const selection = ["Yes", "Yes", "No", "Yes", "Blank", "No"][token % 6];
        await node.json("/vote", { token_id: token, selection });
        if (token % 7 === 0) await node.json("/store");
      }
      await node.json("/store");
      const context = await world.profile({ viewport: { width, height }, colorScheme });
      const page = await open(context, relay, node.election);
      await expect(page.getByTestId("status")).toContainText("block 10");
      const shot = async (name, whole = false) => {
        // As high as the page, so that what is fixed to the bottom edge stands there.
        const full = whole && await page.evaluate(() => document.documentElement.scrollHeight);
        await page.setViewportSize({ width, height: Math.max(height, full || 0) });
        await page.screenshot({ path: join(FOLDER, `${name}-${width}-${colorScheme}.png`) });
        await page.setViewportSize({ width, height });
      };
      await page.getByText("No", { exact: true }).click();
      await page.getByLabel("Your token").fill("107");
      await expect(page.getByTestId("token-hint")).toContainText("unused so far");
      await shot("vote");
      await castAndMine(page, 107, "No");
      await shot("receipt", true);
      await go(page, "Results");
      await expect(page.getByTestId("bars")).toBeVisible();
      await shot("results");
      await go(page, "Chain");
      await page.getByRole("button", { name: /^Block 10/ }).click();
      await expect(page.getByTestId("proof-zeros")).toBeVisible();
      await shot("chain", true);
      await go(page, "Verify");
      await page.getByTestId("verify").click();
      await expect(page.getByTestId("verdict")).toBeVisible();
      await shot("verify", true);
      await go(page, "Network");
      await expect(page.getByTestId("peers")).toBeVisible();
      await shot("network", true);
      await go(page, "About");
      await shot("about", true);
    });
  }
}
