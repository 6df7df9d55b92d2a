// Keepers, and receipts that say no more than is true, in real browsers.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  Peer, getAcknowledged, getElection, isInTime, isSigned, keyOfCode, mine, readAcknowledged, readClosingLists,
  readElection, rollCall, vote, whoIsPresent,
} from "../blockvote.mjs";
import { BIN, CLUB, ahead, cast, closeEarlier, expect, open, test, until } from "../world.mjs";

const blockvote = (...args) => {
  try {
    return { code: 0, out: execFileSync(join(BIN, "blockvote"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }) };
  } catch (error) {
    return { code: error.status, out: error.stdout + error.stderr };
  }
};
const ran = (...args) => {
  const result = blockvote(...args);
  expect(result).toMatchObject({ code: 0 });
  return result.out;
};
const standing = (page) => page.getByTestId("receipt").first().getByTestId("standing");

/** A relay with a keeper, and an election with codes that the keeper holds. */
async function lunch(world, codes, ...args) {
  const relay = await world.relay();
  const keeper = await world.keeper(relay);
  const at = (name) => join(world.folder, name);
  ran("election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread", "--codes", `${codes}`,
    ...args, "--keeper", keeper.named, "--organiser", at("o.json"));
  const said = ran("election", "publish", "--organiser", at("o.json"), "--out", at("e.blockvote"), "--relay", `ws://${relay.address}/ws`, "--json");
  const { id, address } = JSON.parse(said);
  keeper.election = id;
  const all = JSON.parse(ran("election", "codes", "--organiser", at("o.json"), "--json")).map(({ code }) => code);
  const keys = all.map(keyOfCode).sort((a, b) => Buffer.compare(a.public, b.public));
  return { relay, keeper, at, id, address, codes: all, keys, room: Buffer.from(id, "hex") };
}

test("organiser and voters are never there together: a keeper carries the election to the seal", async ({ world }) => {
  const relay = await world.relay();
  const keeper = await world.keeper(relay, { args: ["--mine"] });
  const desk = await world.profile();
  let organiser = await desk.newPage();
  await organiser.goto(`${relay.url}/create`);
  await organiser.getByLabel("Question").fill("Buy the workshop?");
  for (let step = 0; step < 3; step += 1) await organiser.getByTestId("next").click();
  await organiser.getByLabel("Number of codes").fill("2");
  await organiser.getByTestId("next").click();
  await expect(organiser.getByTestId("keeper")).toContainText("Club server");
  await expect(organiser.getByTestId("keeper").getByRole("checkbox")).toBeChecked();
  await organiser.getByTestId("next").click();
  await organiser.getByTestId("next").click();
  await expect(organiser.getByTestId("keepers")).toContainText("Club server has this election: you may close this page.");
  const link = await organiser.getByTestId("link").innerText();
  const short = await organiser.getByTestId("short-link").innerText();
  expect(short).toMatch(/\/v\/[0-9A-Z]{4}-[0-9A-Z]{4}$/);
  await organiser.getByRole("link", { name: "Codes and slips to print" }).click();
  await expect(organiser.locator(".slip-code").first()).toBeVisible();
  await expect(organiser.locator(".slip").first()).toContainText(short);
  const codes = await organiser.locator(".slip-code").allInnerTexts();
  await organiser.close();

  // The voter comes when nobody else is there, and may go at once.
  const voter = await (await world.profile()).newPage();
  await voter.goto(short);
  await voter.waitForURL(link);
  await voter.getByLabel("Your voting code").fill(codes[0]);
  await voter.getByText("Yes", { exact: true }).click();
  await voter.getByTestId("cast").click();
  await expect(standing(voter)).toContainText(/Received by Club server at .*You may close this page/);
  await voter.close();

  // So does the organiser, and closes.
  organiser = await desk.newPage();
  organiser.on("dialog", (dialog) => dialog.accept());
  await organiser.goto(link.replace(/vote$/, "organise"));
  await expect(organiser.getByTestId("organise-turnout")).toContainText("1 of 2 voters voted. All votes received are recorded");
  await organiser.getByTestId("close-button").click();
  await expect(organiser.getByTestId("told")).toContainText("The election is closed");
  await organiser.getByTestId("to-seal").click();
  await ahead(organiser, 125_000);
  // The keeper's clock is not ahead: its list is not signed yet, and the page says what that means.
  await expect(organiser.getByTestId("missing")).toContainText("No closing list of Club server is here yet");
  await expect(organiser.getByTestId("reached")).toContainText("it had no vote that is not here");
  await organiser.getByTestId("seal-button").click();
  await expect(organiser.getByRole("alert")).toContainText("Say that you want this, or wait.");
  await organiser.getByText("Seal all the same").click();
  await organiser.getByTestId("seal-button").click();
  await expect(organiser.getByTestId("seal-state")).toContainText("Sealed: the votes up to block");
  await expect(organiser.getByTestId("handed-out")).toContainText("Club server says that it has the sealed result: you may close this page");
  const id = link.split("/e/")[1].split("/")[0];
  await expect.poll(async () => (await keeper.json(`/api/v1/elections/${id}/status`)).seal).toBe("sealed");
});

test("the preview of an election names its keepers, and says which of them went", async ({ world }) => {
  const relay = await world.relay();
  const keeper = await world.keeper(relay);
  const page = await (await world.profile()).newPage();
  await page.goto(`${relay.url}/create`);
  await page.getByLabel("Question").fill("Buy the workshop?");
  for (let step = 0; step < 3; step += 1) await page.getByTestId("next").click();
  await page.getByLabel("Number of codes").fill("2");
  await page.getByTestId("next").click();
  await expect(page.getByTestId("keeper").getByRole("checkbox")).toBeChecked();
  await page.getByTestId("next").click();
  await expect(page.getByTestId("kept-by")).toHaveText("Club server will keep it.");
  await keeper.kill();
  await expect(page.getByText("Club server: no answer at the moment.")).toBeVisible({ timeout: 20_000 });
});

test("a voter with nobody else there is told so, comes back, and is counted", async ({ world }) => {
  const relay = await world.relay();
  let node = await world.node(relay, { election: CLUB });
  const profile = await world.profile();
  const page = await open(profile, relay, node.election);
  await node.kill();
  await cast(page, 7, "No");
  await expect(page.getByTestId("receipt")).toHaveAttribute("data-state", "mined");
  await expect(standing(page)).toContainText("Nobody has confirmed your vote yet. Keep this page open.");
  await expect(standing(page)).toHaveClass(/warn/);
  const asked = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    dialog.accept();
  });
  await page.close({ runBeforeUnload: true });
  await expect.poll(() => asked).toEqual(["beforeunload"]);

  // Somebody is there, and the voter comes back.
  node = await world.node(relay, { election: CLUB, args: ["--mine"] });
  expect((await node.json("/api/v1/status")).votes).toBe(0);
  const again = await open(profile, relay, node.election);
  await expect.poll(async () => (await node.json("/api/v1/status")).votes).toBe(1);
  await again.goto(`${relay.url}/e/${node.election}/vote`);
  await expect(again.getByTestId("receipt").getByTestId("standing")).toContainText(/Recorded in block 2, as far as 1 connected computer knows/);
});

test("an acknowledged vote that the organiser leaves out is a complaint that anybody checks", async ({ world }) => {
  const { relay, keeper, at, id, codes: [code] } = await lunch(world, 2);
  const voter = await (await world.profile()).newPage();
  await voter.goto(`${relay.url}/e/${id}/vote#code=${code}`);
  await voter.getByText("Soup", { exact: true }).click();
  await voter.reload();
  await expect(voter.getByLabel("Your voting code")).toHaveValue(code);
  await voter.getByTestId("cast").click();
  await expect(standing(voter)).toContainText("Received by Club server");
  expect(await voter.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(code);
  await closeEarlier(keeper, at("o.json"));
  const evidence = `/api/v1/elections/${id}/evidence`;
  await expect.poll(async () => (await keeper.json(evidence)).closing_lists.length).toBe(1);
  // The organiser seals at a node that nobody else speaks to, and hands that in.
  const apart = await world.node(null, { args: ["--election", at("e.blockvote")] });
  await closeEarlier(apart, at("o.json"));
  ran("election", "seal", "--organiser", at("o.json"), "--node", apart.url, "--without-keepers");
  ran("election", "seal", "--organiser", at("o.json"), "--node", keeper.url);
  await expect(standing(voter)).toContainText(/Not counted, although Club server confirmed it at .*Save the complaint/);
  const downloading = voter.waitForEvent("download");
  await voter.getByTestId("complaint").click();
  await (await downloading).saveAs(at("complaint.json"));
  expect(JSON.parse(readFileSync(at("complaint.json"), "utf8")).acknowledged[0].listed).not.toBeNull();
  ran("export", "--node", keeper.url, "--election", id, "--out", at("result.blockvote"));
  const report = blockvote("verify", at("result.blockvote"), "--complaint", at("complaint.json"));
  expect(report).toMatchObject({ code: 3, out: expect.stringContaining("The complaint holds: Club server acknowledged") });
  // The page says the same.
  const auditor = await (await world.profile()).newPage();
  await auditor.goto(`${relay.url}/verify`);
  await auditor.getByLabel("Add a complaint").setInputFiles(at("complaint.json"));
  await expect(auditor.getByTestId("complaint-chosen")).toContainText("complaint.json");
  await auditor.getByLabel("Choose an audit file").setInputFiles(at("result.blockvote"));
  await expect(auditor.getByTestId("judged")).toHaveAttribute("data-holds", "true");
  const verdict = auditor.getByTestId("verdict");
  await expect(verdict).toContainText("Yet this speaks against the result: closing lists of keepers and a complaint that holds.");
  await expect(verdict.locator(".notice").first()).toHaveClass(/warn/);
  await expect(auditor.getByTestId("checks")).toContainText("that of Club server holds 1 vote, and 0 were sealed");
  // The other way round; and what is no complaint is said, and blocks nothing.
  await auditor.reload();
  await auditor.getByLabel("Choose an audit file").setInputFiles(at("result.blockvote"));
  await expect(verdict).toContainText("Yet this speaks against the result: closing lists of keepers.");
  await auditor.getByLabel("Add a complaint").setInputFiles(at("o.json"));
  await expect(auditor.getByRole("alert")).toContainText("This is not a Blockvote complaint");
  await auditor.getByLabel("Add a complaint").setInputFiles(at("complaint.json"));
  await expect(auditor.getByTestId("judged")).toHaveAttribute("data-holds", "true");
  await expect(auditor.getByTestId("judged")).toContainText("The complaint holds: Club server acknowledged");
});

test("a vote that somebody mined after closing is shown to whoever seals, and can be left out with a reason", async ({ world }) => {
  const { relay, keeper, at, id, keys, room } = await lunch(world, 3, "--starting-difficulty", "65536");
  const api = `/api/v1/elections/${id}`;
  const peer = await Peer.join(relay, room);
  const [one, two, three] = keys.map((key, index) => vote(room, index + 1, index % 2, { key }));
  const mines = async (parent, votes, in_all) => {
    const [tip] = await keeper.json(`${api}/blocks?from=${parent}&count=1`);
    peer.announce(mine(tip, votes));
    await until(keeper, `${api}/status`, (status) => status.votes === in_all);
  };
  await mines(1, [one], 1);
  await mines(2, [two], 2);
  await closeEarlier(keeper, at("o.json"));
  await until(keeper, `${api}/evidence`, ({ closing_lists }) => closing_lists.length === 1);
  // In a block with one that came in time, which everybody follows for it.
  await mines(2, [two, three], 3);

  const page = await (await world.profile()).newPage();
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto(`${relay.url}/e/${id}/organise`);
  await page.getByLabel("Open the organiser's file").setInputFiles(at("o.json"));
  await page.getByTestId("to-seal").click();
  await expect(page.getByTestId("seal-voters")).toHaveText("3");
  await expect(page.getByTestId("unlisted")).toContainText("On no keeper's closing list: 1 vote in the chain.");
  await page.getByTestId("leave-out").click();
  await expect(page.getByTestId("built")).toContainText("Left out of the chain: 1 vote.");
  await expect(page.getByTestId("seal-voters")).toHaveText("2");
  await page.getByRole("button", { name: "Count all votes" }).click();
  await expect(page.getByTestId("seal-voters")).toHaveText("3");
  await page.getByTestId("leave-out").click();
  await expect(page.getByTestId("seal-voters")).toHaveText("2");
  await page.getByTestId("seal-button").click();
  await expect(page.getByRole("alert")).toContainText("The reason is empty");
  await page.getByLabel("Reason for leaving out votes").fill("Mined after closing");
  await page.getByTestId("seal-button").click();
  await expect(page.getByTestId("seal-state")).toContainText("Sealed: the votes up to block 3");
  await until(keeper, `${api}/status`, ({ seal, voters }) => seal === "sealed" && voters === 2);
  await page.goto(`${relay.url}/e/${id}/results`);
  await expect(page.getByTestId("seal")).toContainText("The organiser left out 1 vote: “Mined after closing”");
  ran("export", "--node", keeper.url, "--election", id, "--out", at("result.blockvote"));
  expect(ran("verify", at("result.blockvote"))).toContain("left out, as “Mined after closing”: 1 vote");
  peer.leave();
});

test("a short address leads to the election, and one with a typo says what to do", async ({ world }) => {
  const { relay, address } = await lunch(world, 2);
  const page = await (await world.profile()).newPage();
  await page.goto(`${relay.url}/v/${address.toLowerCase()}`);
  await expect(page.getByRole("heading", { name: "Lunch?" })).toBeVisible();
  const other = address.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  await page.goto(`${relay.url}/v/${other}`);
  await expect(page.getByTestId("short")).toContainText("1 keeper answered, and knows no election with this short address");
  // Typed on the start page, alone or as a link.
  for (const typed of [address.replace("-", " "), `${relay.url}/v/${address}`]) {
    await page.goto(`${relay.url}/`);
    await page.getByLabel("Link you were sent").fill(typed);
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await expect(page.getByRole("heading", { name: "Lunch?" })).toBeVisible();
  }
  await page.goto(`${relay.url}/v/K7QF`);
  await expect(page.getByRole("alert")).toContainText("8 letters and digits");
});

test("what keepers sign is read from the documents alone: the golden vectors", () => {
  const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "../../docs/vectors.json"), "utf8"));
  const bytes = (name) => Buffer.from(vectors[name], "hex");
  const election = readElection(bytes("roll: election"));
  expect(election.id).toEqual(bytes("roll: election id"));
  const challenge = bytes("message roll call").subarray(1);
  expect(rollCall(challenge)).toEqual(bytes("message roll call"));
  expect(whoIsPresent(bytes("message present"), election, challenge, Buffer.from("3412000000000000", "hex"))).toBe(election.keepers[0]);
  const [signed] = readAcknowledged(bytes("message acknowledged"));
  expect(isSigned(signed, election)).toBe(true);
  expect(getAcknowledged([signed.vote])).toEqual(bytes("message get acknowledged"));
  const statements = Buffer.concat([Buffer.from([16, 1, 0, 0, 0]), bytes("roll: closing list")]);
  const [list] = readClosingLists(statements);
  expect(isSigned(list, election)).toBe(true);
  expect(isInTime(signed, election, [list])).toBe(true);
});

test("a client written from the documents has its vote acknowledged, and proves it by the closing list", async ({ world }) => {
  const { relay, keeper, at, keys, room } = await lunch(world, 4);
  const votes = keys.map((key, index) => vote(room, index + 1, index % 2, { key }));

  const voter = await Peer.join(relay, room);
  const challenge = randomBytes(32);
  voter.broadcast(rollCall(challenge));
  const { from, message } = await voter.next(21);
  const election = readElection((await voter.ask(from, getElection, 2)).message.subarray(1));
  expect(election.id).toEqual(room);
  expect(whoIsPresent(message, election, challenge, voter.name)).toMatchObject({ name: "Club server" });
  expect(whoIsPresent(message, election, randomBytes(32), voter.name)).toBeUndefined();
  expect(whoIsPresent(message, election, challenge, from)).toBeUndefined();

  const acknowledged = async (votes) => {
    const ids = votes.map(({ id }) => id);
    return readAcknowledged((await voter.ask(from, getAcknowledged(ids), 23)).message);
  };
  voter.votes(votes.slice(0, 3), from);
  const signed = await acknowledged(votes);
  expect(signed.map(({ vote }) => vote)).toEqual(votes.slice(0, 3).map(({ id }) => id));
  for (const one of signed) {
    expect(isSigned(one, election)).toBe(true);
    expect(isSigned({ ...one, at: one.at + 1 }, election)).toBe(false);
    expect(one.proof).toBeNull();
  }

  await closeEarlier(keeper, at("o.json"));
  let list;
  while (!list) [list] = readClosingLists((await voter.next(16)).message);
  expect(isSigned(list, election)).toBe(true);
  expect(list.votes).toBe(3);
  voter.votes(votes.slice(3), from);
  const proven = await acknowledged(votes);
  expect(proven.map(({ proof, ...one }) => ({ ...one, proof: null }))).toEqual(signed);
  for (const one of proven) {
    expect(isInTime(one, election, [list])).toBe(true);
    expect(isInTime({ ...one, proof: null }, election, [list])).toBe(false);
    const other = proven.find(({ vote }) => !vote.equals(one.vote));
    expect(isInTime({ ...one, proof: other.proof }, election, [list])).toBe(false);
  }
  voter.leave();
});
