// What people do in a tab, for the tests that run in several engines.
import { eventually, testId } from "./engines/tab.mjs";

export const RECEIPT = testId("receipt");
export const CONNECTED = `${testId("status")} .first.good`;
export const AWAY = `${testId("status")} .first.warn`;

/** Opens a screen of an election and waits until its node is connected. */
export async function open(tab, relay, election, screen = "vote") {
  await tab.goto(`${relay.url}/e/${election}/${screen}`);
  await tab.shows(CONNECTED);
}

/** Chooses by place on the paper, types a token if there is one, and casts once the page shows what: that moves the button. */
export async function cast(tab, choice, token) {
  await tab.click(`label[for=choice-${choice}]`);
  if (token) await tab.fill("#token", String(token));
  await tab.shows("form .hint:is(.good, .warn)");
  await tab.click(testId("cast"));
}

/** Waits until the receipt says that the vote is in a block. */
export const isMined = (tab) => tab.has(RECEIPT, "data-state", "mined");

/** The address of the receipt that is shown. */
export const receiptLink = (tab) => tab.attribute(`${RECEIPT} a[href*="/receipt/"]`, "href");

/** From a step of the wizard to the next one, which holds this element. */
export async function next(tab, selector) {
  await tab.click(testId("next"));
  await tab.shows(selector);
}

/** The id of the election that was just published, once its organiser's desk is there. */
export async function published(tab) {
  await tab.shows(testId("link"));
  const link = await tab.attribute(testId("link"), "href");
  return link.match(/\/e\/([0-9a-f]{64})\/vote$/)[1];
}

/** The organiser's file that this browser keeps. */
export const organiserFile = (tab, id) =>
  tab.evaluate((id) => localStorage.getItem(`blockvote.organiser.${id}`), id);

/** Seals on the page for it, also where the page does not know whether others have more. */
export async function seal(tab) {
  await eventually(async () => {
    if (await tab.count("#anyway:not(:checked)")) await tab.click("label[for=anyway]");
    if (await tab.count(testId("seal-button"))) await tab.click(testId("seal-button"));
    await tab.shows(testId("handed-out"), 3_000);
  });
}
