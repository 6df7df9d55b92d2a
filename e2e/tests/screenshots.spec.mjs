// The pictures of docs/screenshots: every screen, light and dark, wide and narrow.
import { join } from "node:path";
import { CLUB, ahead, castAndMine, expect, go, open, test } from "../world.mjs";

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
      const context = await world.profile({ viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
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
      await page.getByLabel("Your number").fill("107");
      await expect(page.getByTestId("token-hint")).toContainText("not used yet");
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

      // An election with voting codes, from the wizard to the seal.
      await world.keeper(relay, { args: ["--mine"] });
      page.on("dialog", (dialog) => dialog.accept());
      await page.goto(`${relay.url}/create`);
      await page.getByLabel("Question").fill("What should the club buy for the workshop?");
      await page.getByTestId("next").click();
      for (const [index, choice] of ["Lathe", "Band saw", "Welding set"].entries()) {
        if (index === 2) await page.getByTestId("add-choice").click();
        await page.getByLabel(`Choice ${index + 1}`, { exact: true }).fill(choice);
      }
      await page.getByLabel("Kind of ballot").selectOption("approval");
      await page.getByText("Allow a blank answer").click();
      await page.getByText(/Allow a write-in/).click();
      await shot("create", true);
      await page.getByTestId("next").click();
      await page.getByTestId("next").click();
      await page.getByLabel(/Or a list of voters/).fill("Ann Archer\nBert Baker\nCleo Carter\n");
      await page.getByTestId("next").click();
      await expect(page.getByTestId("keeper").getByRole("checkbox")).toBeChecked();
      await shot("keepers", true);
      await page.getByTestId("next").click();
      await page.getByTestId("next").click();
      await expect(page.getByTestId("keepers")).toContainText("you may close this page");
      await shot("organise", true);
      const link = await page.getByTestId("link").innerText();
      await page.getByRole("link", { name: "Codes and slips to print" }).click();
      await expect(page.locator(".slip-code").first()).toBeVisible();
      await shot("slips", true);
      const codes = await page.locator(".slip-code").allInnerTexts();
      await page.goto(`${link}#code=${codes[0]}`);
      await page.getByText("Lathe", { exact: true }).click();
      await page.getByLabel("Your own words").fill("3D printer");
      await expect(page.getByTestId("code-hint")).toContainText("Valid code");
      await shot("vote-code", true);
      await page.getByTestId("cast").click();
      await expect(page.getByTestId("standing")).toContainText("Received by Club server");
      await shot("receipt-kept", true);
      await page.goto(link.replace(/vote$/, "organise"));
      await expect(page.getByTestId("organise-turnout")).toContainText("1 of 3");
      await page.getByTestId("close-button").click();
      await expect(page.getByTestId("told")).toBeVisible();
      await page.getByTestId("to-seal").click();
      await ahead(page, 125_000);
      await expect(page.getByTestId("missing")).toBeVisible();
      await shot("seal", true);
      await page.getByText("Seal all the same").click();
      await page.getByTestId("seal-button").click();
      await expect(page.getByTestId("seal-state")).toContainText("Sealed");
      await page.goto(link.replace(/vote$/, "results"));
      await expect(page.getByTestId("seal")).toBeVisible();
      await shot("result-sealed", true);
    });
  }
}
