// Keys of the voters' own, receipts that travel, and what goes wrong when an election is made.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { castAndMine, expect, go, kept, open, test, until } from "../world.mjs";

/** Makes a key on the Keys screen; returns its public half. */
async function makeKey(page, relay, label, passphrase = "") {
  await page.goto(`${relay.url}/keys`);
  await page.getByLabel("Name for it, for yourself").fill(label);
  await page.getByLabel("Passphrase (optional)").fill(passphrase);
  if (passphrase) await page.getByLabel("The passphrase again").fill(passphrase);
  await page.getByRole("button", { name: "Make a key" }).click();
  return page.getByTestId("own-key").last().getByTestId("public-key").innerText();
}

async function steps(page, relay, title) {
  await page.goto(`${relay.url}/create`);
  await page.getByLabel("Question").fill(title);
  for (let step = 0; step < 3; step += 1) await page.getByTestId("next").click();
}

test("with own keys only their holders vote: locked, brought to another device, refused elsewhere", async ({ world }) => {
  const relay = await world.relay();
  const [ann, bert, desk] = await Promise.all([1, 2, 3].map(async () => (await world.profile()).newPage()));
  const annKey = await makeKey(ann, relay, "Ann", "correct horse");
  const bertKey = await makeKey(bert, relay, "Bert");
  expect(annKey).toMatch(/^bvk1[0-9a-f]{72}$/);
  expect(await ann.evaluate(() => localStorage.getItem("blockvote.keys"))).toContain("blockvote-locked:1:");

  await steps(desk, relay, "Lunch?");
  await desk.getByText("Voters' own keys").click();
  await desk.getByLabel(/^Public keys, one in each line/).fill(`Ann,${annKey}\nBert,${bertKey.replace(/.$/, (last) => (last === "0" ? "1" : "0"))}\n`);
  await desk.getByTestId("next").click();
  await expect(desk.getByTestId("problem")).toContainText("line 2: there is a typo in the public key");
  await desk.getByLabel(/^Public keys, one in each line/).fill(`Ann,${annKey}\nBert,${bertKey}\n`);
  for (let step = 0; step < 3; step += 1) await desk.getByTestId("next").click();
  await expect(desk.getByTestId("organise-state")).toContainText("Open");
  const link = await desk.getByTestId("link").innerText();

  // Whoever has no key on the roll is told so.
  const stranger = await (await world.profile()).newPage();
  await makeKey(stranger, relay, "Stranger");
  await stranger.goto(link);
  await expect(stranger.getByTestId("key-hint")).toContainText("not on the voter roll of this election");

  // A locked key asks for its passphrase, and a wrong one changes nothing.
  await ann.goto(link);
  await expect(ann.getByTestId("key-hint")).toContainText("Valid key");
  await ann.getByText("How your vote is counted").click();
  await expect(ann.getByText("nobody else can vote in your place, not even the organiser")).toBeVisible();
  await ann.getByText("Yes", { exact: true }).click();
  await ann.getByLabel("Passphrase of the key").fill("wrong horse");
  await ann.getByTestId("cast").click();
  await expect(ann.getByTestId("refused")).toContainText("passphrase does not fit");
  await ann.getByLabel("Passphrase of the key").fill("correct horse");
  await ann.getByTestId("cast").click();
  await expect(ann.getByTestId("receipt").first()).toHaveAttribute("data-state", "mined");

  // Bert's key travels to another device as a file.
  await bert.goto(`${relay.url}/keys`);
  const downloading = bert.waitForEvent("download");
  await bert.getByRole("button", { name: "Download for another device" }).click();
  const file = join(world.folder, "bert.key.json");
  await (await downloading).saveAs(file);
  const tablet = await (await world.profile()).newPage();
  await tablet.goto(`${relay.url}/keys`);
  await tablet.getByLabel("Bring one from a file").setInputFiles(file);
  await expect(tablet.getByTestId("public-key")).toHaveText(bertKey);
  await tablet.goto(link);
  await tablet.getByText("No", { exact: true }).click();
  await tablet.getByTestId("cast").click();
  await expect(tablet.getByTestId("receipt").first()).toHaveAttribute("data-state", "mined");
  await bert.goto(link);
  await expect(bert.getByTestId("key-hint")).toContainText("A vote with this key was cast already");
});

test("what is wrong with a new election is said at its step, and the draft stays", async ({ world }) => {
  const relay = await world.relay();
  const page = await (await world.profile()).newPage();
  await page.goto(`${relay.url}/create`);
  await page.getByLabel("Question").fill("Lunch?");
  await page.getByTestId("next").click();
  await page.getByLabel("Choice 2", { exact: true }).fill("Yes");
  await page.getByTestId("next").click();
  await expect(page.getByTestId("problem")).toContainText("“Yes” is listed twice");
  await page.getByLabel("Choice 2", { exact: true }).fill("Bread");
  // Reordered by keyboard.
  await page.getByRole("button", { name: "Move choice 2 up" }).press("Enter");
  await expect(page.getByLabel("Choice 1", { exact: true })).toHaveValue("Bread");
  await expect(page.getByLabel("Choice 1", { exact: true })).toBeFocused();
  await page.reload();
  await expect(page.getByLabel("Question")).toHaveValue("Lunch?");
  await page.getByTestId("next").click();
  await page.getByTestId("next").click();
  await page.getByLabel(/^Closes/).fill("2020-01-01T12:00");
  await page.getByTestId("next").click();
  await expect(page.getByTestId("problem")).toContainText("has passed already");
  await page.getByLabel(/^Closes/).fill("");
  await page.getByTestId("next").click();
  const voters = page.getByLabel(/^Or a list of voters/);
  const many = join(world.folder, "many.csv");
  writeFileSync(many, Array.from({ length: 100_001 }, (_, index) => `voter ${index}\n`).join(""));
  for (const [list, words] of [
    ["\ufeffAnn\n\nBert\nAnn\n", "line 4 is the same as line 1: \"Ann\""],
    [many, "more than 100000 voters"],
  ]) {
    if (list === many) await page.getByLabel("Load a file…").setInputFiles(many);
    else await voters.fill(list);
    await page.getByTestId("next").click();
    await expect(page.getByTestId("problem")).toContainText(words);
  }
  writeFileSync(many, "Ann\nBert\n");
  await page.getByLabel("Load a file…").setInputFiles(many);
  for (let step = 0; step < 3; step += 1) await page.getByTestId("next").click();
  await expect(page.getByTestId("organise-turnout")).toContainText("0 of 2 voters voted");
  // Names stay here: what others get does not hold them.
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the audit file" }).click();
  const file = join(world.folder, "published.blockvote");
  await (await downloading).saveAs(file);
  expect(readFileSync(file).includes("Bert")).toBe(false);
  // The same again, as a new draft.
  await page.getByRole("button", { name: "Duplicate" }).click();
  await expect(page.getByLabel("Question")).toHaveValue("Lunch?");
});

test("a receipt file opened elsewhere checks itself, and casts a dropped vote again", async ({ world }) => {
  const port = (await world.relay()).address.split(":")[1];
  const first = world.programs[0];
  const election = { title: "Lunch?", choices: ["Soup", "Bread"], eligibility: { open: { highest_token: 50 } } };
  const node = await world.node(first, { election });
  const voter = await open(await world.profile(), first, node.election);
  await expect(voter.getByTestId("status")).toContainText(/connected, [1-9]/);
  // The tab and the node are parted; each goes on alone, the node with more work.
  await kept(voter);
  await first.kill();
  await expect(voter.getByTestId("status")).toContainText("not connected");
  await castAndMine(voter, 7, "Bread");
  await expect(voter.getByTestId("receipt")).toContainText("in block 2");
  const downloading = voter.waitForEvent("download");
  await voter.getByRole("button", { name: "Download" }).click();
  const file = join(world.folder, "receipt.json");
  await (await downloading).saveAs(file);
  for (const token of [1, 2, 3]) {
    await node.json("/vote", { token_id: token, selection: "Soup" });
    await node.json("/store");
  }
  await world.relay(port);
  // The reorganisation drops the vote: an alarm, and it is cast again by itself.
  await expect(voter.getByTestId("dropped")).toContainText("was recorded in block 2, and the chain was reorganised");
  await expect(voter.getByTestId("dropped")).toContainText("it is recorded again");
  await until(node, "/view_vote", (tally) => tally.Bread === 1);

  const other = await (await world.profile()).newPage();
  await other.goto(`${first.url}/`);
  await other.getByLabel("Open a receipt file").setInputFiles(file);
  await expect(other.getByTestId("receipt")).toHaveAttribute("data-state", "mined");
  await expect(other.getByTestId("proof")).toContainText("your vote is in the record");
  expect(new URL(other.url()).hash).toBe("");

  // Files that are none, and one that was changed.
  await other.goto(`${first.url}/`);
  await other.getByText("Check a vote").click();
  const bad = join(world.folder, "bad.json");
  for (const [text, words] of [
    ["{}", "not a Blockvote receipt"],
    [readFileSync(file, "utf8").replace(/"token": 7/, '"token": 8'), "the vote id is not the hash of this vote"],
  ]) {
    writeFileSync(bad, text);
    await other.getByLabel("Open a receipt file").setInputFiles(bad);
    await expect(other.getByText(words)).toBeVisible();
  }
  await other.getByLabel("Address of a receipt, or vote id").fill("abc");
  await other.getByRole("button", { name: "Look it up" }).click();
  await expect(other.getByText("There is no receipt in this")).toBeVisible();
});

test("an audit file that is none, or was cut, is named and nothing passes", async ({ world }) => {
  const relay = await world.relay();
  const page = await (await world.profile()).newPage();
  await page.goto(`${relay.url}/verify`);
  const file = join(world.folder, "file.blockvote");
  for (const [bytes, words] of [
    ["hello, this is something else", "not a Blockvote audit file"],
    ["blockvote chain\n\x03\x00", "cut off"],
    ["blockvote chain\n\x02\x00", "format version 2; this build reads version 3"],
    ["", "cut off"],
    ["blockvote chain\n\x09\x00", "format version 9"],
  ]) {
    writeFileSync(file, bytes, "latin1");
    await page.getByLabel("Choose an audit file").setInputFiles(file);
    const verdict = page.getByTestId("verdict");
    await expect(verdict).toContainText(words);
    await expect(verdict).toHaveAttribute("data-passed", "false");
    await expect(page.getByText("PASS", { exact: true })).toHaveCount(0);
  }
  // Dropped instead of chosen.
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(["blockvote chain\n\x09\x00"], "dropped.blockvote"));
    document.querySelector("[data-testid=drop]").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
  });
  await expect(page.getByRole("heading", { name: "dropped.blockvote" })).toBeVisible();
  await go(page, "Home");
  await expect(page.getByRole("heading", { name: "Votes that everybody can check" })).toBeVisible();
});
