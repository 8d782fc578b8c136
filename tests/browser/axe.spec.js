// No serious or critical accessibility violation on any screen, in any theme.
import fs from "node:fs";
import { createRequire } from "node:module";
import { expect, goal, node, plan, test } from "./world.js";

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds that keeps people out, a line for each element. */
async function violations(page) {
  // Colours on their way from one state to the next are neither.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished)));
  // Through the debugger, because the page's own policy allows no script from elsewhere.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations);
  const grave = found.filter((rule) => ["serious", "critical"].includes(rule.impact));
  return grave.flatMap((rule) => rule.nodes.map((one) => `${rule.id}: ${one.html.slice(0, 160)} — ${one.failureSummary?.split("\n")[1]?.trim()}`));
}

for (const scheme of ["light", "dark", "2b"]) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme === "2b" ? "dark" : scheme });
    test.beforeEach(async ({ page }) => {
      // The others are the system's, which nobody chose.
      if (scheme === "2b") await page.addInitScript(() => localStorage.setItem("theme", "2b"));
    });

    const check = async (page, where) =>
      expect.soft(await violations(page), `${where}, ${scheme}`).toEqual([]);

    test(`start, its dialog and a plan keep nobody out, ${scheme}`, async ({ page, world }) => {
      await page.goto(world.url);
      await expect(page.getByText("A demo: no model, no network, no key.")).toBeVisible();
      await check(page, "start");
      await page.getByRole("button", { name: "Choose" }).click();
      await expect(page.getByRole("button", { name: "Use this folder" })).toBeEnabled();
      await check(page, "folders");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /limits and models/ }).click();
      await expect(page.getByRole("dialog").getByLabel("Claude Code, heavy")).toBeVisible();
      await check(page, "limits");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Bridge" }).click();
      for (const part of ["Devices", "Processes", "Self-test"]) {
        await page.getByRole("tab", { name: part }).click();
        await check(page, part);
      }
      await page.getByRole("button", { name: "Run the self-test" }).click();
      await expect(page.locator(".findings li").first()).toBeVisible();
      await check(page, "findings");
      await page.getByRole("button", { name: "Prompts" }).click();
      await page.getByRole("button", { name: "New template" }).click();
      await check(page, "prompts");
      await page.getByRole("tab", { name: "Agents" }).click();
      await page.getByRole("button", { name: "New agent" }).click();
      await check(page, "agents");
      await page.getByRole("button", { name: "Orchestrator" }).click();
      await plan(page, world, goal());
      await check(page, "plan");
      await page.getByTitle("What waits for you (I)").click();
      await expect(page.locator(".request")).toHaveCount(1);
      await check(page, "inbox");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /, usage$/ }).click();
      await expect(page.getByRole("dialog").getByRole("table").first()).toBeVisible();
      await check(page, "usage");
      await page.keyboard.press("Escape");
      await page.getByLabel("Message", { exact: true }).fill("Remove the documentation task. Add a changelog.");
      await page.keyboard.press("Enter");
      await expect(page.getByText("Against v1: 1 added, 1 removed.")).toBeVisible();
      await check(page, "second version");
      await node(page, /^2, /).click();
      await page.getByRole("tab", { name: "Details" }).click();
      await expect(page.getByLabel("Objective")).toBeVisible();
      await check(page, "details");
      await node(page, /^2, /).click({ button: "right" });
      await expect(page.getByRole("menu")).toBeVisible();
      await check(page, "menu");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Keys" }).click();
      await expect(page.getByText("previous, next row")).toBeVisible();
      await check(page, "keys");
    });

    test(`work keeps nobody out, ${scheme}`, async ({ page, world }) => {
      await plan(page, world, goal("[[task 1: fail]] [[task 2: ask]]"));
      await page.getByRole("button", { name: /Approve and start/ }).click();
      await expect(node(page, /^1, /)).toHaveAttribute("data-status", "failed");
      await expect(node(page, /^2, /)).toHaveAttribute("data-status", "waiting");
      await expect(node(page, /^5, /)).toHaveAttribute("data-status", "completed");
      for (const task of [1, 2, 3]) {
        await node(page, new RegExp(`^${task}, `)).click();
        await expect(page.locator(".msg[data-from=agent]").first()).toBeVisible();
        await check(page, `task ${task}`);
      }
      await page.setViewportSize({ width: 390, height: 844 });
      await page.getByRole("button", { name: "Tree", exact: true }).click();
      await check(page, "outline");
    });
  });
}
