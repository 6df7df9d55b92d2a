// A slow phone: a line of so many bits a second with a delay each way, and a part of one processor.
import { chmodSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";

/** Passes data on as a slow line would, all connections together. Answers with its port. */
export async function slowLine(target, { bitsPerSecond, delayMs }) {
  const [host, port] = target.split(":");
  const way = (from, to, line) => {
    from.on("data", (piece) => {
      const start = Math.max(Date.now(), line.free);
      line.free = start + (piece.length * 8000) / bitsPerSecond;
      from.pause();
      setTimeout(() => from.resume(), line.free - Date.now());
      setTimeout(() => to.destroyed || to.write(piece), line.free - Date.now() + delayMs);
    });
    from.on("close", () => setTimeout(() => to.destroy(), line.free - Date.now() + delayMs + 50));
  };
  const [up, down] = [{ free: 0 }, { free: 0 }];
  const server = createServer((phone) => {
    const relay = connect({ host, port: Number(port) });
    phone.on("error", () => {});
    relay.on("error", () => {});
    // A new connection takes a round trip before anything is said.
    setTimeout(() => {
      way(phone, relay, up);
      way(relay, phone, down);
    }, 2 * delayMs);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, close: () => server.close() };
}

const group = "/sys/fs/cgroup/cpu/blockvote-phone";

/** Takes the control group away again. */
export function endSlowBrowser() {
  try {
    rmdirSync(group);
  } catch {
    // There is none.
  }
}

/** A browser that gets this share of one processor, or nothing where that cannot be had (it takes
 * root and control groups of version 1). */
export function slowBrowser(folder, chromium, share) {
  try {
    mkdirSync(group, { recursive: true });
    if (!existsSync(join(group, "cpu.cfs_quota_us"))) return undefined;
    writeFileSync(join(group, "cpu.cfs_period_us"), "10000");
    writeFileSync(join(group, "cpu.cfs_quota_us"), String(Math.round(10_000 * share)));
  } catch {
    return undefined;
  }
  const script = join(folder, "slow-chromium");
  writeFileSync(script, `#!/bin/sh\necho $$ > ${group}/cgroup.procs\nexec ${chromium} "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}
