// Another history behind the same address, and output that was removed.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BIN, expect, plan, test } from "./world.js";

/** Runs a command on the world's data folder, which no bridge uses then; gives what it prints. */
function command(world, name, args = [], input = "") {
  const all = [name, "--data-dir", path.join(world.home, "data"), ...args];
  const done = spawnSync(BIN, all, { input, encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, HOME: world.home } });
  expect(done.status, done.stderr).toBe(0);
  return done.stdout;
}

/** Puts this in the place of the log. */
function replace(world, log) {
  for (const file of ["log.db", "log.db-wal", "log.db-shm"]) fs.rmSync(path.join(world.home, "data", file), { force: true });
  command(world, "import", ["--go-on"], log);
}

test("a page that is open when another history is put in place shows that one", async ({ page, world }) => {
  await plan(page, world, "Add a shop:\n- first\n- second");
  await world.kill();
  const log = command(world, "export");
  await world.start();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.getByRole("treeitem").first()).toHaveAttribute("data-status", "completed");
  await world.kill();
  replace(world, log);
  await world.start();
  // Nobody reloads: the plan waits for its yes again.
  await expect(page.getByRole("button", { name: /Approve and start/ })).toBeEnabled();
});

test("a turn whose output was removed says so, and the answer stays", async ({ page, world }) => {
  await plan(page, world, "Add a shop:\n- first\n- second");
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.getByRole("treeitem").first()).toHaveAttribute("data-status", "completed");
  await world.kill();
  // Three days pass.
  const older = (text) => text.replace(/"at":(1\d{12})/g, (_, at) => `"at":${Number(at) - 3 * 86_400_000}`);
  replace(world, older(command(world, "export")));
  const config = path.join(world.home, ".config/orchestrator");
  fs.mkdirSync(config, { recursive: true });
  fs.writeFileSync(path.join(config, "config.toml"), "[retention]\noutput_days = 2\n");
  await world.start();
  await page.getByRole("treeitem").nth(1).click();
  await expect(page.getByText(/output of this turn was removed on \d{4}-\d\d-\d\d by the retention setting/).first()).toBeVisible();
  await expect(page.getByText("Starting …")).toHaveCount(0);
  await expect(page.getByRole("treeitem").nth(1)).toHaveAttribute("data-status", "completed");
});
