// Figures of the tab, in real Chromium. `cargo xtask bench` names the parts as arguments, and the files
// that they need.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { endSlowBrowser, slowBrowser, slowLine } from "./phone.mjs";
import { LAUNCH, World, cast, go, open } from "./world.mjs";

const world = new World();
const percentile = (values, p) =>
  [...values].sort((a, b) => a - b)[Math.floor(((values.length - 1) * p) / 100)];
const say = (words) => console.log(words);
const renderers = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer");
  } catch {
    return false;
  }
});
// Proportional set size: what the operating system counts for this process alone.
const size = (pid) => Number(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8").match(/^Pss:\s+(\d+)/m)[1]) / 1000;
const part = (name) => process.argv.includes(name);

try {
  const dist = join(import.meta.dirname, "../dist");
  const weigh = (wanted) => readdirSync(dist).filter(wanted)
    .reduce((sum, name) => sum + statSync(join(dist, name)).size, 0);
  const small = (name) => name.endsWith(".br");
  say(`page weight, brotli: ${(weigh(small) / 1000).toFixed(0)} kB in all, ` +
    `${(weigh((name) => small(name) && !/miner|verifier|tools|sw\.js/.test(name)) / 1000).toFixed(0)} kB before the first vote`);

  const relay = await world.relay();

  if (part("usable")) { // Time to usable: from the address to a connected ballot paper, cold profile.
    const node = await world.node(relay, { election: { title: "Usable?", choices: ["Yes", "No"], eligibility: { open: {} } } });
    const times = [];
    for (let round = 0; round < 7; round += 1) {
      const context = await world.profile();
      const page = await context.newPage();
      const start = Date.now();
      await page.goto(`${relay.url}/e/${node.election}/vote`);
      await page.getByTestId("cast").waitFor();
      times.push(Date.now() - start);
      await context.close();
    }
    say(`time to usable, cold, localhost: median ${percentile(times, 50)} ms of ${times.length} loads`);
  }

  if (part("phone")) { // A slow line, alone and with a part of a processor: from the address to the vote.
    const node = await world.node(relay, { election: { title: "On the way?", choices: ["Yes", "No"], eligibility: { open: {} } } });
    let token = 0;
    for (const share of [undefined, 0.5, 0.25]) {
      const executablePath = share ? slowBrowser(world.folder, LAUNCH.executablePath, share) : LAUNCH.executablePath;
      if (!executablePath) {
        say("slow phone: this machine does not let processes be slowed down");
        break;
      }
      const [papers, receipts] = [[], []];
      for (let round = 0; round < 5; round += 1) {
        const line = await slowLine(relay.address, { bitsPerSecond: 1_600_000, delayMs: 75 });
        const browser = await chromium.launch({ ...LAUNCH, executablePath });
        const page = await browser.newPage({ viewport: { width: 375, height: 700 } });
        const start = Date.now();
        await page.goto(`http://127.0.0.1:${line.port}/e/${node.election}/vote`);
        await page.getByTestId("cast").waitFor();
        papers.push(Date.now() - start);
        token += 1;
        await cast(page, token, "Yes");
        await page.getByTestId("receipt").waitFor();
        receipts.push(Date.now() - start);
        await browser.close();
        line.close();
      }
      say(`slow line, ${share ? `all of the browser on ${share} of one processor` : "no slower processor"}: ` +
        `median ${percentile(papers, 50)} ms to the ballot paper, ${percentile(receipts, 50)} ms to the receipt, 5 runs`);
    }
    endSlowBrowser();
  }

  if (part("mining")) { // Hash rate of one worker: an election whose blocks take long, and in which a vote waits.
    const election = { title: "Hard", choices: ["Yes"], eligibility: { open: {} },
      parameters: { starting_difficulty: 2 ** 24, spacing_ms: 60_000 }, created: Date.now() };
    const node = await world.node(relay, { election });
    let token = 1000;
    const votes = setInterval(() => node.json("/vote", { token_id: (token += 1), selection: "Yes" }).catch(() => {}), 500);
    const page = await open(await world.profile(), relay, node.election, "network");
    await page.getByLabel("Workers").selectOption("1");
    await go(page, "Vote");
    await cast(page, 1, "Yes");
    await go(page, "Network");
    await page.waitForTimeout(9000);
    const rate = async (workers) => {
      await page.getByLabel("Workers").selectOption(String(workers));
      await page.waitForTimeout(9000);
      return (await page.getByTestId("mining-words").innerText()).match(/[\d.]+ .H\/s/)?.[0];
    };
    say(`hash rate, tab, one worker: ${await rate(1)}, two workers: ${await rate(2)}`);
    const frames = await page.evaluate(() => new Promise((done) => {
      const [begin, counted] = [performance.now(), { frames: 0 }];
      const frame = () => {
        counted.frames += 1;
        if (performance.now() - begin < 3000) requestAnimationFrame(frame);
        else done(counted.frames / 3);
      };
      requestAnimationFrame(frame);
    }));
    say(`frames a second while two workers mine: ${frames.toFixed(0)}`);
    clearInterval(votes);
    await page.close();
    await node.kill();

    // The same header's length, hashed by hash-wasm on a page of its own.
    const plain = await (await world.profile()).newPage();
    await plain.addScriptTag({ path: join(import.meta.dirname, "node_modules/hash-wasm/dist/sha256.umd.min.js") });
    const peer = await plain.evaluate(async () => {
      const [hasher, input] = [await globalThis.hashwasm.createSHA256(), new Uint8Array(119)];
      const run = (count) => {
        for (let nonce = 0; nonce < count; nonce += 1) {
          input[108] = nonce;
          hasher.init().update(input).digest("binary");
        }
      };
      run(100_000);
      const begin = performance.now();
      run(2_000_000);
      return 2_000_000 / (performance.now() - begin) / 1000;
    });
    say(`hash rate, hash-wasm in the same browser: ${peer.toFixed(2)} MH/s`);
    await plain.close();
  }

  if (part("open-votes")) { // Verification in the tab.
    const node = await world.node(relay, { election: { title: "Many", choices: ["A", "B"], eligibility: { open: {} } } });
    const total = 20_000;
    for (let from = 0; from < total; from += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, i) =>
        node.json("/vote", { token_id: from + i, selection: "AB"[i % 2] })));
      await node.json("/store");
    }
    const page = await open(await world.profile(), relay, node.election, "verify");
    await page.getByText("all 20,000 votes verified here").waitFor();
    const rates = [];
    for (let round = 0; round < 5; round += 1) {
      await page.evaluate(() => {
        globalThis.began = performance.now();
        globalThis.took = new Promise((resolve) => {
          const observer = new MutationObserver(() => {
            if (document.querySelector("[data-testid=verdict]")) {
              observer.disconnect();
              resolve(performance.now() - globalThis.began);
            }
          });
          document.querySelector("[data-testid=verify]").click();
          requestAnimationFrame(() => observer.observe(document.body, { subtree: true, childList: true }));
        });
      });
      rates.push(total / (await page.evaluate(() => globalThis.took)) * 1000);
      await page.waitForTimeout(200);
    }
    say(`verified, tab, one worker: median ${Math.round(percentile(rates, 50))} votes/s, page included`);
    await page.close();
    await node.kill();
  }

  if (part("verifier")) { // The verifier workers alone: as many signatures as a page of blocks has, again and again.
    const SIGNATURES = 3072;
    const list = Buffer.alloc(4 + SIGNATURES * 128);
    list.writeUInt32LE(SIGNATURES);
    for (let index = 0; index < SIGNATURES; index += 1) {
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      const id = randomBytes(32);
      const signature = sign(null, Buffer.concat([Buffer.from("blockvote sign\0\0"), id]), privateKey);
      const key = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
      Buffer.concat([key, id, signature]).copy(list, 4 + index * 128);
    }
    const page = await (await world.profile()).newPage();
    await page.goto(relay.url);
    for (const workers of [1, 2]) {
      const took = await page.evaluate(async ({ bytes, workers, rounds }) => {
        const signatures = new Uint8Array(bytes);
        const all = await Promise.all(Array.from({ length: workers }, () => new Promise((resolve) => {
          const worker = new Worker("/worker.js", { name: "verifier-worker" });
          worker.onmessage = () => resolve(worker);
        })));
        const start = performance.now();
        await Promise.all(all.map((worker) => new Promise((resolve, reject) => {
          let left = rounds;
          worker.onmessage = ({ data }) => {
            if (!("Verified" in data) || data.Verified != null) return reject(new Error(JSON.stringify(data)));
            left -= 1;
            if (left === 0) return resolve();
            worker.postMessage(signatures);
          };
          worker.postMessage(signatures);
        })));
        all.forEach((worker) => worker.terminate());
        return performance.now() - start;
      }, { bytes: [...list], workers, rounds: 8 });
      const rate = (SIGNATURES * 8) / (took / 1000);
      say(`signatures of votes verified, ${workers === 1 ? "one verifier worker" : "each of two verifier workers"}: ${Math.round(rate)}/s, ${SIGNATURES} at a time`);
    }
    await page.close();
  }

  if (part("signed-votes")) { // Signed votes in the tab: whole audit files, one vote a block and 500.
    const page = await (await world.profile()).newPage();
    for (const [name, file] of [["one by one", process.env.BLOCKVOTE_SINGLE], ["in batches of up to 500", process.env.BLOCKVOTE_BATCHES]]) {
      const rates = [];
      for (let round = 0; round < 3; round += 1) {
        await page.goto(`${relay.url}/verify`);
        await page.getByTestId("drop").waitFor();
        await page.getByLabel("Choose an audit file").setInputFiles(file);
        const words = await page.locator("[data-testid=verdict][data-passed=true]").innerText({ timeout: 120_000 });
        const votes = Number(words.match(/and (\d+) votes/)[1]);
        const [, took, unit] = words.match(/in ([\d.]+) (ms|s)\./);
        rates.push(votes / (unit === "s" ? Number(took) : Number(took) / 1000));
      }
      say(`signed votes verified, tab, all its workers, ${name}: median ${Math.round(percentile(rates, 50))} votes/s, roll and file included`);
    }
    await page.close();
  }

  if (part("long")) { // A long chain: from peers, from the own store, and its memory.
    const file = process.env.BLOCKVOTE_LONG;
    let node = await world.node(relay, { args: ["--election", file] });
    const { height, votes } = await node.json("/api/v1/status");
    // A browser of its own for each: a process that had another tab before keeps that one's memory.
    const enter = async (words) => {
      const context = await chromium.launchPersistentContext(join(world.folder, "long"), LAUNCH);
      const page = await context.newPage();
      const start = Date.now();
      await page.goto(`${relay.url}/e/${node.election}/network`);
      await page.getByText(words).first().waitFor({ timeout: 120_000 });
      const took = (Date.now() - start) / 1000;
      // Chromium keeps a spare process ready; the tab's own is the biggest.
      await page.waitForTimeout(5000);
      const memory = Math.max(...renderers().map(size)).toFixed(0);
      await context.close();
      return { took, memory };
    };
    const all = `all ${votes.toLocaleString("en")} votes verified here`;
    const joined = await enter(all);
    say(`${votes} signed votes in ${height} blocks, roll included, from a peer: ${joined.took.toFixed(1)} s; memory of the tab's process then ${joined.memory} MB`);
    await node.kill();
    for (let round = 0; round < 3; round += 1) {
      const again = await enter(all);
      say(`the same from the tab's own store: ${again.took.toFixed(1)} s; memory ${again.memory} MB`);
    }
  }

  if (part("hour")) { // Memory of a tab while votes come in and blocks are mined: five a second.
    const minutes = Number(process.env.BLOCKVOTE_MINUTES ?? 60);
    const node = await world.node(relay, { election: { title: "All day?", choices: ["Yes", "No"], eligibility: { open: {} } }, args: ["--mine"] });
    const before = renderers();
    const context = await chromium.launchPersistentContext(join(world.folder, "hour"), LAUNCH);
    const page = await open(context, relay, node.election, "results");
    const tab = renderers().filter((pid) => !before.includes(pid)).sort((one, two) => size(two) - size(one))[0];
    const start = Date.now();
    let votes = 0;
    for (let minute = 0; minute <= minutes; minute += 1) {
      while (Date.now() - start < minute * 60_000) {
        await node.json("/vote", { token_id: votes, selection: ["Yes", "No"][votes % 2] });
        votes += 1;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, start + votes * 200 - Date.now())));
      }
      if (minute % 5 === 0 || minute === 1) {
        const memory = size(tab).toFixed(0);
        const shown = await page.getByTestId("status").innerText();
        say(`after ${minute} minutes and ${votes} votes the tab's process takes ${memory} MB; it says: ${shown.replace(/\s+/g, " ")}`);
      }
    }
    await context.close();
  }

  if (part("seen")) { // Cast in one tab to seen in another.
    const node = await world.node(relay, { election: { title: "Seen?", choices: ["Yes"], eligibility: { open: {} },
      created: Date.now() } });
    const one = await open(await world.profile(), relay, node.election, "network");
    const two = await open(await world.profile(), relay, node.election, "network");
    for (const page of [one, two]) {
      await page.getByTestId("mining").click(); // nobody mines: the way of the vote is measured
    }
    await go(one, "Vote");
    await go(two, "Chain");
    const times = [];
    for (let token = 1; token <= 100; token += 1) {
      await one.getByText("Yes", { exact: true }).click();
      await one.getByLabel("Your number").fill(String(token));
      await one.getByText("not used yet").waitFor();
      const seen = two.evaluate((wanted) => new Promise((resolve) => {
        const look = () => document.querySelector(".waiting")?.textContent.startsWith(wanted);
        if (look()) return resolve(Date.now());
        const observer = new MutationObserver(() => {
          if (look()) { observer.disconnect(); resolve(Date.now()); }
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
      }), token === 1 ? "1 vote is in no block yet" : `${token} votes are in no block yet`);
      const start = await one.evaluate(() => {
        document.querySelector("[data-testid=cast]").click();
        return Date.now();
      });
      times.push((await seen) - start);
      await one.getByRole("button", { name: "Vote with another number" }).click();
    }
    say(`cast to seen in another tab: p50 ${percentile(times, 50)} ms, p99 ${percentile(times, 99)} ms, 100 votes`);
  }
} finally {
  await world.end();
}
