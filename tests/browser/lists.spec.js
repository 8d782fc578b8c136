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
  await page.getByRole("button", { name: "Leave it" }).click();
  await page.getByRole("button", { name: "Run Reports" }).click();
  await page.getByRole("button", { name: "Run it" }).click();
  await expect(node(page, /^3, /)).toHaveAttribute("data-status", "completed");
  await expect(top(page)).toHaveAttribute("data-status", "completed");
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
  await run.getByLabel("branch").fill("main");
  await run.getByRole("button", { name: "Run it" }).click();
  await expect(page.getByText("Not started: choose a folder first.")).toBeVisible();
  await run.getByLabel("Folder").fill(world.project);
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
