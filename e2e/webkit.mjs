// WebKit by way of WebDriver: Playwright drives only builds of WebKit that are its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "@playwright/test";

const DRIVER = process.env.BLOCKVOTE_WEBKIT_DRIVER ?? "WebKitWebDriver";
/** WebDriver's name for an element's id. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const WAIT_MS = 30_000;

/** The driver does not say which port it took: it is told one. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** One tab of a WebKit, on a screen of its own that nobody sees, with a profile that ends with it. */
export class WebKit {
  constructor() {
    this.programs = [];
  }

  async start() {
    const screen = await this.program("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]);
    const [display] = await once(screen.stdout, "data");
    const port = await freePort();
    const driver = await this.program(DRIVER, [`--port=${port}`], {
      DISPLAY: `:${String(display).trim()}`,
      GDK_BACKEND: "x11",
    });
    driver.stdout.resume();
    await expect(() => fetch(`http://127.0.0.1:${port}/status`)).toPass({ timeout: WAIT_MS });
    this.url = `http://127.0.0.1:${port}/session`;
    const timeouts = { implicit: WAIT_MS, pageLoad: WAIT_MS, script: WAIT_MS };
    const { sessionId } = await this.post("", { capabilities: { alwaysMatch: { timeouts } } });
    this.url += `/${sessionId}`;
  }

  async program(name, args, env) {
    const child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
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

  back() {
    return this.post("/back", {});
  }

  /** Calls a function in the page and waits for what it promises. */
  evaluate(called, ...args) {
    return this.post("/execute/sync", { script: `return (${called})(...arguments)`, args });
  }

  /** Clicks on what XPath finds, once it is there. */
  async click(xpath) {
    const { [ELEMENT]: id } = await this.post("/element", { using: "xpath", value: xpath });
    await this.post(`/element/${id}/click`, {});
  }

  /** Clicks into the field of this label and types. */
  async type(label, text) {
    const field = `//input[@id = //label[. = "${label}"]/@for]`;
    const { [ELEMENT]: id } = await this.post("/element", { using: "xpath", value: field });
    await this.post(`/element/${id}/value`, { text });
  }

  /** What can be read in the element of this test id; nothing where there is none. */
  text(testId) {
    return this.evaluate((id) => document.querySelector(`[data-testid=${id}]`)?.innerText ?? "", testId);
  }

  async close() {
    // The window of a driver that does not answer any more goes with its screen.
    await fetch(this.url, { method: "DELETE", signal: AbortSignal.timeout(5_000) }).catch(() => {});
    for (const child of this.programs) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill();
      await exited;
    }
  }
}
