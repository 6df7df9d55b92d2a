// Real relays, real nodes, real browsers for the tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test as base, chromium, expect } from "@playwright/test";
import { Peer, closing, key } from "./blockvote.mjs";
import { Chromium } from "./engines/chromium.mjs";
import { Firefox } from "./engines/firefox.mjs";
import { WebKit } from "./engines/webkit.mjs";

export const BIN = process.env.BLOCKVOTE_BIN ?? join(import.meta.dirname, "../target/debug");
export const LAUNCH = {
  executablePath: process.env.BLOCKVOTE_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
};

/** The engines that `World.tab` has tabs of. */
export const ENGINES = ["chromium", "firefox", "webkit"];

/** A program that was started, and the address it says it listens on. */
class Program {
  constructor(child, address) {
    this.child = child;
    this.address = address;
  }

  static async start(name, args) {
    const child = spawn(join(BIN, name), args, {
      env: { ...process.env, RUST_LOG: "error" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const found = line.match(/listening on http:\/\/([^\s,]+)/);
      if (found) {
        child.stdout.resume();
        return Object.assign(new Program(child, found[1]), { line });
      }
    }
    throw new Error(`${name} ${args.join(" ")} did not start`);
  }

  get url() {
    return `http://${this.address}`;
  }

  async json(path, body) {
    const init = body && { method: "POST", body: JSON.stringify(body) };
    return (await fetch(this.url + path, init)).json();
  }

  async kill(signal = "SIGKILL") {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill(signal);
    await exited;
  }
}

/** Everything that one test starts; it ends with the test. */
export class World {
  constructor() {
    this.programs = [];
    this.contexts = [];
    this.folder = mkdtempSync(join(tmpdir(), "blockvote-"));
  }

  async relay(port = 0, args = []) {
    const relay = await Program.start("blockvote-relay", ["--listen", `127.0.0.1:${port}`, ...args]);
    this.programs.push(relay);
    return relay;
  }

  async node(relay, { election, args = [] } = {}) {
    const file = election && join(this.folder, "election.json");
    if (file) writeFileSync(file, JSON.stringify(election));
    const node = await Program.start("blockvote", [
      "node", "--memory", "--listen", "127.0.0.1:0",
      ...(relay ? ["--relay", `ws://${relay.address}/ws`] : []),
      ...(file ? ["--election", file] : []),
      ...args,
    ]);
    this.programs.push(node);
    const { id } = await node.json("/api/v1/election");
    node.election = id;
    return node;
  }

  /** A node that holds elections for others, and how organisers name it. */
  async keeper(relay, { name = "Club server", folder = "keeper", args = [] } = {}) {
    const keeper = await Program.start("blockvote", [
      "node", "--keep", name, "--data", join(this.folder, folder), "--listen", "127.0.0.1:0",
      "--relay", `ws://${relay.address}/ws`, ...args,
    ]);
    this.programs.push(keeper);
    keeper.named = keeper.line.split("keeper ")[1];
    return keeper;
  }

  /** A browser profile of its own. */
  async profile(options = {}) {
    this.browser ??= await chromium.launch(LAUNCH);
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(30_000);
    watch(context);
    this.contexts.push(context);
    return context;
  }

  /** A profile in which the browser refuses all storage, as a user can choose. */
  async profileWithoutStorage() {
    const folder = join(this.folder, "profile");
    const { mkdirSync } = await import("node:fs");
    mkdirSync(join(folder, "Default"), { recursive: true });
    const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
    writeFileSync(join(folder, "Default/Preferences"), JSON.stringify(preferences));
    const context = await chromium.launchPersistentContext(folder, LAUNCH);
    watch(context);
    this.contexts.push(context);
    return context;
  }

  /** A profile of a browser on a processor without the instructions that SIMD needs. */
  async profileWithoutSimd() {
    const args = [...LAUNCH.args, "--js-flags=--no-enable-sse4-1"];
    const context = await chromium.launchPersistentContext(join(this.folder, "plain"), { ...LAUNCH, args });
    context.setDefaultTimeout(30_000);
    watch(context);
    this.contexts.push(context);
    return context;
  }

  /** A tab of an engine with a profile of its own; the options are those of a Playwright context. */
  async tab(engine, options = {}) {
    if (engine === "chromium") return Chromium.open(await this.profile(options));
    const tab = await { firefox: Firefox, webkit: WebKit }[engine].open(options);
    this.contexts.push(tab);
    return tab;
  }

  async end() {
    for (const context of this.contexts) await context.close();
    await this.browser?.close();
    for (const program of this.programs) await program.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Errors that a page throws, and breaches of its own policy, fail the test that sees them. */
export const thrown = [];
function watch(context) {
  context.on("weberror", (error) => thrown.push(String(error.error())));
  context.on("console", (message) => {
    if (/Content Security Policy|panicked/.test(message.text())) thrown.push(message.text());
  });
}

export const test = base.extend({
  world: async ({}, use) => {
    const world = new World();
    thrown.length = 0;
    await use(world);
    await world.end();
    expect(thrown).toEqual([]);
  },
});
export { expect };

/** The election of most tests: three choices, tokens 1 to 500. */
export const CLUB = {
  title: "Should the club buy the workshop?",
  description: "Members vote once each with the number on their card.",
  choices: ["Yes", "No", "Blank"],
  eligibility: { open: { highest_token: 500 } },
};

/** Free text, any token. */
export const FREE = { title: "Whom do you choose?", eligibility: { open: {} } };

/** Opens a screen and waits until the tab's node is connected, or at least open. */
export async function open(context, relay, election, screen = "vote", connected = true) {
  const page = await context.newPage();
  await page.goto(`${relay.url}/e/${election}/${screen}`);
  const status = page.getByTestId("status");
  await expect(status).toContainText(connected ? /connected, / : /at block/);
  return page;
}

/** Waits until the browser keeps a copy of the whole page for when the relay is away. */
export async function kept(page) {
  await expect.poll(() => page.evaluate(async () => {
    const cache = await caches.open("blockvote-1");
    const paths = (await cache.keys()).map((request) => new URL(request.url).pathname);
    return paths.includes("/miner-worker_bg.wasm") && paths.some((path) => /^\/page-.*\.wasm$/.test(path));
  })).toBe(true);
}

/** Moves to another screen as a person does. */
export async function go(page, screen) {
  const navigation = page.getByRole("navigation");
  // Voters need two screens; the others are in a menu.
  if (!["Home", "Create", "Vote", "Results", "Organise"].includes(screen)) await navigation.getByText("More").click();
  await navigation.getByRole("link", { name: screen }).click();
}

/** Fills the ballot paper and casts. */
export async function cast(page, token, choice) {
  const text = page.getByLabel("Your answer");
  if (await text.count()) await text.fill(choice);
  else await page.getByText(choice, { exact: true }).click();
  await page.getByLabel("Your number").fill(String(token));
  await page.getByTestId("cast").click();
}

/** Casts and waits for the receipt to say that the vote is in a block. */
export async function castAndMine(page, token, choice) {
  await cast(page, token, choice);
  await expect(page.getByTestId("receipt").first()).toHaveAttribute("data-state", "mined");
}

/** Puts a page and its workers so many milliseconds ahead of the clock. */
export async function ahead(page, ms) {
  const shift = (ms) => {
    const now = Date.now;
    Date.now = () => now() + ms;
  };
  await page.addInitScript(shift, ms);
  await page.reload();
  await expect(page.getByTestId("status")).toContainText("at block");
  for (const worker of page.workers()) await worker.evaluate(shift, ms);
}

/** Seals on the page for it, also where the page does not know whether others have more. */
export async function seal(page) {
  await expect(async () => {
    const anyway = page.locator("#anyway");
    if (await anyway.count()) await anyway.check({ force: true, timeout: 1_000 });
    await page.getByTestId("seal-button").click({ timeout: 1_000 });
    await expect(page.getByTestId("handed-out")).toBeVisible({ timeout: 3_000 });
  }).toPass();
}

/** A closing that the organiser dated back: nobody waits for votes on their way. */
function earlier(id, organiserFile) {
  const { election, secret } = JSON.parse(organiserFile);
  const organiser = key(Buffer.from(secret, "hex"));
  expect(election.organiser).toBe(organiser.public.toString("hex"));
  return closing(Buffer.from(id, "hex"), Date.now() - 121_000, organiser);
}

/** Hands a node such a closing. */
export async function closeEarlier(node, organiserFile) {
  const id = node.election;
  const statement = earlier(id, readFileSync(organiserFile, "utf8"));
  await node.json(`/api/v1/elections/${id}/evidence`, { statement: statement.toString("hex") });
}

/** Tells all peers of such a closing: of several the earliest counts. */
export async function spreadEarlierClosing(relay, id, organiserFile) {
  const peer = await Peer.join(relay, Buffer.from(id, "hex"));
  peer.evidence([earlier(id, organiserFile)]);
  await peer.flush();
  peer.leave();
}

/** Waits until a node's answer is as wanted. */
export async function until(node, path, wanted) {
  await expect.poll(async () => wanted(await node.json(path)), { timeout: 30_000 }).toBe(true);
}

/** What the node worker's panic hook says, and its end. */
export async function breakOff(page) {
  const names = await Promise.all(page.workers().map((worker) => worker.evaluate(() => self.name)));
  await page.workers()[names.indexOf("node-worker")].evaluate(() => {
    setTimeout(() => {
      self.postMessage({ Fatal: "a test" });
      self.close();
    });
  });
}
