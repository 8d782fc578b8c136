// The page on another machine: a browser in a network namespace of its own reaches the bridge over a wire that can be cut.
// Nothing here is reached through loopback. Making one takes root and iproute2; where either is missing that is said, and nothing is tried.
import { chromium } from "@playwright/test";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, goal, top, World, test as base } from "./world.js";

function ip(...words) {
  const { status, stderr, error } = spawnSync("ip", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${words.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

/** Another machine on a wire of its own: 10.213.N.1 is here, 10.213.N.2 is there. */
class Machine {
  constructor() {
    const id = process.pid % 250;
    this.name = `orchestrator-${process.pid}`;
    [this.here, this.there] = [`orc${process.pid}a`, `orc${process.pid}b`];
    this.address = `10.213.${id}.1`;
    ip("netns", "add", this.name);
    try {
      ip("link", "add", this.here, "type", "veth", "peer", "name", this.there, "netns", this.name);
      ip("address", "add", `${this.address}/30`, "dev", this.here);
      ip("link", "set", this.here, "up");
      ip("-n", this.name, "address", "add", `10.213.${id}.2/30`, "dev", this.there);
      ip("-n", this.name, "link", "set", this.there, "up");
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** A program that starts a browser there. */
  browser(folder) {
    const program = path.join(folder, "browser-there");
    const browser = process.env.CHROMIUM || "/usr/bin/chromium";
    fs.writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${this.name} ${browser} "$@"\n`, { mode: 0o755 });
    return program;
  }

  cut() {
    ip("link", "set", this.here, "down");
  }

  mend() {
    ip("link", "set", this.here, "up");
  }

  end() {
    // The wire goes with its end.
    ip("netns", "delete", this.name);
  }
}

const test = base.extend({
  machine: async ({}, use, info) => {
    let machine;
    try {
      machine = new Machine();
    } catch (error) {
      const why = `no other machine can be made here: ${error.message}`;
      console.warn(why);
      info.skip(true, why);
    }
    await use(machine);
    machine.end();
  },
  world: async ({ machine }, use) => {
    const world = new World();
    world.address = machine.address;
    await world.start();
    await use(world);
    await world.end();
  },
});

test.use({ ignoreHTTPSErrors: true });

test("a page on another machine pairs, works through a goal, and loses nothing with its wire", async ({ page, world, machine, launchOptions }) => {
  test.slow();
  expect(world.url).toContain(`https://${machine.address}:`);
  const there = await chromium.launch({ ...launchOptions, executablePath: machine.browser(world.home) });
  const remote = await there.newPage({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });

  // The secret of the URL stays here: the other machine asks, and the page here says yes.
  // Browsers give up what they are loading when the network changes, which it just did, for some seconds yet.
  await expect(async () => {
    await page.goto(world.url);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
  }).toPass();
  await remote.goto(new URL("/", world.url).href);
  await remote.getByRole("button", { name: "Ask to be let in" }).click();
  const code = await remote.getByLabel("Code").innerText();
  await expect(page.getByRole("alert").filter({ hasText: code })).toBeVisible();
  await page.getByRole("button", { name: "Allow" }).click();
  await expect(remote.getByText("Live", { exact: true })).toBeVisible();
  // From now on it is alone, and so decides.
  await page.close();

  await remote.getByLabel("Goal", { exact: true }).last().fill(goal("[[demo slow=60]]"));
  await remote.getByLabel("Folder", { exact: true }).fill(world.project);
  await remote.getByRole("button", { name: /Make a plan/ }).click();
  await remote.getByRole("button", { name: /Approve and start/ }).click();
  await expect(remote.locator(".node[data-status=active]").first()).toBeVisible();
  await expect(remote.getByText("This tab decides")).toBeVisible();
  machine.cut();
  await expect(remote.getByText(/The bridge is gone/)).toBeVisible({ timeout: 40_000 });
  machine.mend();
  await expect(remote.getByText("Live", { exact: true })).toBeVisible({ timeout: 40_000 });
  await expect(top(remote)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
  await there.close();
});
