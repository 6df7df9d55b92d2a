import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Peer, closing, key, keyOfCode, mine, vote } from "../blockvote.mjs";
import { CLUB, castAndMine, expect, go, open, test, until } from "../world.mjs";

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
  const bin = process.env.BLOCKVOTE_BIN ?? join(import.meta.dirname, "../../target/debug");
  const blockvote = (...args) => execFileSync(join(bin, "blockvote"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
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
