import { Peer, mine, vote } from "../blockvote.mjs";
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
