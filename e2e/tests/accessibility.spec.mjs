// What axe finds, in two engines, and what the keyboard alone can do.
import axe from "axe-core";
import { OF_AN_ELECTION, SCREENS } from "../screens.mjs";
import { open as openTab } from "../steps.mjs";
import { CLUB, FREE, castAndMine, expect, go, open, test } from "../world.mjs";

async function check(tab, name) {
  await tab.shows("h1");
  if (!(await tab.evaluate(() => "axe" in globalThis))) await tab.evaluate(axe.source);
  const { found, passed } = await tab.evaluate(async () => {
    const { violations, passes } = await globalThis.axe.run();
    return { found: violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), passed: passes.length };
  });
  expect(found, name).toEqual([]);
  expect(passed, `rules that ${name} keeps`).toBeGreaterThan(20);
  const wide = await tab.evaluate(() =>
    document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
}

for (const engine of ["chromium", "firefox"]) {
  for (const [colorScheme, width] of [["light", 1280], ["dark", 375]]) {
    test(`axe finds nothing on any screen in ${engine}, ${colorScheme} at ${width} px`, async ({ world }) => {
      test.setTimeout(120_000);
      const relay = await world.relay();
      const node = await world.node(relay, { election: CLUB });
      const setup = { colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" };
      const tab = await world.tab(engine, setup);
      const at = { relay, node };
      const look = () => [innerWidth, matchMedia("(prefers-color-scheme: dark)").matches];
      expect(await tab.evaluate(look)).toEqual([width, colorScheme === "dark"]);
      for (const [name, reach] of SCREENS) {
        await test.step(name, async () => {
          await reach(tab, at);
          await check(tab, name);
        });
      }
    });
  }

  test(`long words, sixty choices and twice the size fit on a phone in ${engine}`, async ({ world }) => {
    const relay = await world.relay();
    const choices = Array.from({ length: 60 }, (_, index) =>
      `Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel ${index}`);
    const node = await world.node(relay, { election: { ...CLUB, title: "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz?", choices } });
    // 375 px at 200 % are 188 CSS pixels; below 320 px no page has to fit (WCAG 1.4.10).
    const tab = await world.tab(engine, { viewport: { width: 320, height: 600 } });
    await openTab(tab, relay, node.election);
    for (const screen of OF_AN_ELECTION) {
      await tab.go(screen);
      await check(tab, screen);
    }
  });
}

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
  await expect(page.getByTestId("token-hint")).toContainText("not used yet");
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
  await expect(page.getByLabel("Your answer")).toHaveValue("Biden");
  await castAndMine(page, 2, "Biden");
  await go(page, "Results");
  await expect(page.getByTestId("bars")).toContainText("Biden");
});
