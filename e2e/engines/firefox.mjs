// Firefox by way of Marionette, its own protocol for WebDriver's commands. Playwright drives only
// builds of Firefox that are its own. While a session of WebDriver BiDi is on, about one of a hundred
// workers that a worker starts never runs, and the one that starts it waits for ever (Firefox 153).
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { eventually } from "./tab.mjs";
import { WANTED, WebDriver } from "./webdriver.mjs";

const PROGRAM = process.env.BLOCKVOTE_FIREFOX ?? "firefox-esr";

export class Firefox extends WebDriver {
  waiting = new Map();

  async start({ colorScheme = "light", reducedMotion, viewport = { width: 1280, height: 900 } } = {}) {
    this.profile = mkdtempSync(join(tmpdir(), "blockvote-firefox-"));
    const settings = {
      "marionette.port": 0,
      "ui.systemUsesDarkTheme": Number(colorScheme === "dark"),
      "ui.prefersReducedMotion": Number(reducedMotion === "reduce"),
    };
    const lines = Object.entries(settings).map(([name, value]) => `user_pref("${name}", ${value});\n`);
    writeFileSync(join(this.profile, "user.js"), lines.join(""));
    const browser = await this.program(PROGRAM, [
      "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", this.profile,
    ], { stderr: "ignore" });
    browser.stdout.resume();
    let port;
    await eventually(() => {
      port = Number(readFileSync(join(this.profile, "MarionetteActivePort"), "utf8"));
    });
    this.socket = connect(port, "127.0.0.1");
    await once(this.socket, "connect");
    this.hear();
    await this.ask("WebDriver:NewSession", WANTED);
    // Windows are never as narrow as a phone: what is shown in them can be.
    await this.ask("Marionette:SetContext", { value: "chrome" });
    await this.evaluate(({ width, height }) => {
      const { style } = globalThis.gBrowser.selectedBrowser;
      for (const [side, length] of [["width", width], ["height", height]]) {
        style[`min-${side}`] = style[`max-${side}`] = `${length}px`;
      }
    }, viewport);
    await this.ask("Marionette:SetContext", { value: "content" });
  }

  /** Each message is its length in bytes, a colon and JSON: a kind, a number, and what is said. */
  hear() {
    let here = Buffer.alloc(0);
    this.socket.on("data", (piece) => {
      here = Buffer.concat([here, piece]);
      for (;;) {
        const colon = here.indexOf(":");
        const end = colon + 1 + Number(here.subarray(0, Math.max(colon, 0)));
        if (colon < 0 || here.length < end) return;
        const said = JSON.parse(here.subarray(colon + 1, end));
        here = here.subarray(end);
        if (!Array.isArray(said)) continue; // a greeting
        const [, number, error, result] = said;
        const { resolve, reject } = this.waiting.get(number) ?? {};
        this.waiting.delete(number);
        if (error) reject?.(new Error(`${error.error}: ${error.message}`));
        else resolve?.(result);
      }
    });
    this.socket.on("close", () => {
      for (const { reject } of this.waiting.values()) reject(new Error("Firefox ended"));
    });
    this.socket.on("error", () => {});
  }

  ask(command, parameters) {
    return new Promise((resolve, reject) => {
      const number = (this.asked = (this.asked ?? 0) + 1);
      this.waiting.set(number, { resolve, reject });
      const message = Buffer.from(JSON.stringify([0, number, command, parameters]));
      this.socket.write(Buffer.concat([Buffer.from(`${message.length}:`), message]));
    });
  }

  async send(command, parameters = {}) {
    // Where the window's own names are: what a script leaves there stays.
    const answer = await this.ask(`WebDriver:${command}`, { sandbox: null, ...parameters });
    return answer.value;
  }

  /** The command for it goes past service workers, as people do with the shift key. */
  async reload() {
    await this.evaluate(() => {
      globalThis.isLeft = true;
      location.reload();
    });
    await eventually(async () => {
      expect(await this.evaluate(() => globalThis.isLeft ?? document.readyState)).toBe("complete");
    });
  }

  async leave() {
    this.socket?.destroy();
  }

  async close() {
    await super.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
