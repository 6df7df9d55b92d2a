import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  outputDir: ".results",
  timeout: 90_000,
  expect: { timeout: 30_000 },
  workers: 1,
  reporter: [["list"]],
  // The pictures are made by `cargo xtask screenshots` only: a test run leaves the tree as it was.
  testIgnore: process.env.BLOCKVOTE_SCREENSHOTS ? [] : ["**/screenshots.spec.mjs"],
});
