// What WebDriver's commands do in a tab, however they reach the browser.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "@playwright/test";
import { Tab, WAIT_MS, eventually, isXPath } from "./tab.mjs";

/** WebDriver's name for an element's id. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** What every session is asked for. */
export const WANTED = {
  timeouts: { implicit: WAIT_MS, pageLoad: WAIT_MS, script: WAIT_MS },
  unhandledPromptBehavior: "accept",
};

/**
 * Whether an element can be clicked on and does not move: a driver aims once, and clicks there. It is
 * brought away from the edges, where others may lie over it.
 */
async function rests(element) {
  if (element.disabled) return false;
  element.scrollIntoView({ block: "center", behavior: "instant" });
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

/** An engine brings `start` and `send`, and ends its session in `leave`. */
export class WebDriver extends Tab {
  constructor() {
    super();
    this.programs = [];
  }

  static async open(options) {
    const tab = new this();
    try {
      await tab.start(options);
    } catch (error) {
      await tab.close();
      throw error;
    }
    return tab;
  }

  async program(name, args, { env, stderr = "inherit" } = {}) {
    const child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", stderr] });
    await once(child, "spawn");
    this.programs.unshift(child);
    return child;
  }

  /** Loads an address as one that is typed. */
  goto(url) {
    return this.send("Navigate", { url });
  }

  reload() {
    return this.send("Refresh");
  }

  back() {
    return this.send("Back");
  }

  /** Calls a function in the page, or runs a script there, and waits for what it promises. */
  evaluate(called, ...args) {
    const script = typeof called === "string" ? called : `return (${called})(...arguments)`;
    return this.send("ExecuteScript", { script, args });
  }

  /** Does something to the element of a selector, once it is there; again where it went meanwhile. */
  with(selector, act) {
    const using = isXPath(selector) ? "xpath" : "css selector";
    return eventually(async () => {
      const element = await this.send("FindElement", { using, value: selector });
      await act(element, element[ELEMENT]);
    });
  }

  click(selector) {
    return this.with(selector, async (element, id) => {
      expect(await this.evaluate(rests, element), selector).toBe(true);
      await this.send("ElementClick", { id });
    });
  }

  /** Types over what is there, as nothing but typing is heard of. */
  fill(selector, text) {
    return this.with(selector, async (element, id) => {
      await this.evaluate((field) => { field.value = ""; }, element);
      await this.send("ElementSendKeys", { id, text });
    });
  }

  choose(selector, file) {
    return this.with(selector, (_, id) => this.send("ElementSendKeys", { id, text: file }));
  }

  async close() {
    // The window of a driver that does not answer any more goes with what it was started in.
    await this.leave().catch(() => {});
    for (const child of this.programs.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill();
      await exited;
    }
  }
}
