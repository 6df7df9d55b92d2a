// Chromium by way of Playwright.
import { Tab } from "./tab.mjs";

export class Chromium extends Tab {
  constructor(page) {
    super();
    this.page = page;
    page.on("dialog", (dialog) => dialog.accept());
  }

  static async open(context) {
    return new Chromium(await context.newPage());
  }

  locator(selector) {
    return this.page.locator(selector).first();
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
    if (typeof called === "string") return this.page.evaluate(called);
    return this.page.evaluate(`(${called})(...${JSON.stringify(args)})`);
  }

  click(selector) {
    return this.locator(selector).click();
  }

  fill(selector, text) {
    return this.locator(selector).fill(text);
  }

  choose(selector, path) {
    return this.locator(selector).setInputFiles(path);
  }

  close() {
    return this.page.context().close();
  }
}
