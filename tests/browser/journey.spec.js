import fs from "node:fs";
import path from "node:path";
import { expect, goal, node, plan, test, top } from "./world.js";

test("a goal becomes a plan, is changed, approved, worked through and summed up", async ({ page, world }) => {
  await page.goto(world.url);
  await expect(page.getByText("A demo: no model, no network, no key.")).toBeVisible();
  await expect(page).toHaveURL(/^[^#]*(#\/)?$/); // The secret left the address bar.
  await plan(page, world, goal());
  await expect(page.getByText("demo agent", { exact: true })).toBeVisible();
  await expect(page.getByRole("treeitem")).toHaveCount(6);
  await expect(node(page, /^1, /)).toContainText("starts at once");
  expect(fs.readdirSync(world.project)).toEqual([]); // Nothing runs yet.

  await node(page, /^1, /).click();
  await page.keyboard.press("F2");
  const field = page.getByLabel("Name", { exact: true });
  await expect(field).toBeFocused();
  expect(await field.evaluate((input) => input.selectionEnd - input.selectionStart)).toBeGreaterThan(0);
  await page.keyboard.type("Look around");
  await page.keyboard.press("Enter");
  await expect(node(page, /^1, Look around/)).toBeVisible();
  await page.keyboard.press("z");
  await expect(node(page, /^1, Research/)).toBeVisible();

  await node(page, /^5, /).click();
  await page.keyboard.press("Delete");
  await expect(page.getByRole("treeitem")).toHaveCount(5);
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(page.getByRole("treeitem")).toHaveCount(6);

  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await expect(page.locator(".node[data-status=completed]")).toHaveCount(6);
  await expect(page.locator(".outcome").last()).toContainText("Completed");
  expect(fs.readdirSync(world.project).length).toBeGreaterThan(0);

  await node(page, /^2, /).click();
  await expect(page.locator(".msg[data-from=agent]").first()).toBeVisible();
  await expect(page.locator(".tool").first()).toBeVisible();
  await page.getByLabel("Message", { exact: true }).fill("Say it once more.");
  await page.keyboard.press("Enter");
  await expect(page.locator(".msg[data-from=person]").last()).toContainText("Say it once more.");
  // The work and the look for its file, twice.
  await expect(page.locator(".msg[data-from=agent]")).toHaveCount(4);
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "completed");
});

test("a small goal is answered directly", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel("Goal", { exact: true }).last().fill("What is a worktree?");
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await expect(page.getByRole("treeitem")).toHaveCount(1);
});

test("saying what should be different gives a new version", async ({ page, world }) => {
  await plan(page, world, goal());
  await page.getByLabel("Message", { exact: true }).fill("Remove the documentation task.");
  await page.keyboard.press("Enter");
  await expect(page.getByText(/^Plan v2 with/)).toBeVisible();
  await expect(page.getByRole("treeitem")).toHaveCount(5);
});

test("a cycle is refused by name", async ({ page, world }) => {
  await plan(page, world, goal());
  const wait = async (task, on) => {
    await node(page, new RegExp(`^${task}, `)).click();
    await page.getByRole("tab", { name: "Details" }).click();
    await page.getByRole("button", { name: "Add a task to wait for" }).click();
    await page.getByLabel("Number or name").fill(on);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog")).toBeHidden();
  };
  const name = async (task) => (await node(page, new RegExp(`^${task}, `)).locator(".called").innerText());
  const [one, two] = [`1 ${await name(1)}`, `2 ${await name(2)}`];
  await wait(1, two);
  await expect(node(page, /^1, /)).toContainText("after 2");
  await wait(2, one);
  await expect(page.getByRole("status").filter({ hasText: "cycle" })).toContainText(`${one} waits for ${two}`);
});

test("dragging puts a task under another", async ({ page, world }) => {
  await plan(page, world, goal());
  const from = await node(page, /^5, /).boundingBox();
  const onto = await node(page, /^1, /).boundingBox();
  await page.mouse.move(from.x + 60, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(onto.x + 60, onto.y + 24, { steps: 8 });
  await page.mouse.move(onto.x + 62, onto.y + 20);
  await page.mouse.up();
  await expect(node(page, /^5, /)).toHaveAttribute("aria-level", "3");
  await page.keyboard.press("z");
  await expect(node(page, /^5, /)).toHaveAttribute("aria-level", "2");
});

test("a hybrid task asks, and the answer goes on in its session", async ({ page, world }) => {
  await plan(page, world, goal("[[task 2: ask]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "waiting");
  await expect(page.getByTitle("What waits for you (I)")).toContainText("1");
  await page.getByTitle("What waits for you (I)").click();
  await page.getByRole("dialog").locator(".request").click();
  await page.locator(".ask footer .button").first().click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("a failed task says why and is retried", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: fail-once]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "failed");
  await node(page, /^1, /).click();
  await expect(page.locator(".outcome[data-status=failed]")).toBeVisible();
  await page.locator(".outcome").getByRole("button", { name: "Retry" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("what cannot be done can be left, and the summary says so", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: fail]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await page.getByRole("button", { name: "Finish without it" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("stop ends a running task and everything", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: hang]] [[task 2: hang]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  await node(page, /^1, /).click();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "cancelled");
  await top(page).click();
  await page.getByRole("button", { name: "Stop everything" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "cancelled");
  await expect(page.locator(".node[data-status=active]")).toHaveCount(0);
});

test("what is dropped between two tasks goes there", async ({ page, world }) => {
  await plan(page, world, goal());
  const from = await node(page, /^5, /).boundingBox();
  const above = await node(page, /^2, /).boundingBox();
  const below = await node(page, /^3, /).boundingBox();
  await page.mouse.move(from.x + 60, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(above.x + 60, above.y + above.height + 20, { steps: 8 });
  await page.mouse.move(above.x + 60, (above.y + above.height + below.y) / 2);
  await page.mouse.up();
  await expect(node(page, /^5, /)).toHaveAttribute("aria-posinset", "3");
  await expect(node(page, /^5, /)).toHaveAttribute("aria-level", "2");
});
