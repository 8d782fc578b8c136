// Chats create chats at every level: a worker splits its task, the person says yes and no, has a task split, and
// clones one; and a goal that is under way is planned again.
import { expect, node, plan, shots, test, top } from "./world.js";

test("parts of a task are proposed, approved and rejected, and a task is cloned", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  const words = "[[demo tasks=3 shape=chain]] [[task 1: split=3]]";
  await page.getByLabel("Goal", { exact: true }).last().fill(words);
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.getByText("Plan of 1 Do part 1")).toBeVisible();
  await expect(node(page, /^1\.1, /)).toHaveAttribute("data-status", "pending");
  await shots(page, "planning-split");
  await top(page).click();
  await page.getByRole("button", { name: "To the plan of 1" }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("aria-selected", "true");

  await node(page, /^3, /).click();
  await page.keyboard.press("y");
  await expect(node(page, /^4, /)).toContainText("Do part 3");
  await page.keyboard.press("p");
  await expect(node(page, /^4\.1, /)).toBeVisible();
  await expect(page.getByText("Plan of 4 Do part 3")).toBeVisible();
  await shots(page, "planning-asked");
  await page.getByRole("button", { name: "Leave it as it was" }).click();
  await expect(node(page, /^4\.1, /)).toHaveCount(0);

  await expect(page.getByText("Plan of 1 Do part 1")).toBeVisible();
  await page.keyboard.press("Control+Enter");
  await expect(node(page, /^1\.1, /)).toHaveAttribute("data-status", "completed");
  await expect(node(page, /^4, /)).toHaveAttribute("data-status", "completed");
  await shots(page, "planning-done");
});

test("a goal that is under way is planned again, and what runs goes on", async ({ page, world }) => {
  await plan(page, world, "[[demo tasks=3 shape=chain]] [[task 1: hang]]");
  await page.getByRole("button", { name: /Approve and start/ }).click();
  const running = node(page, /^1, /);
  await expect(running).toHaveAttribute("data-status", "active");
  const again = page.getByRole("button", { name: "Plan again" });
  const ask = async () => {
    await page.getByLabel("Message", { exact: true }).fill("Add a changelog");
    await again.click();
  };

  await top(page).click();
  await page.keyboard.press("p");
  await expect(page.getByLabel("Message", { exact: true })).toBeFocused();
  await ask();
  await expect(page.getByText("Against v1: 1 added.")).toBeVisible();
  await expect(node(page, /changelog/i)).toHaveAttribute("data-change", "added");
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "pending");
  await expect(running).toHaveAttribute("data-status", "active");
  await expect(again).toHaveCount(0);
  await shots(page, "planning-again");
  await page.getByRole("button", { name: "Leave it as it was" }).click();
  await expect(node(page, /changelog/i)).toHaveCount(0);
  await expect(running).toHaveAttribute("data-status", "active");

  await top(page).click({ button: "right" });
  await page.getByRole("menuitem", { name: /Plan again/ }).click();
  await ask();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /changelog/i)).toHaveAttribute("data-status", "completed");
  await expect(running).toHaveAttribute("data-status", "active");
});

test("a goal is planned again without a word of the person's", async ({ page, world }) => {
  await plan(page, world, "[[demo tasks=3 shape=chain]] [[task 1: hang]]");
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  await top(page).click();
  await page.keyboard.press("p");
  await expect(page.getByText("Write what should be different, or nothing, then press Plan again.")).toBeVisible();
  await shots(page, "planning-again-ask");
  await page.getByRole("button", { name: "Plan again" }).click();
  await expect(page.getByText(/^Against v1: /)).toBeVisible();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
});
