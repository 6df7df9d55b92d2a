// Firefox by way of WebDriver BiDi: Playwright drives only builds of Firefox that are its own.
import puppeteer from "puppeteer-core";
import { Tab, WAIT_MS, isXPath } from "./tab.mjs";

const PROGRAM = process.env.BLOCKVOTE_FIREFOX ?? "/usr/bin/firefox-esr";

export class Firefox extends Tab {
  /** A browser that shows pages as someone wants them who set up the system so. */
  static launch({ colorScheme = "light", reducedMotion } = {}) {
    return puppeteer.launch({
      browser: "firefox",
      executablePath: PROGRAM,
      headless: true,
      extraPrefsFirefox: {
        "ui.systemUsesDarkTheme": Number(colorScheme === "dark"),
        "ui.prefersReducedMotion": Number(reducedMotion === "reduce"),
      },
    });
  }

  /** A tab in a window and a profile of its own: what is hidden would be slowed down. */
  static async open(browser, { viewport = { width: 1280, height: 900 } } = {}) {
    const context = await browser.createBrowserContext();
    const tab = new Firefox();
    tab.page = await context.newPage({ type: "window" });
    tab.page.setDefaultTimeout(WAIT_MS);
    await tab.page.setViewport(viewport);
    tab.page.on("dialog", (dialog) => dialog.accept());
    return tab;
  }

  locator(selector) {
    return this.page.locator(isXPath(selector) ? `::-p-xpath(${selector})` : selector);
  }

  goto(url) {
    return this.page.goto(url);
  }

  reload() {
    return this.page.reload();
  }

  back() {
    return this.page.goBack();
  }

  /** Calls a function in the page, or runs a script there, and waits for what it promises. */
  evaluate(called, ...args) {
    return this.page.evaluate(called, ...args);
  }

  click(selector) {
    return this.locator(selector).click();
  }

  fill(selector, text) {
    return this.locator(selector).fill(text);
  }

  async choose(selector, path) {
    const input = await this.page.waitForSelector(selector);
    await input.uploadFile(path);
  }

  close() {
    return this.page.browserContext().close();
  }
}
