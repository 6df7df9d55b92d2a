// A whole election with a voter roll, held in real browsers as people would.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Peer, asParent, keyOfCode, mine, vote } from "../blockvote.mjs";
import { ahead, breakOff, closeEarlier, expect, kept, seal, test, until } from "../world.mjs";

const BIN = process.env.BLOCKVOTE_BIN ?? join(import.meta.dirname, "../../target/debug");
const blockvote = (...args) => {
  try {
    return { code: 0, out: execFileSync(join(BIN, "blockvote"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }) };
  } catch (error) {
    return { code: error.status, out: error.stdout + error.stderr };
  }
};

/** Walks through the wizard; `voters` fills in the fourth step. */
async function create(page, relay, { title, choices, voters, passphrase }) {
  await page.goto(`${relay.url}/create`);
  await page.getByLabel("Question").fill(title);
  await page.getByTestId("next").click();
  for (const [index, choice] of choices.entries()) {
    if (index >= 2) await page.getByTestId("add-choice").click();
    await page.getByLabel(`Choice ${index + 1}`, { exact: true }).fill(choice);
  }
  await page.getByTestId("next").click();
  await expect(page.getByText("Times are in your time zone")).toBeVisible();
  await page.getByTestId("next").click();
  await voters(page);
  await page.getByTestId("next").click();
  await expect(page.getByText("No keeper answers")).toBeVisible();
  await page.getByTestId("next").click();
  await expect(page.getByTestId("preview")).toContainText(title);
  if (passphrase) {
    await page.getByLabel(/^Protect your organiser/).fill(passphrase);
    await page.getByLabel("The passphrase again").fill(passphrase);
  }
  await page.getByTestId("next").click();
  await expect(page.getByTestId("organise-state")).toContainText("Open until you close it");
  return page.getByTestId("link").innerText();
}

test("a locked organiser's file asks for its passphrase, and nothing happens without it", async ({ world }) => {
  const relay = await world.relay();
  const page = await (await world.profile()).newPage();
  page.on("dialog", (dialog) => dialog.accept());
  await create(page, relay, {
    title: "Lunch?", choices: ["Soup", "Bread"], passphrase: "correct horse",
    voters: (wizard) => wizard.getByLabel("Number of codes").fill("3"),
  });
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).toContain("blockvote-locked:1:");
  await page.getByLabel("Passphrase of your organiser's file").fill("wrong horse");
  await page.getByTestId("close-button").click();
  await expect(page.getByTestId("told")).toContainText("passphrase does not fit");
  await expect(page.getByTestId("organise-state")).toContainText("Open until you close it");
  await page.getByLabel("Passphrase of your organiser's file").fill("correct horse");
  await page.getByTestId("close-button").click();
  await expect(page.getByTestId("told")).toContainText("The election is closed");
});

test("two seals that differ make the result contested, for the tab and the file", async ({ world }) => {
  const relay = await world.relay();
  const at = (name) => join(world.folder, name);
  const ran = (...args) => expect(blockvote(...args)).toMatchObject({ code: 0 });
  ran("election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread", "--codes", "2", "--organiser", at("o.json"));
  ran("election", "publish", "--organiser", at("o.json"), "--out", at("e.blockvote"));
  const codes = JSON.parse(blockvote("election", "codes", "--organiser", at("o.json"), "--json").out);
  const node = await world.node(relay, { args: ["--mine", "--election", at("e.blockvote")] });
  const apart = await world.node(null, { args: ["--mine", "--election", at("e.blockvote")] });
  const seals = [];
  for (const [which, choice] of [[node, "Soup"], [apart, "Bread"]]) {
    ran("vote", "--node", which.url, "--election", at("e.blockvote"), "--code", codes[0].code, "--selection", choice);
    await expect.poll(async () => (await which.json("/api/v1/status")).pending).toBe(0);
    await closeEarlier(which, at("o.json"));
    ran("election", "seal", "--organiser", at("o.json"), "--node", which.url);
    seals.push(readFileSync(at("o.seal"), "utf8").trim());
    rmSync(at("o.seal")); // an organiser who means it
  }
  const page = await (await world.profile()).newPage();
  await page.goto(`${relay.url}/e/${node.election}/results`);
  await expect(page.getByTestId("seal")).toContainText("sealed by the organiser at block 2");
  expect(await node.json("/api/v1/evidence", { statement: seals[1] })).toEqual({ seal: "contested" });
  await expect(page.getByTestId("seal")).toContainText("Contested: the organiser signed two seals that differ");
  ran("election", "export", "--node", node.url, "--out", at("contested.blockvote"));
  expect(blockvote("verify", at("contested.blockvote"))).toMatchObject({ code: 1, out: expect.stringContaining("contested") });
  await page.goto(`${relay.url}/`);
  await expect(page.getByTestId("known").first()).toHaveAttribute("data-state", "contested");
});

test("nothing can be sealed while the node begins anew: what is sealed is what is seen", async ({ world }) => {
  const relay = await world.relay();
  const at = (name) => join(world.folder, name);
  const ran = (...args) => expect(blockvote(...args)).toMatchObject({ code: 0 });
  ran("election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread", "--codes", "2", "--closes-in", "10", "--organiser", at("o.json"));
  ran("election", "publish", "--organiser", at("o.json"), "--out", at("e.blockvote"));
  const node = await world.node(relay, { args: ["--mine", "--election", at("e.blockvote")] });
  const page = await (await world.profile()).newPage();
  page.on("dialog", (dialog) => dialog.accept());
  await page.clock.install();
  await page.goto(`${relay.url}/e/${node.election}/organise`);
  await page.getByLabel("Open the organiser's file").setInputFiles(at("o.json"));
  await expect(page.getByTestId("close-button")).toBeVisible();
  await page.clock.fastForward("13:00");
  await page.getByTestId("to-seal").click();
  await expect(page.getByTestId("seal-button")).toBeVisible();
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
  await breakOff(page);
  await expect(page.getByText("broke off and is started again")).toBeVisible();
  await expect(page.getByTestId("seal-state")).toHaveText("This page is starting.");
  await expect(page.getByTestId("seal-button")).toHaveCount(0);
  await page.clock.resume();
  await expect(page.getByTestId("seal-button")).toBeVisible();
  expect((await node.json("/api/v1/status")).seal).toBe("unsealed");
});

test("a better branch of a client written from the documents comes as short ids, and only what is lacking is sent", async ({ world }) => {
  const relay = await world.relay();
  const at = (name) => join(world.folder, name);
  const ran = (...args) => expect(blockvote(...args)).toMatchObject({ code: 0 });
  ran("election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread", "--codes", "4",
    "--starting-difficulty", "65536", "--organiser", at("o.json"));
  ran("election", "publish", "--organiser", at("o.json"), "--out", at("e.blockvote"));
  const codes = JSON.parse(blockvote("election", "codes", "--organiser", at("o.json"), "--json").out);
  const node = await world.node(relay, { args: ["--election", at("e.blockvote")] });
  const room = Buffer.from(node.election, "hex");
  const keys = codes.map(({ code }) => keyOfCode(code)).sort((a, b) => Buffer.compare(a.public, b.public));
  const votes = keys.map((key, index) => vote(room, index + 1, 0, { key }));
  const [genesis] = await node.json("/api/v1/blocks?from=1");
  const here = await Peer.join(relay, room);
  here.announce(mine(genesis, votes.slice(0, 3)));
  await until(node, "/api/v1/status", (status) => status.votes === 3);
  const { from: name } = await here.next(5);

  const first = mine(genesis, votes.slice(0, 2));
  const branch = [first, mine(asParent(first), votes.slice(2))];
  const rival = await Peer.join(relay, room);
  rival.claim(name, branch);
  await until(node, "/api/v1/status", (status) => status.height === 3 && status.votes === 4);
  const asked = rival.heard.map(({ number }) => number);
  expect(asked).toContain(24);
  // All of one block was here, and one vote of the other.
  expect(asked.filter((number) => number === 18)).toHaveLength(1);
  expect(asked).not.toContain(5);
  here.leave();
  rival.leave();
});

async function codesOf(page) {
  await page.getByRole("link", { name: "Codes and slips to print" }).click();
  await expect(page.locator(".slip-code").first()).toBeVisible();
  const codes = await page.locator(".slip-code").allInnerTexts();
  await page.goBack();
  await expect(page.getByTestId("status")).toContainText(/block/);
  return codes;
}

const receipt = (page) => page.getByTestId("receipt").first();

async function mined(page) {
  await expect(receipt(page)).toHaveAttribute("data-state", "mined");
}

test("an election with five codes, from the wizard to the sealed result that anyone verifies", async ({ world }) => {
  test.setTimeout(240_000);
  const relay = await world.relay();
  const desk = await world.profile();
  const organiser = await desk.newPage();
  organiser.on("dialog", (dialog) => dialog.accept());
  const link = await create(organiser, relay, {
    title: "Should the club buy the workshop?",
    choices: ["Yes", "No", "Later"],
    voters: async (page) => {
      await page.getByLabel("Number of codes").fill("5");
      await page.getByLabel(/Voters can change their vote/).check({ force: true });
    },
  });
  const codes = await codesOf(organiser);
  expect(new Set(codes).size).toBe(5);

  // The first voter opens the link with the code, on a phone.
  const phone = await (await world.profile({ viewport: { width: 375, height: 760 } })).newPage();
  await phone.goto(`${link}#code=${codes[0]}`);
  await expect(phone.getByTestId("code-hint")).toContainText("Valid code");
  expect(new URL(phone.url()).hash, "the code does not stay in the address").toBe("");
  await phone.getByText("Yes", { exact: true }).click();
  await expect(phone.getByTestId("listed-as")).toContainText("You vote as number");
  await phone.getByTestId("cast").click();
  await mined(phone);

  // The second types the code, by keyboard alone; a typo is named.
  const keys = await (await world.profile()).newPage();
  await keys.goto(link);
  await expect(keys.getByTestId("cast")).toBeVisible();
  const tabTo = async (name) => {
    for (let presses = 0; presses < 30; presses += 1) {
      await keys.keyboard.press("Tab");
      const found = await keys.evaluate(() => document.activeElement?.id || document.activeElement?.dataset?.testid);
      if (found === name) return;
    }
    throw new Error(`${name} cannot be reached with the tab key`);
  };
  await tabTo("choice-0");
  await keys.keyboard.press("Space");
  await keys.keyboard.press("ArrowDown");
  await tabTo("code");
  const wrong = codes[1].slice(0, -1) + (codes[1].endsWith("A") ? "B" : "A");
  await keys.keyboard.type(wrong);
  await expect(keys.getByTestId("code-hint")).toContainText("typo in the code, probably in group 7");
  await keys.keyboard.press("Backspace");
  await keys.keyboard.type(codes[1].at(-1).toLowerCase());
  await expect(keys.getByTestId("code-hint")).toContainText("Valid code");
  await tabTo("cast");
  await keys.keyboard.press("Enter");
  await mined(keys);
  await expect(receipt(keys)).toContainText("You voted “No”");

  // The third votes, and changes its mind.
  const third = await (await world.profile()).newPage();
  await third.goto(`${link}#code=${codes[2]}`);
  await third.getByText("No", { exact: true }).click();
  await third.getByTestId("cast").click();
  await mined(third);
  await third.getByRole("button", { name: /Change my vote/ }).click();
  await expect(third.getByLabel("Your voting code")).toHaveValue(codes[2]);
  await expect(third.getByTestId("code-hint")).toContainText("You voted already: “No”. Voting again replaces it.");
  await third.getByText("Later", { exact: true }).click();
  await third.getByTestId("cast").click();
  await mined(third);
  await expect(third.getByText("replaced by a later vote of yours")).toBeVisible();

  // A stolen code, used by two who cannot hear each other.
  await expect(organiser.getByTestId("organise-turnout")).toContainText("3 of 5 voters voted. All votes received are recorded");
  const port = relay.address.split(":")[1];
  const thief = await (await world.profile()).newPage();
  const owner = await (await world.profile()).newPage();
  for (const page of [thief, owner]) {
    await page.goto(`${link}#code=${codes[3]}`);
    await expect(page.getByTestId("status")).toContainText("all 4 votes verified here");
    await expect(page.getByTestId("code-hint")).toContainText("Valid code");
    await kept(page);
  }
  await relay.kill();
  for (const [page, choice] of [[thief, "No"], [owner, "Yes"]]) {
    await expect(page.getByTestId("status")).toContainText("not connected");
    await page.getByText(choice, { exact: true }).click();
    await page.getByTestId("cast").click();
    await mined(page);
  }
  await world.relay(port);
  for (const page of [thief, owner, organiser]) {
    await expect(page.getByTestId("status")).toContainText(/connected, [1-9]/);
  }
  for (const page of [thief, owner]) {
    await expect(page.getByTestId("double")).toContainText("Two different ballots were signed with this code");
  }
  await expect(organiser.getByTestId("double-votes")).toContainText("1 voter signed two different ballots");

  // Closing and sealing.
  await expect(organiser.getByTestId("organise-turnout")).toContainText("4 of 5 voters voted. All votes received are recorded");
  await organiser.getByTestId("close-button").click();
  await expect(organiser.getByTestId("told")).toContainText("The election is closed");
  await expect(keys.getByTestId("hours")).toContainText("closed");
  await expect(keys.getByRole("button", { name: /Change my vote/ })).toHaveCount(0);
  await organiser.getByTestId("to-seal").click();
  await expect(organiser.getByTestId("seal-state")).toContainText("can be sealed from");
  await ahead(organiser, 125_000);
  await expect(organiser.getByTestId("seal-voters")).toHaveText("4");
  await seal(organiser);
  await expect(organiser.getByTestId("seal-state")).toContainText("Sealed: the votes up to block");
  await expect(organiser.getByTestId("handed-out")).toContainText("connections say that they have the sealed result");
  await organiser.getByRole("link", { name: "Back to organising" }).click();
  await expect(organiser.getByTestId("organise-state")).toContainText("Sealed at block");
  for (const page of [phone, keys, third]) {
    await page.goto(`${link.replace(/vote$/, "results")}`);
    await expect(page.getByTestId("seal")).toContainText("sealed by the organiser");
    await expect(page.getByTestId("turnout")).toContainText("80.0 %: 4 of 5 voters voted");
    await expect(page.getByTestId("double-votes")).toBeVisible();
  }
  const counts = await phone.getByTestId("bars").innerText();

  // The audit file, in a fresh profile without network, and at the command line.
  const downloading = organiser.waitForEvent("download");
  await organiser.getByRole("button", { name: "Download the audit file" }).click();
  const file = join(world.folder, "result.blockvote");
  await (await downloading).saveAs(file);
  const report = JSON.parse(blockvote("verify", file, "--json").out);
  expect(report).toMatchObject({ passed: true, votes: 5, double_votes: [expect.any(Number)] });
  expect(report.tally.ballots).toBe(4);
  for (const [choice, count] of Object.entries(report.tally.selections)) {
    expect(counts).toMatch(new RegExp(`${choice}\\s+${count}`));
  }
  const auditor = await world.profile();
  const fresh = await auditor.newPage();
  await fresh.goto(`${relay.url}/verify`);
  await kept(fresh);
  await auditor.setOffline(true);
  await fresh.reload();
  await fresh.getByLabel("Choose an audit file").setInputFiles(file);
  const verdict = fresh.getByTestId("verdict");
  await expect(verdict).toHaveAttribute("data-passed", "true");
  await expect(verdict).toContainText(report.verdict.replace(/\.$/, ""));
  await expect(fresh.getByLabel("Figures to compare").locator(`[title="${report.tip}"]`)).toBeVisible();
  for (const line of report.lines) {
    const word = { pass: "PASS", skipped: "SKIPPED" }[line.outcome];
    const row = fresh.getByTestId("checks").locator("li", { hasText: line.check });
    await expect(row).toContainText(word);
    await expect(row).toContainText(line.detail);
  }

  // Any byte flipped is found: sampled across the file.
  const good = readFileSync(file);
  const broken = join(world.folder, "broken.blockvote");
  for (let sample = 0; sample < 40; sample += 1) {
    const bytes = Buffer.from(good);
    const at = Math.floor((sample * (good.length - 1)) / 39);
    bytes[at] ^= 1 << sample % 8;
    writeFileSync(broken, bytes);
    expect(blockvote("verify", broken).code, `byte ${at}`).toBe(1);
    if (sample % 8 === 0) {
      await fresh.getByLabel("Choose an audit file").setInputFiles(broken);
      await expect(fresh.getByRole("heading", { name: "broken.blockvote" })).toBeVisible();
      await expect(verdict).toHaveAttribute("data-passed", "false");
    }
  }
});
