import fs from "node:fs";
import path from "node:path";
import { expect, goal, node, plan, shots, test, top } from "./world.js";

/** The page as another build has it: the same program under another name, as a change of a line would have it. */
function anotherBuild(world, page) {
  const other = path.join(world.home, "page");
  fs.cpSync(page, other, { recursive: true });
  const [, program] = fs.readFileSync(path.join(other, "index.html"), "utf8").match(/data-wasm="\/([^"]+)"/);
  for (const name of fs.readdirSync(other).filter((name) => name.endsWith(".br"))) fs.rmSync(path.join(other, name));
  fs.renameSync(path.join(other, program), path.join(other, `newer_${program}`));
  const index = path.join(other, "index.html");
  fs.writeFileSync(index, fs.readFileSync(index, "utf8").replaceAll(`/${program}`, `/newer_${program}`));
  return other;
}

test("a page that is older than its bridge decides nothing, says so, and is the newer one after a reload", async ({ page, world }) => {
  await plan(page, world, goal("[[demo slow=60]]"));
  await expect(page.getByText("This tab decides")).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.locator(".node[data-status=active]").first()).toBeVisible();
  // The same page comes back to the same bridge as one that decides.
  await world.kill();
  await world.start();
  await expect(page.getByText("This tab decides")).toBeVisible();
  await expect(page.getByText("The bridge has a newer page.")).toHaveCount(0);
  await world.kill();
  await world.start(anotherBuild(world, process.env.PAGE_DIR || path.resolve("../../frontend/dist")));
  const asked = page.getByRole("alert").filter({ hasText: "The bridge has a newer page." });
  await expect(asked).toBeVisible();
  await expect(page.getByText("The bridge decides")).toBeVisible();
  // What a person does goes through, what is written stays, and the work goes on without it.
  await page.getByLabel("Message", { exact: true }).fill("Mind the doors.");
  await page.getByLabel("Message", { exact: true }).press("Enter");
  await expect(page.locator(".msg[data-from=person]", { hasText: "Mind the doors." })).toHaveCount(1);
  await page.getByLabel("Message", { exact: true }).fill("And the windows");
  await shots(page, "aged");
  await asked.getByRole("button", { name: "Reload" }).click();
  await expect(page.getByText("This tab decides")).toBeVisible();
  await expect(asked).toHaveCount(0);
  await expect(page.getByLabel("Message", { exact: true })).toHaveValue("And the windows");
  await expect(top(page)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
});

test("a reload in mid-stream loses nothing", async ({ page, world }) => {
  await plan(page, world, goal("[[demo slow=60]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await node(page, /^1, /).click();
  await expect(page.locator(".msg[data-from=agent] .prose").first()).not.toBeEmpty();
  await page.reload();
  await expect(page.locator(".msg[data-from=agent] .prose").first()).not.toBeEmpty();
  await expect(top(page)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
});

test("a killed bridge comes back with everything, and the work goes on", async ({ page, world }) => {
  await plan(page, world, goal("[[demo slow=60]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.locator(".node[data-status=active]").first()).toBeVisible();
  await world.kill();
  await expect(page.getByText(/The bridge is gone/)).toBeVisible();
  await expect(page.getByRole("treeitem")).toHaveCount(6); // Readable meanwhile.
  await world.start();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(top(page)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
});

test("a second tab sees the same and takes over when the first closes", async ({ page, world, context }) => {
  await plan(page, world, goal("[[demo slow=60]]"));
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(second.getByText("Another tab decides")).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.locator(".node[data-status=active]").first()).toBeVisible();
  await page.close();
  await expect(second.getByText("This tab decides")).toBeVisible();
  await expect(top(second)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
});

for (const part of ["**/*_bg.wasm*", "**/tokens-*.css", "**/boot.js", "**/api/enter"])
  test(`a page that loses ${part} on its way loads all the same`, async ({ page, world }) => {
    let asked = 0;
    await page.route(part, (route) => (asked++ === 0 ? route.abort("connectionreset") : route.continue()));
    await page.goto(world.url);
    await expect.poll(() => asked).toBeGreaterThan(1);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    await expect(page.getByLabel("Goal", { exact: true }).last()).toBeVisible();
  });

test("a page that cannot be loaded says so", async ({ page, world }) => {
  await page.route("**/tokens-*.css", (route) => route.abort("connectionreset"));
  await page.goto(world.url);
  await expect(page.getByRole("alert")).toContainText("See whether the bridge runs");
});

test("a browser without the secret is told how to get in", async ({ page, world }) => {
  await page.goto(new URL("/", world.url).href);
  await expect(page.getByText("This browser is not signed in.")).toBeVisible();
  // In the page that is open, as it says; the secret does not stay in sight, now or when it is followed again.
  await page.goto(world.url);
  await expect(page.getByLabel("Goal", { exact: true }).last()).toBeVisible();
  await expect(page.getByText("This browser is not signed in.")).toHaveCount(0);
  await page.getByLabel("Goal", { exact: true }).last().fill("Half a goal");
  await page.goto(world.url);
  await expect.poll(() => page.url()).not.toContain("k=");
  await expect(page.getByLabel("Goal", { exact: true }).last()).toHaveValue("Half a goal");
});

test("a folder that is missing and a bad plan are said in words", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel("Goal", { exact: true }).last().fill("anything");
  const folder = page.getByLabel("Folder", { exact: true });
  for (const wrong of [`${world.project}/not-there`, "~/project"]) {
    await folder.fill(wrong);
    await expect(page.getByRole("button", { name: /Make a plan/ })).toBeEnabled(); // The agents are known.
    await folder.press("Control+Enter");
    await expect(page.getByRole("alert")).toContainText(`Not started: ${wrong} is not`);
    await expect(page.getByLabel("Goal", { exact: true }).last()).toHaveValue("anything");
  }
  await page.getByRole("button", { name: "Choose" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toContainText("~/project is not");
  await expect(page.getByRole("button", { name: "Use this folder" })).toBeEnabled();
  await page.keyboard.press("Escape");
  await plan(page, world, goal("[[demo plan=cycle-once]]"));
  await expect(page.getByText("The planner's answer cannot be used")).toBeVisible();
});

test("what is pressed and written while the bridge is gone is there once after a reload", async ({ page, world }) => {
  await plan(page, world, goal("[[demo tasks=3]]"));
  await world.kill();
  await expect(page.getByText(/The bridge is gone/)).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await page.getByLabel("Message", { exact: true }).fill("Mind the doors.");
  await page.getByLabel("Message", { exact: true }).press("Enter");
  // Both stand where they will be, and say that they wait.
  const waiting = page.locator("[data-unsent]");
  await expect(waiting).toHaveText([/You approved the plan\.\s*waits for the bridge/, /waits for the bridge\s*Mind the doors\./]);
  await expect(page.getByText("2 things you did wait here")).toBeVisible();
  await shots(page, "unsent");
  // The page is gone before the bridge is back, and what it had to say is not.
  const url = page.url();
  await page.goto("about:blank");
  await world.start();
  await page.goto(url);
  await expect(page.getByText("You approved the plan.")).toHaveCount(1);
  await expect(page.locator(".msg[data-from=person]", { hasText: "Mind the doors." })).toHaveCount(1);
  await expect(top(page)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
  await expect(page.locator("[data-unsent]")).toHaveCount(0);
  // Nothing is left to say, and nothing is said twice.
  await page.reload();
  await expect(page.getByText("You approved the plan.")).toHaveCount(1);
  await expect(page.locator(".msg[data-from=person]", { hasText: "Mind the doors." })).toHaveCount(1);
  expect(await page.evaluate(() => sessionStorage.getItem("orchestrator.outbox"))).toBeNull();
});

test("what is being written in a field outlives a reload, and half a number is not handed in", async ({ page, world }) => {
  await plan(page, world, goal("[[demo tasks=3]]"));
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const objective = page.getByLabel("Objective");
  await objective.press("Control+End");
  await objective.pressSequentially(" Mind the doors.");
  const before = await objective.inputValue();
  await page.reload();
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(objective).toHaveValue(before);
  const budget = page.locator(".details").getByLabel("Budget, in dollars");
  await budget.pressSequentially("2");
  await page.reload();
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(objective).toHaveValue(before);
  await expect(budget).toHaveValue("");
});

test("of two answers to one question the first counts, and the other says so", async ({ page, world, context }) => {
  await plan(page, world, goal("[[task 1: ask]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "waiting");
  await node(page, /^1, /).click();
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.locator(".ask footer .button").first()).toBeVisible();
  // Neither knows of the other's.
  await world.kill();
  for (const [tab, words] of [[page, "Blue, says the one."], [other, "Red, says the other."]]) {
    await expect(tab.getByText(/The bridge is gone/)).toBeVisible();
    await tab.getByLabel("Message", { exact: true }).fill(words);
    await tab.getByLabel("Message", { exact: true }).press("Enter");
  }
  await world.start();
  for (const tab of [page, other]) {
    await expect(tab.locator(".msg[data-from=person]", { hasText: "came after the question was answered" })).toHaveCount(1);
    await expect(tab.locator(".msg[data-from=person]", { hasText: "says the" })).toHaveCount(2);
  }
  await shots(page, "late");
  await page.getByRole("button", { name: "Send it again" }).click();
  await expect(page.locator(".msg[data-from=person]", { hasText: "says the" })).toHaveCount(3);
});
