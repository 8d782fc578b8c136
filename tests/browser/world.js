// A bridge of its own for each test, with an empty data folder and an empty project.
import { test as base, expect } from "@playwright/test";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export const BIN = process.env.ORCHESTRATOR_BIN || path.resolve("../../target/debug/orchestrator");

export class World {
  /** `options` are further ones of `serve`. */
  constructor(options = []) {
    this.options = options;
    /** Further variables of the bridge. */
    this.environment = {};
    this.home = fs.mkdtempSync(path.join(os.tmpdir(), "orchestrator-"));
    this.project = path.join(this.home, "shop");
    fs.mkdirSync(this.project);
    this.port = 0;
    this.address = "127.0.0.1";
  }

  /** Starts the bridge, on the port that it had before if there was one, with the page of a folder; gives the URL that lets a person in. */
  async start(page = process.env.PAGE_DIR) {
    const args = ["serve", "--stop-agents", "--listen", `${this.address}:${this.port}`, "--no-open", "--data-dir", path.join(this.home, "data"), ...this.options];
    if (page) args.push("--page-dir", page);
    this.bridge = spawn(BIN, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, HOME: this.home, ...this.environment } });
    this.gone = new Promise((resolve) => this.bridge.once("exit", resolve));
    this.url = await new Promise((resolve, reject) => {
      let said = "";
      this.bridge.once("exit", () => reject(new Error(`the bridge ended: ${said}`)));
      this.bridge.stdout.on("data", (data) => {
        said += data;
        const url = said.match(/listening on (\S+)/);
        if (url) resolve(url[1]);
      });
    });
    this.port = Number(new URL(this.url).port);
    return this.url;
  }

  async kill() {
    this.bridge.kill("SIGKILL");
    await this.gone;
  }

  async end() {
    this.bridge.kill("SIGTERM");
    await this.gone;
    fs.rmSync(this.home, { recursive: true, force: true });
  }
}

export const test = base.extend({
  serve: [[], { option: true }],
  world: async ({ serve }, use) => {
    const world = new World(serve);
    await world.start();
    await use(world);
    await world.end();
  },
  // How a machine that draws slowly sees it: `FRAMES` names the milliseconds that each frame comes late.
  page: async ({ page }, use) => {
    const late = Number(process.env.FRAMES || 0);
    if (late > 0)
      await page.addInitScript((late) => {
        const soon = window.requestAnimationFrame.bind(window);
        window.requestAnimationFrame = (drawn) => setTimeout(() => soon(drawn), late);
      }, late);
    await use(page);
  },
  /** What the page complained of; a test may look, and none may be left at its end. */
  complaints: [
    async ({ page }, use) => {
      const found = [];
      page.on("pageerror", (error) => found.push(String(error)));
      page.on("console", (message) => message.type() === "error" && found.push(message.text()));
      await use(found);
      const real = found.filter((text) => !/WebSocket connection|Failed to load resource|ERR_CONNECTION/.test(text));
      expect(real).toEqual([]);
    },
    { auto: true },
  ],
});

export const LIST = ["research best practices", "design the database schema", "write the HTTP API", "write the tests", "write the documentation"];

/** The goal of most tests: five tasks by the demo agent's rules. */
export function goal(directives = "", list = LIST) {
  return `Add a shopping cart:\n${list.map((item) => `- ${item}`).join("\n")}\n\n${directives}`;
}

/** From the first screen to a plan that waits for a yes. */
export async function plan(page, world, text) {
  await page.goto(world.url);
  await page.getByLabel("Goal", { exact: true }).last().fill(text);
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(page.getByRole("button", { name: /Approve and start/ })).toBeEnabled();
}

export const node = (page, name) => page.getByRole("treeitem", { name });
export const top = (page) => page.getByRole("treeitem").first();

/** Dresses the page for as long as it is loaded. */
export const wear = (page, theme) => page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);

// Pictures for whoever looks at the page: `SHOTS` names the folder.
export async function shots(page, name) {
  if (!process.env.SHOTS) return;
  for (const [width, height] of [[1440, 900], [390, 844]])
    for (const theme of ["light", "dark", "2b"]) {
      await page.setViewportSize({ width, height });
      await wear(page, theme);
      // Not in the midst of the change from one theme to the other.
      await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}-${theme}.png`, animations: "disabled" });
    }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.evaluate(() => delete document.documentElement.dataset.theme);
}

export { expect };
