// Lists of tasks: kept from a goal, written line by line, run with their blanks filled in, retired.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

const LIST = ["read the code", "write the report", "check the report"];

test("the tasks of a goal are kept, and run again with one click", async ({ page, world }) => {
  await plan(page, world, goal("", LIST));
  await top(page).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const name = page.getByLabel("Keep its tasks as a list, to run them again");
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  await expect(page.getByText("Not saved: a list needs a name.")).toBeVisible();
  await name.fill("Reports");
  await shots(page, "lists-keep");
  await name.press("Enter");
  await expect(page.getByText("The list Reports is kept under Lists.")).toBeVisible();

  await page.getByRole("button", { name: "Prompts" }).first().click();
  await page.getByRole("tab", { name: "Lists" }).click();
  await expect(page.getByRole("listitem")).toHaveCount(3);
  await page.getByRole("button", { name: "Change Reports" }).click();
  await expect(page.getByRole("form", { name: "List" }).getByLabel(/Tasks, one a line/)).toBeDisabled();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Run Reports" }).click();
  await page.getByRole("button", { name: "Run it" }).click();
  await expect(node(page, /^3, /)).toHaveAttribute("data-status", "completed");
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("how the goal of a list is gone about is kept, shown, and may be another at each run", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByLabel("Goal", { exact: true }).last().fill(goal("", LIST));
  await page.getByLabel(/^Reviewed/).check();
  await page.getByLabel(/^Only read/).check();
  await page.getByLabel("Budget, in dollars").fill("7");
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(page.getByRole("button", { name: /Approve and start/ })).toBeVisible();
  await top(page).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByLabel("Keep its tasks as a list, to run them again").fill("Careful");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Prompts" }).first().click();
  await page.getByRole("tab", { name: "Lists" }).click();
  await expect(page.getByText("· only reading · reviewed · budget of $7.00")).toBeVisible();

  await page.getByRole("button", { name: "Change Careful" }).click();
  const form = page.getByRole("form", { name: "List" });
  await form.getByText("How its goal is gone about").click();
  await expect(form.getByLabel(/^Only read/)).toBeChecked();
  await form.getByLabel(/^Ask me first/).check();
  await form.getByLabel("Rules that each of its tasks is told").fill("Look at {{branch}} alone.");
  await shots(page, "lists-terms");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("· asking first · reviewed · rules of its own · budget of $7.00")).toBeVisible();

  await page.getByRole("button", { name: "Run Careful" }).click();
  const run = page.getByRole("form", { name: "Run Careful" });
  await run.getByText("How its goal is gone about").click();
  await run.getByLabel(/^Edit files(?! and)/).check();
  await run.getByLabel(/^Autonomous/).check();
  await run.getByLabel("Budget, in dollars").fill("8");
  await run.getByLabel("branch", { exact: true }).fill("main");
  await shots(page, "lists-terms-run");
  await page.setViewportSize({ width: 390, height: 844 });
  const edge = await page.getByRole("button", { name: "Retire Careful" }).evaluate((button) => button.getBoundingClientRect().right);
  expect(edge, "what can be done with a list is in sight, however much is said of it").toBeLessThanOrEqual(390);
  await page.setViewportSize({ width: 1440, height: 900 });
  await run.getByRole("button", { name: "Run it" }).click();
  await top(page).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByRole("radio", { name: "Autonomous" })).toBeChecked();
  await expect(page.getByLabel("Budget, in dollars").first()).toHaveValue("8");
  await page.getByRole("button", { name: "Rules and facts" }).click();
  await expect(page.getByLabel("Rules that every task of this goal is told")).toHaveValue("Look at main alone.");
});

test("a list is written line by line, filled in, refused by name, and retired", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: "Lists", exact: true }).click();
  await expect(page.getByText("There is no list yet.")).toBeVisible();
  await shots(page, "lists-none");
  await page.getByRole("button", { name: "New list" }).click();
  const form = page.getByRole("form", { name: "List" });
  await form.getByLabel("Name").fill("Reviews");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Not saved: a list needs at least one task.")).toBeVisible();
  await form.getByLabel(/Tasks, one a line/).fill("Review {{branch}} for mistakes\nReview {{branch}} for speed");
  await form.getByLabel("Goal that it becomes").fill("Review {{branch}}");
  await form.getByLabel("Agent CLI").selectOption("Demo agent");
  await shots(page, "lists-form");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("listitem")).toHaveText(["1 Review {{branch}} for mistakes", "2 Review {{branch}} for speed"]);

  await page.getByRole("button", { name: "Run Reviews" }).click();
  const run = page.getByRole("form", { name: "Run Reviews" });
  await run.getByRole("button", { name: "Run it" }).click();
  await expect(page.getByText("Not started: Reviews needs words for branch.")).toBeVisible();
  await run.getByLabel("branch", { exact: true }).fill("main");
  await run.getByRole("button", { name: "Run it" }).click();
  await expect(page.getByText("Not started: choose a folder first.")).toBeVisible();
  await run.getByLabel("Folder", { exact: true }).fill(world.project);
  await shots(page, "lists-run");
  await run.getByRole("button", { name: "Run it" }).click();
  await expect(node(page, /^1, Review main for mistakes/)).toHaveAttribute("data-status", "completed");
  await expect(page.getByRole("heading", { name: "Review main", exact: true }).first()).toBeVisible();

  await page.goBack();
  await page.getByRole("button", { name: "Change Reviews" }).click();
  await form.getByLabel(/Tasks, one a line/).fill("Review {{branch}}");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: "Retire Reviews" }).click();
  await expect(page.getByText("There is no list yet.")).toBeVisible();
});
