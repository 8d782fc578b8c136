// Budgets: written before the plan, changed in it, asked for when they are used up.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

const LIST = ["read the code", "write the report", "check the report"];

test("a goal pauses at its budget, asks, and goes on when it is raised", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel("Budget, in dollars").fill("9");
  await plan(page, world, goal("[[demo shape=chain]] [[tasks: cost=40]]", LIST));
  const foot = page.locator("footer.approve");
  await expect(foot).toContainText("up to $3.00"); // Three tasks, a dollar each.
  await expect(foot.getByLabel("Budget, in dollars")).toHaveValue("9");
  await foot.getByLabel("Budget, in dollars").fill("0.6");
  await foot.getByLabel("Budget, in dollars").press("Enter");
  await expect(foot).toContainText("up to $0.60");
  await page.getByRole("button", { name: /Approve and start/ }).click();

  // The second is stopped after the answer that passes what is left; the goal asks, and a meter shows it.
  await expect(top(page)).toHaveAttribute("data-status", "waiting");
  await expect(node(page, /^2, .*the goal's budget of \$0\.60 used up/)).toHaveAttribute("data-status", "pending");
  await expect(page.locator(".facts").getByRole("meter")).toHaveAttribute("aria-valuenow", "100");
  await expect(page.locator(".facts")).toContainText("$0.80 of $0.60");
  await node(page, /^2, /).click();
  await page.getByRole("button", { name: "Go to it" }).click();
  const ask = page.getByRole("form", { name: "At its limit" });
  await expect(ask).toContainText("budget of $0.60 used up");
  await expect(ask.getByLabel("Budget, in dollars")).toHaveValue("1.2");
  await shots(page, "at-its-limit");
  await page.setViewportSize({ width: 390, height: 844 });
  const edge = await page.locator(".facts > :last-child").evaluate((last) => last.getBoundingClientRect().right);
  expect(edge, "a long sum pushes nothing out of the bar").toBeLessThanOrEqual(390);
  await page.setViewportSize({ width: 1440, height: 900 });
  await ask.getByLabel("Budget, in dollars").fill("2");
  await page.keyboard.press("Enter");
  await expect(ask).toHaveCount(0);
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("a task's own caps are set in its details, and it may be called done as it is", async ({ page, world }) => {
  await plan(page, world, goal("[[tasks: cost=5]]", LIST));
  await node(page, /^2, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const budget = page.getByRole("tabpanel").or(page.locator(".details")).getByLabel("Budget, in dollars");
  await expect(budget).toHaveAttribute("placeholder", "1");
  await budget.fill("0.04");
  await budget.press("Enter");
  await expect(page.locator(".details")).toContainText("$0.04 free");
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^2, .*budget of \$0\.04 used up/)).toHaveAttribute("data-status", "waiting");
  await page.getByRole("tab", { name: "Chat" }).click();
  await expect(page.getByRole("button", { name: "Raise and go on" })).toBeVisible();
  await page.getByRole("button", { name: "Mark as done" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await page.getByRole("tab", { name: "Details" }).click();
  await budget.fill("3");
  await budget.press("Enter");
  await page.reload();
  await node(page, /^2, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(budget).toHaveValue("3"); // Kept in the log.
});

test("a task has its turn by priority and time, and is done again until it is stopped", async ({ page, world }) => {
  await plan(page, world, goal("", LIST));
  await node(page, /^3, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const field = (name) => page.locator(".details").getByLabel(name);
  await field("Again after, minutes").fill("30");
  await field("Again after, minutes").press("Enter");
  // Both stand in one edit that is sent whole: the second does not undo the first, which is still on its way.
  await field("Priority, -10 to 10").fill("4");
  await field("Priority, -10 to 10").press("Enter");
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await field("Begins in, minutes").fill("20");
  await field("Begins in, minutes").press("Enter");
  await expect(page.locator(".details")).toContainText(/not before \d\d:\d\d/);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^3, .*done; again \d\d:\d\d/)).toBeVisible();
  await expect(node(page, /^1, .*starts \d\d:\d\d/)).toHaveAttribute("data-status", "pending");
  await page.reload();
  await node(page, /^3, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(field("Priority, -10 to 10")).toHaveValue("4");
  await expect(field("Again after, minutes")).toHaveValue("30");
});

test("a goal's other limits are written at its start, and a task's reviews have limits of their own", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByText("Other limits").click();
  await page.getByLabel("Requests", { exact: true }).fill("70");
  await page.getByLabel("Minutes", { exact: true }).fill("90");
  await plan(page, world, goal("", LIST));
  await top(page).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const details = page.locator(".details");
  await expect(details.getByLabel("Requests", { exact: true }).first()).toHaveValue("70");
  await expect(details.getByLabel("Minutes", { exact: true }).first()).toHaveValue("90");
  await details.getByLabel(/^Who reviews/).selectOption({ label: "The other kind of agent" });
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(details).toContainText("There is no other kind of agent for what Demo agent did. Another agent reviews.");
  await details.getByRole("radiogroup", { name: "Another agent reviews it" }).getByRole("radio", { name: "Yes" }).click();
  await page.getByText("Its reviews and repairs alone").click();
  const reviews = details.getByRole("group", { name: "Reviews" });
  await reviews.getByLabel("Requests").fill("1");
  await reviews.getByLabel("Requests").press("Enter");
  await page.reload();
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(reviews.getByLabel("Requests")).toHaveValue("1"); // Kept in the log, and open because it says something.
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, .*1 requests for reviews used up/)).toHaveAttribute("data-status", "waiting");
  await page.getByRole("tab", { name: "Chat" }).click();
  await expect(page.getByText("There is no other kind of agent for what Demo agent did. Another agent reviews.")).toBeVisible();
  const ask = page.getByRole("form", { name: "At its limit" });
  await expect(ask).toContainText("1 requests for reviews used up");
  await ask.getByLabel("Requests").fill("40");
  await page.keyboard.press("Enter");
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});
