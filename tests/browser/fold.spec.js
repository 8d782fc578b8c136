// The page folds a log to the same state as a bridge's standby, and would decide the same: after every entry of simulated
// worlds, and of the log that shows every format.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "@playwright/test";

const { FOLD_DIR, NATIVE_DIR } = process.env;
const SEEDS = [3, 4, 5, 6, 7, 8];

const native = (program, args, input) => execFileSync(path.join(NATIVE_DIR, program), args, { input, encoding: "utf8", maxBuffer: 1 << 28 });
const world = (seed) => native("simulation", ["--log", "--seed", String(seed)]);
const formats = () => {
  const shown = fs.readFileSync("../../shared/tests/snapshots/golden__log.snap", "utf8");
  const entries = shown.split("\n").filter((line) => line.startsWith("{"));
  // There each is the first of its log; here they are one.
  return entries.map((line, at) => line.replace('{"seq":1,', `{"seq":${at + 1},`)).join("\n");
};

test("what is folded natively is folded in the browser", async ({ page }) => {
  expect(FOLD_DIR && NATIVE_DIR, "FOLD_DIR holds the fold for the browser and NATIVE_DIR the programs; `cargo xtask test` makes both").toBeTruthy();
  // A secure context needs an address, not a file; nothing answers there but this.
  await page.route("http://localhost:1/**", (route) => {
    const name = path.basename(new URL(route.request().url()).pathname) || "index.html";
    const types = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
    const body = name === "index.html" ? "<!doctype html>" : fs.readFileSync(path.join(FOLD_DIR, name));
    return route.fulfill({ body, contentType: types[path.extname(name)] });
  });
  await page.goto("http://localhost:1/index.html");
  for (const [name, log] of [["formats", formats()], ...SEEDS.map((seed) => [`seed ${seed}`, world(seed)])]) {
    const here = native("digests", [], log).trim().split("\n");
    const there = await page.evaluate(async (log) => {
      const { default: init, digests } = await import("/fold.js");
      await init();
      return digests(log);
    }, log);
    expect(here.length, name).toBeGreaterThan(20);
    expect(there.length, name).toBe(here.length);
    const lines = log.split("\n");
    const first = here.findIndex((digest, at) => digest !== there[at]);
    expect(first < 0 ? "" : lines[first], `${name}: the first entry after which both differ`).toBe("");
  }
});
