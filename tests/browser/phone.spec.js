// On a phone the tree is an outline: the same nodes and states in rows, and a tap opens one.
import { expect, goal, node, plan, shots, test } from "./world.js";

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

test("on a phone the tree is an outline, and a tap opens a task", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: fail]]"));
  await expect(page.getByRole("treeitem")).toHaveCount(6);
  const boxes = await page.locator(".node").evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().toJSON()));
  for (const [place, box] of boxes.entries()) {
    expect(box.left).toBeGreaterThanOrEqual(0);
    expect(box.right).toBeLessThanOrEqual(390);
    expect(box.height).toBeGreaterThanOrEqual(44);
    if (place > 0) expect(box.top).toBeGreaterThanOrEqual(boxes[place - 1].bottom);
  }
  expect(boxes[1].left).toBeGreaterThan(boxes[0].left);
  await expect(page.locator(".wires")).toBeHidden();
  const approve = page.getByRole("button", { name: /Approve and start/ });
  await expect(approve).toBeInViewport({ ratio: 1 });
  await approve.tap();

  const first = node(page, /^1, /);
  await expect(first).toHaveAttribute("data-status", "failed");
  await first.tap();
  await expect(page.locator(".outcome[data-status=failed]")).toBeVisible();
  await expect(first).toBeHidden();
  await page.getByRole("button", { name: "Tree", exact: true }).tap();
  await first.tap(); // It is chosen already, and opens all the same.
  await expect(page.locator(".outcome[data-status=failed]")).toBeVisible();
});

test("parts are indented under their task, and fold", async ({ page, world }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await plan(page, world, goal());
  await node(page, /^2, /).click();
  await page.keyboard.press("Alt+ArrowRight");
  await expect(node(page, /^2, /)).toHaveAttribute("aria-level", "3");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Tree", exact: true }).tap();
  const left = async (number) => (await node(page, new RegExp(`^${number}, `)).boundingBox()).x;
  await expect.poll(() => left(2)).toBeLessThan(60);
  expect(await left(2)).toBeGreaterThan(await left(1));
  await node(page, /^1, /).getByRole("button", { name: /fold/i }).tap();
  await expect(node(page, /^2, /)).toHaveCount(0);
  await expect(page.getByRole("treeitem").first()).toBeVisible(); // Folding opens nothing.
});

test("on a phone a task is renamed, removed and added, and search is closed, by touch alone", async ({ page, world }) => {
  await plan(page, world, goal());
  const tree = page.getByRole("button", { name: "Tree", exact: true });
  const choose = async (task, item) => {
    await tree.tap();
    await node(page, task).tap();
    await page.getByRole("button", { name: "Menu of the task" }).tap();
    await page.getByRole("menuitem", { name: item }).tap();
  };
  await choose(/^2, /, /^Rename/);
  const field = page.getByLabel("Name", { exact: true });
  await expect(field).toBeFocused();
  await field.fill("Draw it");
  await page.keyboard.press("Enter");
  await expect(node(page, /^2, Draw it/)).toBeVisible();
  await choose(/^5, /, /^Remove/);
  await expect(page.locator(".toast")).toContainText("Removed 5");
  await tree.tap();
  await expect(page.getByRole("treeitem")).toHaveCount(5);
  await choose(/^4, /, /^Add a task below/);
  const name = page.getByLabel("Name of the new task");
  await name.fill("Never mind");
  await page.getByRole("button", { name: /^Cancel/ }).tap();
  await expect(name).toBeHidden();
  await choose(/^4, /, /^Add a task below/);
  await name.fill("Pack it");
  await shots(page, "phone-new-task");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Add", exact: true }).tap();
  await expect(page.locator(".task-head")).toContainText("Pack it");
  await tree.tap();
  // Who adds to the tree stays there.
  await page.getByRole("button", { name: "Add a task", exact: true }).tap();
  await name.fill("Ship it");
  await page.keyboard.press("Enter");
  await expect(node(page, /, Ship it/)).toBeVisible();
  await expect(node(page, /, Pack it/)).toBeVisible();

  await page.getByRole("button", { name: /^Search/ }).tap();
  const search = page.getByRole("dialog", { name: "Search" });
  await search.getByRole("button", { name: "Close" }).tap();
  await expect(search).toBeHidden();
  await page.getByRole("button", { name: /^Search/ }).tap();
  await page.touchscreen.tap(195, 840);
  await expect(search).toBeHidden();
});
