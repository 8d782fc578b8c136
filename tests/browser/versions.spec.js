// A new version of a plan says what it changed, and marks it until it is approved or dismissed.
import { expect, goal, node, plan, test } from "./world.js";

async function say(page, words, version) {
  await page.getByLabel("Message", { exact: true }).fill(words);
  await page.keyboard.press("Enter");
  await expect(page.getByText(new RegExp(`^Plan v${version} with`))).toBeVisible();
}

test("a new version of the plan says what it changed", async ({ page, world }) => {
  await plan(page, world, goal());
  await expect(page.getByText(/against v/i)).toHaveCount(0); // A first version has nothing to compare with.
  await say(page, "Remove the documentation task. Add a changelog. Do the tests with me.", 2);
  await expect(page.getByText("Against v1: 1 added, 1 changed, 1 removed.")).toBeVisible();
  const changes = page.getByRole("list", { name: "Plan v1 to v2" });
  await expect(changes.locator("[data-change=added]")).toContainText(/changelog/i);
  await expect(changes.locator("[data-change=removed]")).toContainText("documentation");
  await expect(changes.locator("[data-change=changed]")).toContainText("auto → with you");

  await expect(page.locator(".node[data-change]")).toHaveCount(2);
  await expect(node(page, /^4, .*changed auto → with you/)).toHaveAttribute("data-change", "changed");
  await page.getByRole("button", { name: "Hide the marks" }).click();
  await expect(page.locator(".node[data-change]")).toHaveCount(0);
  await page.reload();
  await expect(page.getByText("Against v1: 1 added, 1 changed, 1 removed.")).toBeVisible();
  await expect(page.locator(".node[data-change]")).toHaveCount(0); // Dismissed for good.
});

test("a version is compared with what the person made of the one before, and approving takes the marks off", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: hang]]"));
  await node(page, /^5, /).click();
  await page.keyboard.press("Delete");
  await expect(page.getByRole("treeitem")).toHaveCount(5);
  await page.getByRole("treeitem").first().click();
  await say(page, "Add a changelog.", 2);
  await expect(page.getByText(/^Against v1: 1 added/)).toBeVisible();
  await expect(page.locator(".node[data-change=added]")).toContainText(/changelog/i);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  await expect(page.locator(".node[data-change]")).toHaveCount(0);
});
