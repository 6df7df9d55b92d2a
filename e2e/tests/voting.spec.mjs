import { CLUB, FREE, cast, castAndMine, expect, go, open, test, until } from "../world.mjs";

test("a vote is mined by the tab's own worker, counted, and its receipt verified", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB }); // holds the definition, does not mine
  const page = await open(await world.profile(), relay, node.election);
  await castAndMine(page, 7, "No");
  const receipt = page.getByTestId("receipt");
  await expect(receipt).toContainText("You voted “No”");
  await expect(receipt).toContainText("in block 2");
  await expect(receipt.getByTestId("proof")).toContainText("your vote is in the record");
  await expect(receipt.getByRole("img", { name: /QR code/ })).toBeVisible();
  await go(page, "Network");
  await expect(page.getByText("1 block found by this tab")).toBeVisible();
  await go(page, "Results");
  await expect(page.getByTestId("counted")).toContainText("Counted by your own device from 1 vote in 2 blocks");
  await expect(page.getByTestId("turnout")).toContainText("1 of 500 numbers");
  await page.getByRole("button", { name: "Show as table" }).click();
  await expect(page.getByRole("row", { name: /^No 1 100.0 %/ })).toBeVisible();
  await go(page, "Chain");
  await page.getByRole("button", { name: /^Block 2/ }).click();
  await expect(page.getByTestId("proof-zeros")).toContainText(/^0000/);
  await expect(page.getByRole("row", { name: "7 No" })).toBeVisible();
});

test("a receipt's address finds the vote again in another browser", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const page = await open(await world.profile(), relay, node.election);
  await castAndMine(page, 7, "Yes");
  const address = await page.getByRole("link", { name: "Address of this receipt" }).getAttribute("href");
  const other = await (await world.profile()).newPage();
  await other.goto(address);
  await expect(other.getByTestId("receipt")).toHaveAttribute("data-state", "mined");
  await expect(other.getByTestId("proof")).toContainText("your vote is in the record");
  await other.goto(address.replace(/receipt\/[0-9a-f]{8}/, "receipt/00000000").replace(/#.*/, ""));
  await expect(other.getByTestId("not-found")).toContainText("does not know such a vote");
});

test("a second browser syncs and shows the same tip and tally", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const first = await open(await world.profile(), relay, node.election);
  await castAndMine(first, 1, "Yes");
  await first.getByRole("button", { name: "Vote with another number" }).click();
  await castAndMine(first, 2, "No");
  const second = await open(await world.profile(), relay, node.election, "results");
  await expect(second.getByTestId("counted")).toContainText("2 votes in 3 blocks");
  await go(first, "Network");
  await go(second, "Network");
  const tip = (page) => page.getByLabel("Relays").locator(".hash[title]").getAttribute("title");
  expect(await tip(second)).toBe(await tip(first));
  expect(await tip(second)).toBe((await node.json("/api/v1/status")).tip);
});

test("the same token again gets a clear error, here and in another browser", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const page = await open(await world.profile(), relay, node.election);
  await castAndMine(page, 7, "No");
  await page.getByRole("button", { name: "Vote with another number" }).click();
  for (const tab of [page, await open(await world.profile(), relay, node.election)]) {
    await expect(tab.getByTestId("status")).toContainText("block 2");
    await cast(tab, 7, "Yes");
    await expect(tab.getByTestId("token-hint")).toHaveText(/already voted/);
    await expect(tab.getByLabel("Your number")).toBeFocused();
    await expect(tab.getByTestId("receipt")).toHaveCount(0);
  }
  expect(await node.json("/view_vote")).toEqual({ No: 1 });
});

test("wrong tokens are named at the field", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const page = await open(await world.profile(), relay, node.election);
  for (const wrong of ["0", "501", "-1", "1.5", "seven", "99999999999999999999"]) {
    await page.getByLabel("Your number").fill(wrong);
    await expect(page.getByTestId("token-hint")).toContainText("a whole number from 1 to 500");
  }
  await page.getByTestId("cast").click();
  await expect(page.getByText("Choose first.")).toBeVisible();
});

test("a reload before casting loses neither token nor answers, and nothing stays once they are cast", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const page = await open(await world.profile(), relay, node.election);
  await page.getByText("Yes", { exact: true }).click();
  await page.getByLabel("Your number").fill("7");
  await expect(page.getByTestId("token-hint")).toContainText("not used yet");
  await page.reload();
  await expect(page.getByLabel("Yes", { exact: true })).toBeChecked();
  await expect(page.getByLabel("Your number")).toHaveValue("7");
  await expect(page.getByTestId("token-hint")).toContainText("not used yet");
  await page.getByTestId("cast").click();
  await expect(page.getByTestId("receipt")).toHaveAttribute("data-state", "mined");
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain("paper");
  await page.getByRole("button", { name: "Vote with another number" }).click();
  await expect(page.getByLabel("Your number")).toHaveValue("");
});

test("a vote at the native node shows in the tabs, and a tab's vote at the node", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: FREE });
  const page = await open(await world.profile(), relay, node.election, "results");
  const answer = await node.json("/vote", { token_id: 1, selection: "Biden" });
  expect(answer.message).toBe("the token_id 1 vote will be added to Block 2");
  // The node does not mine by itself: the tab does.
  await expect(page.getByTestId("bars")).toContainText("Biden");
  await until(node, "/view_vote", (tally) => tally.Biden === 1);
  await go(page, "Vote");
  await castAndMine(page, 2, "Trump");
  await until(node, "/view_vote", (tally) => tally.Trump === 1);
  expect(await node.json("/view_vote")).toEqual({ Biden: 1, Trump: 1 });
});

test("a selection with markup in it is shown as text", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: FREE });
  const page = await open(await world.profile(), relay, node.election);
  const hostile = `<img src=x onerror="document.title='owned'"><b>bold</b>`;
  await castAndMine(page, 1, hostile);
  await expect(page.getByTestId("receipt")).toContainText(hostile);
  await go(page, "Results");
  await expect(page.getByTestId("bars")).toContainText(hostile);
  await go(page, "Chain");
  await page.getByRole("button", { name: /^Block 2/ }).click();
  await expect(page.getByRole("cell", { name: hostile })).toBeVisible();
  await go(page, "Vote");
  await page.getByRole("button", { name: "Vote with another number" }).click();
  await expect(page.getByRole("button", { name: hostile })).toBeVisible();
  expect(await page.locator("main img, main b b").count()).toBe(0);
  expect(await page.title()).toBe("Blockvote");
});
