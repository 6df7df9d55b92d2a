// WebKit by way of WebDriver: Playwright drives only builds of WebKit that are its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "@playwright/test";
import { Tab, WAIT_MS, eventually, isXPath } from "./tab.mjs";

const DRIVER = process.env.BLOCKVOTE_WEBKIT_DRIVER ?? "WebKitWebDriver";
/** WebDriver's name for an element's id. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** The driver does not say which port it took: it is told one. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Whether an element can be clicked on and does not move: the driver aims once, and clicks there. */
async function rests(element) {
  if (element.disabled) return false;
  const place = () => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return `${x} ${y} ${width} ${height}`;
  };
  const frame = () => new Promise(requestAnimationFrame);
  const before = place();
  await frame();
  await frame();
  return element.isConnected && place() === before;
}

export class WebKit extends Tab {
  constructor() {
    super();
    this.programs = [];
  }

  /** A browser on a screen of its own that nobody sees. */
  static async open() {
    const tab = new WebKit();
    try {
      await tab.start();
    } catch (error) {
      await tab.close();
      throw error;
    }
    return tab;
  }

  async start() {
    // It complains of each display that somebody else has, and takes the next.
    const screen = await this.program("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"], {}, "ignore");
    const [display] = await once(screen.stdout, "data");
    const port = await freePort();
    const driver = await this.program(DRIVER, [`--port=${port}`], {
      DISPLAY: `:${String(display).trim()}`,
      GDK_BACKEND: "x11",
    });
    driver.stdout.resume();
    await eventually(() => fetch(`http://127.0.0.1:${port}/status`));
    const sessions = `http://127.0.0.1:${port}/session`;
    this.url = sessions;
    const timeouts = { implicit: WAIT_MS, pageLoad: WAIT_MS, script: WAIT_MS };
    const wanted = { timeouts, unhandledPromptBehavior: "accept" };
    const { sessionId } = await this.post("", { capabilities: { alwaysMatch: wanted } });
    this.url += `/${sessionId}`;
  }

  async program(name, args, env, errors = "inherit") {
    const child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", errors] });
    await once(child, "spawn");
    this.programs.unshift(child);
    return child;
  }

  async post(path, body) {
    const answer = await fetch(this.url + path, { method: "POST", body: JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  }

  /** Loads an address as one that is typed. */
  goto(url) {
    return this.post("/url", { url });
  }

  reload() {
    return this.post("/refresh", {});
  }

  back() {
    return this.post("/back", {});
  }

  /** Calls a function in the page, or runs a script there, and waits for what it promises. */
  evaluate(called, ...args) {
    const script = typeof called === "string" ? called : `return (${called})(...arguments)`;
    return this.post("/execute/sync", { script, args });
  }

  /** The element of a selector, once it is there. */
  async element(selector) {
    const using = isXPath(selector) ? "xpath" : "css selector";
    const found = await this.post("/element", { using, value: selector });
    return { found, path: `/element/${found[ELEMENT]}` };
  }

  async click(selector) {
    let element;
    await eventually(async () => {
      element = await this.element(selector);
      expect(await this.evaluate(rests, element.found), selector).toBe(true);
    });
    await this.post(`${element.path}/click`, {});
  }

  /** Types over what is there, as nothing but typing is heard of. */
  async fill(selector, text) {
    const { found, path } = await this.element(selector);
    await this.evaluate((field) => { field.value = ""; }, found);
    await this.post(`${path}/value`, { text });
  }

  async choose(selector, file) {
    const { path } = await this.element(selector);
    await this.post(`${path}/value`, { text: file });
  }

  async close() {
    // The window of a driver that does not answer any more goes with its screen.
    if (this.url) await fetch(this.url, { method: "DELETE", signal: AbortSignal.timeout(5_000) }).catch(() => {});
    for (const child of this.programs) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill();
      await exited;
    }
  }
}
