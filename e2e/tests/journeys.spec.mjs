// Five short journeys, each in all three engines: what they do stands here once.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, testId } from "../engines/tab.mjs";
import {
  AWAY, CONNECTED, RECEIPT, cast, isMined, next, open, organiserFile, published, receiptLink, seal,
} from "../steps.mjs";
import { BIN, CLUB, ENGINES, expect, spreadEarlierClosing, test, until } from "../world.mjs";

/** What the page says where nothing but its words tells. */
const SAYS = {
  /** The results: how many votes of how many blocks were counted. */
  counted: (votes, blocks) => new RegExp(`${votes} votes? in ${blocks} blocks`),
  /** A bar: the choice and how many chose it. */
  bar: (choice, count) => new RegExp(`${choice}\\s+${count}`),
  /** The organiser's desk: so many voted, and no vote waits. */
  turnout: (voters, of) => new RegExp(`${voters} of ${of} voters voted\\. All votes received are recorded`),
};

/** Waits until the browser keeps a copy of the whole page for when the relay is away. */
const keeps = (tab) => eventually(async () => {
  const paths = await tab.evaluate(async () => {
    const cache = await caches.open("blockvote-1");
    return (await cache.keys()).map((request) => new URL(request.url).pathname);
  });
  expect(paths).toContain("/miner-worker_bg.wasm");
  expect(paths).toContainEqual(expect.stringMatching(/^\/page-.*\.wasm$/));
});

const blockvote = (...args) =>
  execFileSync(join(BIN, "blockvote"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

for (const engine of ENGINES) {
  test(`${engine}: a vote is mined, and its receipt is there when the page is opened again`, async ({ world }) => {
    const relay = await world.relay();
    const node = await world.node(relay, { election: CLUB }); // holds the definition, does not mine
    const tab = await world.tab(engine);
    await open(tab, relay, node.election);
    await cast(tab, 1, 7);
    await isMined(tab);
    await until(node, "/view_vote", (tally) => tally.No === 1);
    await tab.go("results");
    await tab.says("bars", SAYS.bar("No", 1));
    await open(tab, relay, node.election);
    await isMined(tab);
    await tab.says("receipt", CLUB.choices[1]);
    expect(await tab.evaluate(() => document.querySelector("[data-testid=proof]").className)).toContain("good");
  });

  test(`${engine}: a second profile fetches the chain, verifies it and shows the same`, async ({ world }) => {
    const relay = await world.relay();
    const node = await world.node(relay, { election: CLUB });
    const first = await world.tab(engine);
    await open(first, relay, node.election);
    await cast(first, 0, 1);
    await isMined(first);
    const receipt = await receiptLink(first);
    const second = await world.tab(engine);
    await open(second, relay, node.election, "results");
    await second.says("counted", SAYS.counted(1, 2));
    await second.says("bars", SAYS.bar("Yes", 1));
    const { tip: newest } = await node.json("/api/v1/status");
    for (const tab of [first, second]) {
      await tab.go("network");
      await tab.shows(`[title="${newest}"]`);
    }
    await second.go("verify");
    await second.click(testId("verify"));
    await second.has(testId("verdict"), "data-passed", "true");
    await second.goto(receipt);
    await isMined(second);
    await second.says("receipt", CLUB.choices[0]);
  });

  test(`${engine}: a vote is mined while the relay is away, and travels when it is back`, async ({ world }) => {
    const relay = await world.relay();
    const node = await world.node(relay, { election: CLUB });
    const tab = await world.tab(engine);
    await open(tab, relay, node.election);
    await keeps(tab);
    await relay.kill();
    await tab.shows(AWAY);
    await tab.reload();
    await tab.shows(AWAY);
    await cast(tab, 0, 3);
    await isMined(tab);
    expect(await node.json("/view_vote")).toEqual({});
    await world.relay(Number(relay.address.split(":")[1]));
    await tab.shows(CONNECTED);
    await until(node, "/view_vote", (tally) => tally.Yes === 1);
  });

  test(`${engine}: an election is made, voted in, closed and sealed`, async ({ world }) => {
    const relay = await world.relay();
    const desk = await world.tab(engine);
    await desk.goto(`${relay.url}/create`);
    await desk.fill("#draft-title", "Lunch?");
    await next(desk, "#draft-choice-0");
    await desk.fill("#draft-choice-0", "Soup");
    await desk.fill("#draft-choice-1", "Bread");
    await next(desk, "#closes");
    await next(desk, "#count");
    await desk.fill("#count", "2");
    await next(desk, "#keepers");
    await next(desk, testId("preview"));
    await desk.click(testId("next"));
    const election = await published(desk);
    await desk.click(`a[href$="/slips"]`);
    await desk.shows(".slip-code");
    const code = await desk.evaluate(() => document.querySelector(".slip-code").innerText);
    await desk.back();

    const voter = await world.tab(engine);
    await open(voter, relay, election, `vote#code=${code}`);
    expect(await voter.evaluate(() => location.hash), "the code does not stay in the address").toBe("");
    await cast(voter, 1);
    await isMined(voter);

    await desk.says("organise-turnout", SAYS.turnout(1, 2));
    await desk.click(testId("close-button"));
    await desk.shows(testId("to-seal"));
    // Nobody waits for votes that may be on their way.
    await spreadEarlierClosing(relay, election, await organiserFile(desk, election));
    await desk.click(testId("to-seal"));
    await desk.says("seal-voters", /^1$/);
    await seal(desk);
    await voter.go("results");
    await voter.has(testId("seal"), "data-seal", "good");
    await voter.says("bars", SAYS.bar("Bread", 1));
  });

  test(`${engine}: an audit file is verified, and one with a changed byte is not`, async ({ world }) => {
    const relay = await world.relay();
    const node = await world.node(relay, { election: CLUB, args: ["--mine"] });
    for (const token of [1, 2, 3]) await node.json("/vote", { token_id: token, selection: CLUB.choices[token - 1] });
    await until(node, "/api/v1/status", (status) => status.votes === 3);
    const good = join(world.folder, "good.blockvote");
    const changed = join(world.folder, "changed.blockvote");
    blockvote("election", "export", "--node", node.url, "--out", good);
    const bytes = readFileSync(good);
    bytes[bytes.length - 100] ^= 1;
    writeFileSync(changed, bytes);
    const report = JSON.parse(blockvote("verify", good, "--json"));
    const tab = await world.tab(engine);
    await tab.goto(`${relay.url}/verify`);
    await tab.choose("#audit-file", good);
    await tab.has(testId("verdict"), "data-passed", "true");
    await tab.says("verdict", report.verdict.replace(/\.$/, ""));
    await tab.shows(`[title="${report.tip}"]`);
    await tab.choose("#audit-file", changed);
    await tab.has(testId("verdict"), "data-passed", "false");
  });
}
