// Limits and models in a dialog, and what becomes of a task that fails.
import { expect, goal, node, plan, test, top } from "./world.js";

const LIST = ["read the code", "write the report", "check the report"];

test("limits and models are set by keyboard and kept in the log", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: /limits and models/ }).press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("In all", { exact: true }).fill("3");
  await page.keyboard.press("Tab");
  await expect(page.locator(".facts")).toContainText("0/3");
  await dialog.getByLabel("When it fails").selectOption({ label: "find out why, then try again" });
  await dialog.getByLabel("Quiet from").fill("22:30");
  await page.keyboard.press("Tab");
  await expect(dialog.getByLabel("Quiet until")).toHaveValue("07:00");
  await dialog.getByLabel("Spend at most, in dollars").fill("");
  await page.keyboard.press("Tab");
  await dialog.getByLabel("Claude Code, heavy").fill("opus, sonnet");
  await dialog.getByLabel("Codex, light").fill("-o evil");
  await page.keyboard.press("Tab");
  await expect(page.getByText("is no model's name")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);

  await page.reload();
  await page.getByRole("button", { name: /limits and models/ }).click();
  await expect(dialog.getByLabel("In all", { exact: true })).toHaveValue("3");
  await expect(dialog.getByLabel("When it fails")).toHaveValue("find out why, then try again");
  await expect(dialog.getByLabel("Quiet from")).toHaveValue("22:30");
  await expect(dialog.getByLabel("Spend at most, in dollars")).toHaveValue("");
  await expect(dialog.getByLabel("Claude Code, heavy")).toHaveValue("opus, sonnet");
  await dialog.getByRole("button", { name: "No quiet hours" }).click();
  await expect(dialog.getByLabel("Quiet until")).toHaveValue("");
});

test("a task that failed is looked at and tried again, with a countdown that a click ends", async ({ page, world }) => {
  await plan(page, world, goal("[[task 2: fail-once]]", LIST));
  await node(page, /^2, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByLabel("What happens").selectOption({ label: "find out why, then try again" });
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^2, .*tried again in \d+s.*cannot be done/)).toHaveAttribute("data-status", "pending");
  await page.getByRole("tab", { name: "Chat" }).click();
  await expect(page.getByText("Looks at why it failed")).toBeVisible();
  const wait = page.locator(".short");
  await expect(wait).toContainText(/tried again in \d+s \(\d\d:\d\d\), cannot be done/);
  await wait.getByRole("button", { name: "Try now" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await expect(wait).toHaveCount(0);
});

test("a wait is cancelled with its task", async ({ page, world }) => {
  await plan(page, world, goal("[[task 2: limit=3000]]", LIST));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await node(page, /^2, .*rate limit reached/).click();
  const wait = page.locator(".short");
  await expect(wait).toContainText(/resumes in (49|50)m \d\ds \(\d\d:\d\d\), rate limit reached/);
  await wait.getByRole("button", { name: "Cancel" }).click();
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "cancelled");
});
