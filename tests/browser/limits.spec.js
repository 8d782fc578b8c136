// Limits and models in a dialog, and what becomes of a task that fails.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

const SPEND = "what may be spent since you last did anything";
const LIST = ["read the code", "write the report", "check the report"];

const open = (dialog, group) => dialog.locator("summary", { hasText: group }).click();

test("limits and models are set by keyboard and kept in the log", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: /limits and models/ }).press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("agents at the same time", { exact: true }).fill("3");
  await page.keyboard.press("Tab");
  await expect(page.locator(".facts")).toContainText("0/3");
  await open(dialog, "When something fails");
  await open(dialog, "While you do nothing");
  await dialog.getByLabel("When it fails").selectOption({ label: "find out why, then try again" });
  await dialog.getByLabel("Quiet from").fill("22:30");
  await page.keyboard.press("Tab");
  await expect(dialog.getByLabel("Quiet until")).toHaveValue("07:00");
  await dialog.getByLabel(SPEND).fill("");
  await page.keyboard.press("Tab");
  await dialog.getByLabel("Claude Code, heavy").fill("opus, sonnet");
  await dialog.getByLabel("Codex, light").fill("-o evil");
  await page.keyboard.press("Tab");
  await expect(page.getByText("is no model's name")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);

  await page.reload();
  await page.getByRole("button", { name: /limits and models/ }).click();
  await open(dialog, "When something fails");
  await open(dialog, "While you do nothing");
  await expect(dialog.getByLabel("agents at the same time", { exact: true })).toHaveValue("3");
  await expect(dialog.getByLabel("When it fails")).toHaveValue("find out why, then try again");
  await expect(dialog.getByLabel("Quiet from")).toHaveValue("22:30");
  await expect(dialog.getByLabel(SPEND)).toHaveValue("");
  await expect(dialog.getByLabel("Claude Code, heavy")).toHaveValue("opus, sonnet");
  await dialog.getByRole("button", { name: "No quiet hours" }).click();
  await expect(dialog.getByLabel("Quiet until")).toHaveValue("");
});

test("what models cost is said where they are chosen, and what is no price is refused beside it", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: /limits and models/ }).click();
  const field = page.getByRole("dialog").getByRole("textbox", { name: "Codex, prices" });
  const set = async (text) => {
    await field.fill(text);
    await page.keyboard.press("Tab");
  };
  await set("gpt-5=1.25/10 gpt-5-mini");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(field).toHaveAccessibleDescription(/"gpt-5-mini" is no price of a model/);
  await expect(field).toHaveValue("gpt-5=1.25/10 gpt-5-mini");
  await field.scrollIntoViewIfNeeded();
  await shots(page, "limits-prices");
  await set("gpt-5=1.25/10 *=2/4");
  await expect(field).toHaveValue("*=2/4, gpt-5=1.25/10");
  await expect(field).toHaveAttribute("aria-invalid", "false");
  await page.reload();
  await page.getByRole("button", { name: /limits and models/ }).click();
  await expect(field).toHaveValue("*=2/4, gpt-5=1.25/10");
  await expect(page.getByRole("textbox", { name: "Claude Code, prices" })).toHaveValue("");
  await set("");
  await page.reload();
  await page.getByRole("button", { name: /limits and models/ }).click();
  await expect(field).toHaveValue("");
});

test("every bound is in the dialog with its range, and one that cannot be is refused in words and taken back", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: /limits and models/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.locator(".bound")).toHaveCount(28);
  const group = dialog.locator(".group", { hasText: "Plans" });
  await expect(group.locator(".bound").first()).toBeHidden();
  await open(dialog, "Plans");
  const set = async (label, text) => {
    await dialog.getByLabel(label, { exact: true }).fill(text);
    await page.keyboard.press("Tab");
  };
  const depth = dialog.locator(".bound", { hasText: "levels of tasks below a goal" });
  await expect(depth).toContainText("1 to 100");
  for (const [text, problem] of [["200", "It goes from 1 to 100."], ["", "It cannot be lifted"], ["many", '"many" is no whole number.']]) {
    await set("levels of tasks below a goal", text);
    await expect(depth.getByRole("status")).toContainText(problem);
    await expect(depth.getByRole("textbox")).toHaveAttribute("aria-invalid", "true");
  }
  await depth.getByRole("button", { name: "Back to 4" }).click();
  await expect(depth.getByRole("textbox")).toHaveValue("4");
  await expect(depth.getByRole("status")).toHaveText("1 to 100");
  await set("tasks that a plan has at least", "13");
  await expect(group).toContainText("A plan would have more tasks at least than at most.");
  await expect(group.locator("summary")).not.toContainText("changed");
  await open(dialog, "What is worth a look");
  await set("after what you are warned of a turn that goes on", "120m");
  await expect(dialog.getByLabel("after what you are warned of a turn that goes on")).toHaveValue("2h");
  await expect(dialog.locator("summary", { hasText: "What is worth a look" })).toContainText("1 changed");
  await shots(page, "limits");
  await page.reload();
  await page.getByRole("button", { name: /limits and models/ }).click();
  await open(dialog, "What is worth a look");
  const long = dialog.locator(".bound", { hasText: "a turn that goes on" });
  await expect(long.getByRole("textbox")).toHaveValue("2h");
  await long.getByRole("button", { name: "Back to 1h" }).click();
  await expect(long.getByRole("button")).toHaveCount(0);
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
