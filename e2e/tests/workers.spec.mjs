// Workers that fail in four ways, in five places: each failure is shown where the person is looking,
// and nothing waits for more than a minute.
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { CLUB, expect, test, thrown } from "../world.mjs";

/** Has a worker fail, in the page: at its script, its build, or when it is asked this question. */
function flaw({ worker, kind, question }) {
  const Real = Worker;
  self.Worker = class extends Real {
    constructor(url, options) {
      const flawed = options.name === worker;
      super(flawed && kind === "fetch" ? "/absent.js" : url, options);
      this.flawed = flawed;
    }

    set onmessage(heard) {
      this.heard = heard;
      const ready = new MessageEvent("message", { data: { Ready: { build: "another" } } });
      const changed = (event) => heard(event.data?.Ready ? ready : event);
      super.onmessage = this.flawed && kind === "build" && heard ? changed : heard;
    }

    postMessage(message, transfer) {
      const asked = this.flawed && message?.Ask?.[question];
      if (!asked || !["panic", "silence"].includes(kind)) return super.postMessage(message, transfer);
      if (kind === "silence") return undefined;
      // What a panic hook says, and its end.
      const fatal = new MessageEvent("message", { data: { Fatal: "a test" } });
      return queueMicrotask(() => this.heard(fatal));
    }
  };
}

const alert = (page) => page.locator("main [role=alert]").first();
/** A node that never runs leaves no screen to act on: the page says so above it. */
const above = (page) => page.locator("main .notice").first();

const PLACES = {
  "casting a vote": {
    worker: "node-worker",
    question: "Cast",
    path: (node) => `/e/${node.election}/vote`,
    act: async (page) => {
      await page.getByText("Yes", { exact: true }).click();
      await page.getByLabel("Your number").fill("7");
      await expect(page.getByTestId("token-hint")).toContainText("not used yet");
      await page.getByTestId("cast").click();
    },
    again: (page) => page.getByTestId("cast"),
  },
  "verifying the chain": {
    worker: "node-worker",
    question: "VerifyChain",
    path: (node) => `/e/${node.election}/verify`,
    act: (page) => page.getByTestId("verify").click(),
    again: (page) => page.getByTestId("verify"),
  },
  "making a key": {
    worker: "tools-worker",
    question: "NewKey",
    path: () => "/keys",
    act: (page) => page.getByRole("button", { name: "Make a key" }).click(),
    again: (page) => page.getByRole("button", { name: "Make a key" }),
  },
  "making an election": {
    worker: "tools-worker",
    question: "CheckDraft",
    path: () => "/create",
    act: async (page) => {
      await page.getByLabel("Question").fill("Lunch?");
      await page.getByTestId("next").click();
    },
    again: (page) => page.getByTestId("next"),
  },
  "verifying a file": {
    worker: "tools-worker",
    question: "VerifyFile",
    path: () => "/verify",
    act: async (page, folder) => {
      const file = join(folder, "some.blockvote");
      writeFileSync(file, "hello");
      await page.getByLabel("Choose an audit file").setInputFiles(file);
    },
    again: (page) => page.getByLabel("Choose an audit file"),
  },
};

for (const [place, { worker, question, path, act, again }] of Object.entries(PLACES)) {
  for (const kind of ["fetch", "build", "panic", "silence"]) {
    test(`${place}: a failure of its worker (${kind}) is shown there`, async ({ world }) => {
      const relay = await world.relay();
      const node = await world.node(relay, { election: CLUB });
      const page = await (await world.profile()).newPage();
      await page.clock.install();
      await page.addInitScript(flaw, { worker, kind, question });
      await page.goto(relay.url + path(node));
      if (worker === "node-worker" && ["fetch", "build"].includes(kind)) {
        await expect(above(page)).toContainText(kind === "fetch" ? "broke off" : "updated");
      } else {
        await act(page, world.folder);
        if (kind === "silence") await page.clock.fastForward("01:00");
        await expect(alert(page)).toContainText(kind === "silence" ? "does not answer" : "broke off");
        await expect(alert(page)).toBeInViewport();
        await expect(again(page)).toBeEnabled();
      }
      // A script that is not there is an error of the page, too; nothing else is.
      if (kind === "fetch") thrown.splice(0);
    });
  }
}
