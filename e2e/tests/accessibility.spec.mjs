import AxeBuilder from "@axe-core/playwright";
import { CLUB, FREE, ahead, castAndMine, expect, go, open, test } from "../world.mjs";

const SCREENS = ["Vote", "Results", "Chain", "Verify", "Network", "About"];

async function check(page, name) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((found) => `${name}: ${found.id}: ${found.nodes[0].html}`)).toEqual([]);
  const wide = await page.evaluate(() =>
    document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
}

for (const [scheme, width] of [["light", 1280], ["dark", 375]]) {
  test(`axe finds nothing on any screen, ${scheme} at ${width} px`, async ({ world }) => {
    const relay = await world.relay();
    const node = await world.node(relay, { election: CLUB });
    const options = { colorScheme: scheme, viewport: { width, height: 800 }, reducedMotion: "reduce" };
    const page = await open(await world.profile(options), relay, node.election);
    await check(page, "the paper");
    await page.getByTestId("cast").click();
    await check(page, "the paper with errors");
    await castAndMine(page, 7, "No");
    for (const screen of SCREENS) {
      await go(page, screen);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      if (screen === "Chain") {
        await page.getByRole("button", { name: /^Block 2/ }).click();
        await expect(page.getByTestId("proof-zeros")).toBeVisible();
      }
      if (screen === "Verify") {
        await page.getByTestId("verify").click();
        await expect(page.getByTestId("verdict")).toBeVisible();
      }
      await check(page, screen);
    }
    await page.goto(`${relay.url}/`);
    await expect(page.getByRole("heading", { name: "Your elections" })).toBeVisible();
    await check(page, "home");
  });
}

test("axe finds nothing where elections are made and keys are kept", async ({ world }) => {
  test.setTimeout(120_000);
  const relay = await world.relay();
  for (const [colorScheme, width] of [["light", 1280], ["dark", 375]]) {
    const options = { colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" };
    const page = await (await world.profile(options)).newPage();
    page.on("dialog", (dialog) => dialog.accept());
    await page.goto(`${relay.url}/create`);
    await page.getByTestId("next").click();
    await expect(page.getByTestId("problem")).toContainText("Ask a question");
    await expect(page.getByLabel("Question")).toBeFocused();
    await check(page, "the first step with an error");
    await page.getByLabel("Question").fill("Lunch?");
    await page.getByTestId("next").click();
    await page.getByLabel("Kind of ballot").selectOption("approval");
    await page.getByText("Blank ballots are allowed").click();
    await page.getByText(/write in one choice/).click();
    for (const step of ["ballot", "time", "voters", "keepers"]) {
      await check(page, step);
      await page.getByTestId("next").click();
    }
    await expect(page.getByTestId("preview")).toBeVisible();
    await check(page, "preview");
    await page.getByTestId("next").click();
    await expect(page.getByTestId("organise-state")).toBeVisible();
    await check(page, "organise");
    await go(page, "Vote");
    await expect(page.getByTestId("cast")).toBeVisible();
    await check(page, "the paper of an election with codes");
    await page.goto(page.url().replace(/vote$/, "slips"));
    await expect(page.locator(".slip-code").first()).toBeVisible();
    await check(page, "slips");
    await page.goto(page.url().replace(/slips$/, "organise"));
    await page.getByTestId("close-button").click();
    await page.getByTestId("to-seal").click();
    await expect(page.getByTestId("seal-state")).toContainText("can be sealed from");
    await check(page, "what is here before sealing");
    await ahead(page, 125_000);
    await page.getByTestId("seal-button").click();
    await expect(page.getByRole("alert")).toBeVisible();
    await check(page, "sealing");
    await page.getByText("Seal all the same").click();
    await page.getByTestId("seal-button").click();
    await expect(page.getByTestId("handed-out")).toBeVisible();
    await check(page, "sealed");
    await page.goto(`${relay.url}/keys`);
    await page.getByRole("button", { name: "Make a key" }).click();
    await expect(page.getByTestId("own-key")).toBeVisible();
    await check(page, "keys");
    await page.goto(`${relay.url}/verify`);
    await expect(page.getByTestId("drop")).toBeVisible();
    await check(page, "an audit file");
  }
});

test("long words, sixty choices and twice the size fit on a phone", async ({ world }) => {
  const relay = await world.relay();
  const choices = Array.from({ length: 60 }, (_, index) =>
    `Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel ${index}`);
  const node = await world.node(relay, { election: { ...CLUB, title: "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz?", choices } });
  // 375 px at 200 % are 188 CSS pixels; below 320 px no page has to fit (WCAG 1.4.10).
  const page = await open(await world.profile({ viewport: { width: 320, height: 600 } }), relay, node.election);
  for (const screen of SCREENS) {
    await go(page, screen);
    await check(page, screen);
  }
});

test("a vote is cast by keyboard alone", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const page = await open(await world.profile(), relay, node.election);
  const tabTo = async (name) => {
    for (let presses = 0; presses < 30; presses += 1) {
      await page.keyboard.press("Tab");
      const found = await page.evaluate(() => document.activeElement?.id || document.activeElement?.dataset?.testid);
      if (found === name) return;
    }
    throw new Error(`${name} cannot be reached with the tab key`);
  };
  await tabTo("choice-0");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await tabTo("token");
  await page.keyboard.type("42");
  await expect(page.getByTestId("token-hint")).toContainText("unused so far");
  await tabTo("cast");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("receipt")).toHaveAttribute("data-state", "mined");
  await expect(page.getByTestId("receipt")).toContainText("You voted “No”");
});

test("free text can be typed or taken from the selections so far", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: FREE });
  await node.json("/vote", { token_id: 1, selection: "Biden" });
  const page = await open(await world.profile(), relay, node.election);
  await page.getByRole("button", { name: "Biden" }).click();
  await expect(page.getByLabel("Your selection")).toHaveValue("Biden");
  await castAndMine(page, 2, "Biden");
  await go(page, "Results");
  await expect(page.getByTestId("bars")).toContainText("Biden");
});
