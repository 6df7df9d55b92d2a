// WebKit by way of its WebDriver: Playwright drives only builds of WebKit that are its own.
import { once } from "node:events";
import { createServer } from "node:net";
import { eventually } from "./tab.mjs";
import { WANTED, WebDriver } from "./webdriver.mjs";

const DRIVER = process.env.BLOCKVOTE_WEBKIT_DRIVER ?? "WebKitWebDriver";

const PATHS = {
  Navigate: () => "/url",
  Refresh: () => "/refresh",
  Back: () => "/back",
  ExecuteScript: () => "/execute/sync",
  FindElement: () => "/element",
  ElementClick: ({ id }) => `/element/${id}/click`,
  ElementSendKeys: ({ id }) => `/element/${id}/value`,
};

/** The driver does not say which port it took: it is told one. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** On a screen of its own that nobody sees. */
export class WebKit extends WebDriver {
  async start() {
    // It complains of each display that somebody else has, and takes the next.
    const place = ["-displayfd", "1", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"];
    const screen = await this.program("Xvfb", place, { stderr: "ignore" });
    const [display] = await once(screen.stdout, "data");
    const port = await freePort();
    const env = { DISPLAY: `:${String(display).trim()}`, GDK_BACKEND: "x11" };
    const driver = await this.program(DRIVER, [`--port=${port}`], { env });
    driver.stdout.resume();
    await eventually(() => fetch(`http://127.0.0.1:${port}/status`));
    const sessions = `http://127.0.0.1:${port}/session`;
    const { sessionId } = await this.post(sessions, { capabilities: { alwaysMatch: WANTED } });
    this.session = `${sessions}/${sessionId}`;
  }

  async post(url, body) {
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${url}: ${value.error}: ${value.message}`);
    return value;
  }

  send(command, parameters = {}) {
    return this.post(this.session + PATHS[command](parameters), parameters);
  }

  async leave() {
    if (this.session) await fetch(this.session, { method: "DELETE", signal: AbortSignal.timeout(5_000) });
  }
}
