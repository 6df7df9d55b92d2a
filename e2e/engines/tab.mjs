// What a journey does in a tab, whatever the browser: selectors are CSS, or XPath where they begin with `//`.
import { expect } from "@playwright/test";

/** So long is waited for what must come. */
export const WAIT_MS = 30_000;

export const testId = (id) => `[data-testid=${id}]`;
export const button = (name) => `//button[normalize-space() = "${name}"]`;

export const isXPath = (selector) => selector.startsWith("//");

/** Tries again until nothing fails: a page may be on its way to another. */
export const eventually = (passes, timeout = WAIT_MS) =>
  expect(passes).toPass({ timeout, intervals: [50, 100, 200] });

/**
 * One tab with a profile of its own, which ends with it; it says yes to every question of the page.
 * An engine brings `goto`, `reload`, `back`, `evaluate`, `click`, `fill`, `choose` and `close`.
 */
export class Tab {
  /** What can be read in the first element of this test id; nothing where there is none. */
  text(id) {
    return this.evaluate((selector) => document.querySelector(selector)?.innerText ?? "", testId(id));
  }

  /** An attribute of the first element of a selector in CSS; null where there is none. */
  attribute(selector, name) {
    return this.evaluate(
      (selector, name) => document.querySelector(selector)?.getAttribute(name) ?? null, selector, name,
    );
  }

  count(selector) {
    return this.evaluate((selector) => document.querySelectorAll(selector).length, selector);
  }

  /** Waits until the element of this test id says so. */
  says(id, words) {
    return eventually(async () => expect(await this.text(id)).toMatch(words));
  }

  /** Waits until an attribute of the first element of a selector is so. */
  has(selector, name, value) {
    return eventually(async () => expect(await this.attribute(selector, name)).toBe(value));
  }

  /** Waits until an element is there. */
  shows(selector, timeout) {
    return eventually(async () => expect(await this.count(selector), selector).toBeGreaterThan(0), timeout);
  }

  /** Waits until no such element is there. */
  lacks(selector) {
    return eventually(async () => expect(await this.count(selector), selector).toBe(0));
  }

  /** Takes an option of a list. */
  async select(selector, value) {
    await this.shows(selector);
    await this.evaluate((selector, value) => {
      const list = document.querySelector(selector);
      list.value = value;
      list.dispatchEvent(new Event("change", { bubbles: true }));
    }, selector, value);
  }

  /** Moves to another screen of the open election as a person does. */
  async go(screen) {
    const link = `nav a[href$="/${screen}"]`;
    // Voters need two screens; the others are in a menu.
    if (!["vote", "results", "organise"].includes(screen)) await this.click(".more > summary");
    await this.click(link);
    await this.shows(`${link}[aria-current=page]`);
  }
}
