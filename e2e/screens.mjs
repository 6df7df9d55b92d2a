// Every screen of the page and how a person comes there, in the order of one walk through all.
import { randomBytes } from "node:crypto";
import { testId } from "./engines/tab.mjs";
import {
  CONNECTED, cast, isMined, next, open, organiserFile, published, receiptLink, seal,
} from "./steps.mjs";
import { expect, spreadEarlierClosing } from "./world.mjs";

const NOBODY_HAS = randomBytes(32).toString("hex");

/** The screens of an open election that stand in its navigation. */
export const OF_AN_ELECTION = ["vote", "results", "chain", "verify", "network", "about"];

/** A name, and how to come there from the screen before; `at` holds the relay and the node of an open election. */
export const SCREENS = [
  ["the paper", (tab, at) => open(tab, at.relay, at.node.election)],
  ["the paper with errors", async (tab) => {
    await tab.click(testId("cast"));
    await tab.shows("#selection-hint.bad");
  }],
  ["a receipt", async (tab) => {
    await cast(tab, 1, 7);
    await isMined(tab);
  }],
  ["results", async (tab) => {
    await tab.go("results");
    await tab.shows(testId("bars"));
  }],
  ["results as a table", async (tab) => {
    await tab.click(`section button`);
    await tab.shows(testId("table"));
  }],
  ["chain", async (tab) => {
    await tab.go("chain");
    await tab.click("button[aria-expanded=false]");
    await tab.shows(testId("proof-zeros"));
  }],
  ["verify", async (tab) => {
    await tab.go("verify");
    await tab.click(testId("verify"));
    await tab.shows(testId("verdict"));
  }],
  ["network", async (tab) => {
    await tab.go("network");
    await tab.shows(testId("relays"));
  }],
  ["about", (tab) => tab.go("about")],
  ["organising without the file", async (tab, at) => {
    await tab.goto(`${at.relay.url}/e/${at.node.election}/organise`);
    await tab.shows("#organiser-file");
  }],
  ["a receipt by its address", async (tab, at) => {
    await open(tab, at.relay, at.node.election);
    await tab.goto(await receiptLink(tab));
    await isMined(tab);
  }],
  ["a vote that is not there", async (tab, at) => {
    await tab.goto(`${at.relay.url}/e/${at.node.election}/receipt/${NOBODY_HAS}`);
    await tab.shows(testId("not-found"));
  }],
  ["an election that nobody has", async (tab, at) => {
    await tab.goto(`${at.relay.url}/e/${NOBODY_HAS}/vote`);
    await tab.shows(testId("searching"));
  }],
  ["a link that does not work", async (tab, at) => {
    await tab.goto(`${at.relay.url}/e/none/vote`);
    await tab.shows("main .notice.bad");
  }],
  ["a short address", async (tab, at) => {
    await tab.goto(`${at.relay.url}/v/k7qf-2m9x`);
    await tab.shows(testId("short"));
  }],
  ["no page", (tab, at) => tab.goto(`${at.relay.url}/nothing`)],
  ["home", async (tab, at) => {
    await tab.goto(at.relay.url);
    await tab.shows(testId("known"));
  }],
  ["about it all", (tab, at) => tab.goto(`${at.relay.url}/about`)],

  ["the first step with an error", async (tab, at) => {
    await tab.goto(`${at.relay.url}/create`);
    await next(tab, testId("problem"));
    expect(await tab.evaluate(() => document.activeElement.id)).toBe("draft-title");
  }],
  ["ballot", async (tab) => {
    await tab.fill("#draft-title", "Lunch?");
    await next(tab, "#kind");
    await tab.select("#kind", "approval");
    for (const rule of ["blank", "write-in"]) await tab.click(`label[for=${rule}]`);
  }],
  ["time", (tab) => next(tab, "#closes")],
  ["voters with keys", async (tab) => {
    await next(tab, "#who-keys");
    await tab.click("label[for=who-keys]");
    await tab.lacks("#count");
  }],
  ["voters with codes", async (tab) => {
    await tab.click("label[for=who-codes]");
    await tab.shows("#count");
  }],
  ["keepers", (tab) => next(tab, "#keepers .notice")],
  ["preview", (tab) => next(tab, testId("preview"))],
  ["organise", async (tab, at) => {
    await tab.click(testId("next"));
    at.made = await published(tab);
    await tab.shows(CONNECTED);
  }],
  ["the paper of an election with codes", async (tab) => {
    await tab.go("vote");
    await tab.shows("#code");
  }],
  ["slips", async (tab) => {
    await tab.go("organise");
    await tab.click(`main a[href$="/slips"]`);
    await tab.shows(".slip-code");
  }],
  ["before sealing", async (tab) => {
    await tab.go("organise");
    await tab.click(testId("close-button"));
    await tab.click(testId("to-seal"));
    await tab.shows(testId("reached"));
    expect(await tab.count(testId("seal-button"))).toBe(0);
  }],
  ["sealing", async (tab, at) => {
    await spreadEarlierClosing(at.relay, at.made, await organiserFile(tab, at.made));
    await tab.shows(testId("missing"));
    await tab.click(testId("seal-button"));
    await tab.shows("main [role=alert]");
  }],
  ["sealed", (tab) => seal(tab)],
  ["the sealed result", async (tab) => {
    await tab.go("results");
    await tab.has(testId("seal"), "data-seal", "good");
  }],

  ["keys", async (tab, at) => {
    await tab.goto(`${at.relay.url}/keys`);
    await tab.click("form button.primary");
    await tab.shows(testId("own-key"));
  }],
  ["an audit file", async (tab, at) => {
    await tab.goto(`${at.relay.url}/verify`);
    await tab.shows(testId("drop"));
  }],
  ["a file that is none", async (tab) => {
    await tab.choose("#audit-file", import.meta.filename);
    await tab.has(testId("verdict"), "data-passed", "false");
  }],
];
