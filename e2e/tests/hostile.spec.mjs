import { execFileSync } from "node:child_process";
import { join } from "node:path";
import {
  Peer, acknowledged, acknowledgement, closing, closingList, getElection, key, keyOfCode, keyText, mine,
  present, readElection, readGetAcknowledged, vote,
} from "../blockvote.mjs";
import { BIN, CLUB, castAndMine, closeEarlier, expect, go, open, test, until } from "../world.mjs";

const blockvote = (...args) => execFileSync(join(BIN, "blockvote"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

/** A published election with keepers whose keys the test has. */
function kept(world, keepers, ...args) {
  const at = (name) => join(world.folder, name);
  const named = Object.entries(keepers).flatMap(([name, key]) => ["--keeper", `${keyText(key.public)}:${name}`]);
  blockvote("election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread", "--codes", "1",
    "--starting-difficulty", "65536", ...named, ...args, "--organiser", at("o.json"));
  const { id } = JSON.parse(blockvote("election", "publish", "--organiser", at("o.json"), "--out", at("e.blockvote"), "--json"));
  const [{ code }] = JSON.parse(blockvote("election", "codes", "--organiser", at("o.json"), "--json"));
  return { id, room: Buffer.from(id, "hex"), code, organiser: at("o.json"), node: { args: ["--election", at("e.blockvote")] } };
}

/** Whether a node answers a peer, or does not hear it any more: it answers another one after it. */
async function answers(node, peer, other) {
  peer.send(node, getElection);
  await peer.flush();
  await other.ask(node, getElection, 2);
  await peer.flush();
  const answered = peer.heard.some(({ number }) => number === 2);
  peer.heard = peer.heard.filter(({ number }) => number !== 2);
  return answered;
}

test("a hostile peer is refused, whatever it serves, and nothing changes", async ({ world }) => {
  const relay = await world.relay();
  const node = await world.node(relay, { election: CLUB });
  const room = Buffer.from(node.election, "hex");
  const page = await open(await world.profile(), relay, node.election);
  await castAndMine(page, 1, "Yes");
  await until(node, "/view_vote", (tally) => tally.Yes === 1);
  const tip = (await node.json("/api/v1/blocks?from=2"))[0];
  await go(page, "Network");

  const cases = [
    ["a wrong proof", "no valid proof of work", (peer) =>
      peer.announce(mine(tip, [vote(room, 2, 1)], { proof: false }))],
    ["a forged block: other votes than the proof covers", "other votes than its header", (peer) =>
      peer.announce(mine(tip, [vote(room, 2, 1)], { after: (b) => { b.votes = [vote(room, 3, 1)]; } }))],
    ["a double vote in a block", "the token 1 already voted in block 2", (peer) =>
      peer.announce(mine(tip, [vote(room, 1, 1)]))],
    ["counts that are not those of the votes", "other numbers of voters and votes", (peer) =>
      peer.announce(mine(tip, [vote(room, 2, 1)], { before: (h) => { h.voters += 1; h.votes += 1; } }))],
    ["a time before its parent's", "before its parent", (peer) =>
      peer.announce(mine(tip, [vote(room, 2, 1)], { before: (h) => { h.timestamp = tip.timestamp_ms - 1; } }))],
    ["an easier difficulty than the rule's", "the rule demands", (peer) =>
      peer.announce(mine(tip, [vote(room, 2, 1)], { before: (h) => { h.easing = 0n; h.difficulty = 65_536n; } }))],
    ["a token that does not exist", "does not exist here", (peer) =>
      peer.announce(mine(tip, [vote(room, 501, 1)]))],
    ["a vote of another election", "is for election", (peer) =>
      peer.votes([vote(Buffer.alloc(32, 9), 2, 1)])],
    ["garbage", "no message", (peer) => peer.broadcast(Buffer.from("this is no message of ours"))],
  ];
  for (const [index, [name, reason, attack]] of cases.entries()) {
    const peer = await Peer.join(relay, room);
    attack(peer);
    await expect(page.getByTestId("rejected"), name).toContainText(`${index + 1}, the last`);
    await expect(page.getByTestId("rejected"), name).toContainText(reason);
    peer.leave();
  }
  expect((await node.json("/api/v1/status")).tip).toBe(tip.hash);
  await expect(page.getByLabel("Relays").locator(".hash[title]")).toHaveAttribute("title", tip.hash);
  await go(page, "Results");
  await expect(page.getByTestId("counted")).toContainText("from 1 vote in 2 blocks");

  // The same client, honest: its block is taken, so the others were refused for what they were.
  const honest = await Peer.join(relay, room);
  honest.announce(mine(tip, [vote(room, 2, 1)]));
  await expect(page.getByTestId("counted")).toContainText("from 2 votes in 3 blocks");
  await until(node, "/view_vote", (tally) => tally.No === 1);
  honest.leave();
});

test("with a voter roll a hostile peer can neither vote for others nor close nor seal", async ({ world }) => {
  const relay = await world.relay();
  const at = (name) => join(world.folder, name);
  blockvote("election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread", "--codes", "3", "--starting-difficulty", "65536", "--organiser", at("o.json"));
  blockvote("election", "publish", "--organiser", at("o.json"), "--out", at("e.blockvote"));
  const codes = JSON.parse(blockvote("election", "codes", "--organiser", at("o.json"), "--json"));
  const node = await world.node(relay, { args: ["--election", at("e.blockvote")] });
  const room = Buffer.from(node.election, "hex");
  const voters = codes.map(({ code }) => keyOfCode(code));
  const tokenOf = async (voter) => (await node.json(`/api/v1/roll/${voter.public.toString("hex")}`)).token_id;
  const tokens = await Promise.all(voters.map(tokenOf));
  const page = await open(await world.profile(), relay, node.election, "network");
  await expect(page.getByTestId("status")).toContainText(/connected, [1-9]/);
  const stranger = key(Buffer.alloc(32, 7));
  const good = vote(room, tokens[0], 0, { key: voters[0] });
  const changed = Buffer.from(good.bytes);
  changed[32 + 8 + 1 + 5] = 1; // the other choice under the same signature
  const genesis = (await node.json("/api/v1/blocks?from=1"))[0];
  const cases = [
    ["a vote signed by another voter", "the signature is not one of token", (peer) =>
      peer.votes([vote(room, tokens[0], 0, { key: voters[1] })])],
    ["another ballot under a signature", "the signature is not one of token", (peer) =>
      peer.votes([{ id: good.id, bytes: changed }])],
    ["a vote without a signature", "must be signed by its voter", (peer) =>
      peer.votes([vote(room, tokens[0], 0)])],
    ["a token outside the roll", "tokens go from 1 to 3", (peer) =>
      peer.votes([vote(room, 4, 0, { key: voters[0] })])],
    ["a changed vote where the first counts", "sequence number 1", (peer) =>
      peer.votes([vote(room, tokens[0], 0, { key: voters[0], sequence: 1 })])],
    ["a mined vote that its voter did not sign", "the signature is not one of token", (peer) =>
      peer.announce(mine(genesis, [vote(room, tokens[0], 1, { key: stranger })]))],
    ["a closing by a stranger", "closing is not signed by the organiser", (peer) =>
      peer.evidence([closing(room, 1, stranger)])],
    ["a closing of another election", "the closing is for election", (peer) =>
      peer.evidence([closing(Buffer.alloc(32, 9), 1, stranger)])],
  ];
  for (const [index, [name, reason, attack]] of cases.entries()) {
    const peer = await Peer.join(relay, room);
    attack(peer);
    await expect(page.getByTestId("rejected"), name).toContainText(`${index + 1}, the last`);
    await expect(page.getByTestId("rejected"), name).toContainText(reason);
    peer.leave();
  }
  expect(await node.json("/api/v1/status")).toMatchObject({ votes: 0, pending: 0, seal: "unsealed", double_votes: 0 });
  // The same client with the voter's own key: its vote is taken, mined by the tab, and counted.
  const honest = await Peer.join(relay, room);
  honest.votes([good]);
  await until(node, "/view_vote", (tally) => tally.Soup === 1);
  honest.leave();
});

test("a receipt names a keeper only for what that keeper signed in time, and not when it contradicts itself", async ({ world }) => {
  const relay = await world.relay();
  const [club, union, stranger] = [1, 2, 7].map((seed) => key(Buffer.alloc(32, seed)));
  const { id: election, room, code, node } = kept(world, { "Club server": club, Union: union }, "--closes-in", "60");
  await world.node(relay, node);
  const page = await open(await world.profile(), relay, election, `vote#code=${code}`);
  // After the tab, which would ask them for the roll and the chain, and wait.
  const here = await Peer.join(relay, room, { keeper: club });
  const honest = await Peer.join(relay, room, { keeper: union });
  await page.getByText("Soup", { exact: true }).click();
  await page.getByTestId("cast").click();
  const { from: tab, message } = await here.next(22);
  const [id] = readGetAcknowledged(message);
  await go(page, "Network");

  const now = Date.now();
  const cases = [
    ["signed by somebody else", "not signed by the keeper that it names",
      acknowledgement(room, id, now, stranger, { name: club.public })],
    ["by a key that the definition does not name", "names no keeper with the key",
      acknowledgement(room, id, now, stranger)],
    ["for another election", "what the keeper signed is for election",
      acknowledgement(Buffer.alloc(32, 9), id, now, club)],
  ];
  for (const [index, [name, reason, forged]] of cases.entries()) {
    const peer = await Peer.join(relay, room);
    expect(await answers(tab, peer, honest), name).toBe(true);
    peer.send(tab, acknowledged([forged]));
    await expect(page.getByTestId("rejected"), name).toContainText(`${index + 1}, the last`);
    await expect(page.getByTestId("rejected"), name).toContainText(reason);
    expect(await answers(tab, peer, honest), name).toBe(false);
    peer.leave();
  }
  // One dated after closing is no offence, and worth nothing.
  const { closes } = readElection((await here.ask(tab, getElection, 2)).message.subarray(1));
  here.send(tab, acknowledged([acknowledgement(room, id, closes, club)]));
  expect(await answers(tab, here, honest)).toBe(true);

  // The same client, honest: only the keeper that signed in time is named.
  const standing = page.getByTestId("receipt").getByTestId("standing");
  honest.send(tab, acknowledged([acknowledgement(room, id, now, union)]));
  await go(page, "Vote");
  await expect(standing).toContainText("Received by Union. Waiting for a second keeper.");
  // Its closing list is signed: a date alone is not enough any more, and the proof is.
  honest.evidence([closingList(room, [id], union)]);
  await expect(standing).toContainText("has yet to show that your vote is on it");
  honest.send(tab, acknowledged([acknowledgement(room, id, now, union, { ids: [id] })]));
  await expect(standing).toContainText("Received by Union.");
  // A second closing list: its word counts for nothing.
  honest.evidence([closingList(room, [Buffer.alloc(32, 9)], union)]);
  await expect(standing).not.toContainText("Received by");
  here.leave();
  honest.leave();
});

test("a vote that comes after closing is kept apart until a keeper shows that it had it in time", async ({ world }) => {
  const relay = await world.relay();
  const club = key(Buffer.alloc(32, 1));
  const { id: election, room, code, node: options, organiser } = kept(world, { "Club server": club });
  const node = await world.node(relay, options);
  const page = await (await world.profile()).newPage();
  await page.goto(`${relay.url}/e/${election}/organise`);
  await page.getByLabel("Open the organiser's file").setInputFiles(organiser);
  const keeper = await Peer.join(relay, room, { keeper: club });
  const closed = Date.now() - 121_000;
  await closeEarlier(node, organiser);
  await page.getByTestId("to-seal").click();
  await expect(page.getByTestId("missing")).toContainText("No closing list of Club server is here yet");

  const late = vote(room, 1, 1, { key: keyOfCode(code) });
  keeper.votes([late]);
  // Node and tab ask the keeper about it.
  const asked = [];
  while (asked.length < 2) {
    const { from, message } = await keeper.next(22);
    if (readGetAcknowledged(message)[0]?.equals(late.id) && !asked.some((known) => known.equals(from))) asked.push(from);
  }
  const answer = (at) => asked.forEach((from) => keeper.send(from, acknowledged([acknowledgement(room, late.id, at, club)])));
  await expect(page.getByTestId("reached")).toContainText("1 vote: not counted unless a keeper shows that it had it in time");
  expect(await node.json("/api/v1/status")).toMatchObject({ pending: 0, late: 1 });
  answer(closed - 1);
  await until(node, "/api/v1/status", ({ late }) => late === 0);
  await expect(page.getByTestId("reached")).not.toContainText("Came after closing");
  await expect(page.getByTestId("seal-voters")).toHaveText("1");
  await until(node, "/api/v1/status", ({ votes }) => votes === 1);
  keeper.leave();
});

test("who pretends to be a keeper is not handed the vote, and soon not heard", async ({ world }) => {
  const relay = await world.relay();
  const [club, stranger] = [1, 7].map((seed) => key(Buffer.alloc(32, seed)));
  const { room, code, node: options } = kept(world, { "Club server": club });
  const honest = await Peer.join(relay, room, { keeper: club });
  const before = await world.node(relay, options);
  const old = (await honest.next(20)).message.subarray(1);
  await before.kill();
  const node = await world.node(relay, options);
  const { from, message } = await honest.next(20);
  const challenge = message.subarray(1);

  const liars = [
    ["an answer to an old challenge", present(room, old, from, club)],
    ["an answer to somebody else", present(room, challenge, honest.name, club)],
    ["an answer for a key that it does not have", present(room, challenge, from, stranger, { name: club.public })],
    ["an answer for a key that the definition does not name", present(room, challenge, from, stranger)],
  ];
  for (const liar of liars) {
    const peer = await Peer.join(relay, room);
    liar.push(peer);
    for (let time = 0; time < 19; time += 1) peer.send(from, liar[1]);
    expect(await answers(from, peer, honest), liar[0]).toBe(true);
  }
  const ballot = vote(room, 1, 0, { key: keyOfCode(code) });
  await node.json("/api/v1/votes", { vote: ballot.bytes.toString("hex") });
  expect(readGetAcknowledged((await honest.next(22)).message)).toEqual([ballot.id]);
  for (const [name, answer, peer] of liars) {
    // Five points each, of which one is forgiven each second: at a hundred it is over.
    for (let time = 0; time < 5; time += 1) peer.send(from, answer);
    expect(await answers(from, peer, honest), name).toBe(false);
    expect(peer.heard.some(({ number }) => number === 22), name).toBe(false);
    peer.leave();
  }

  const acknowledgements = () => node.json(`/api/v1/acknowledgements/${ballot.id.toString("hex")}`);
  const forger = await Peer.join(relay, room);
  forger.send(from, acknowledged([acknowledgement(room, ballot.id, Date.now(), stranger, { name: club.public })]));
  expect(await answers(from, forger, honest)).toBe(false);
  expect(await acknowledgements()).toEqual([]);
  honest.send(from, acknowledged([acknowledgement(room, ballot.id, Date.now(), club)]));
  await expect.poll(async () => (await acknowledgements()).length).toBe(1);
  forger.leave();
  honest.leave();
});
