// Journeys in a real Chromium against the real binary. `cargo xtask test` says where both are.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  // The real CLIs are a step of their own.
  testIgnore: process.env.MODEL_STUB ? [] : ["real.spec.js"],
  outputDir: "results",
  timeout: 60_000,
  expect: { timeout: 20_000 },
  workers: 1,
  // Once more where the machine is shared; the report says which needed it.
  retries: process.env.CI ? 1 : 0,
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
      ],
    },
  },
});
