// Done needs evidence: what is wanted is chosen in the page, and what was shown is seen there.
import { expect, goal, node, plan, test, top } from "./world.js";

const LIST = ["read the code", "write the report", "check the report"];

test("a reviewer rejects, the worker repairs, and both are seen", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("radio", { name: /^Reviewed/ }).check();
  await plan(page, world, goal("[[task 1: reject-once slow=30]] [[task 2: lie]]", LIST));
  await node(page, /^2, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const wanted = page.getByRole("group", { name: "Counts as done when" });
  await wanted.getByLabel("The expected files are there").check();
  await wanted.getByLabel(/These commands end with 0/).fill("true");
  await wanted.getByLabel(/These commands end with 0/).blur();
  await page.getByRole("button", { name: /Approve and start/ }).click();

  await expect(node(page, /^1, .*(repairing 1 of 2|another agent reviews it)/)).toBeVisible();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "completed");
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "failed");
  const shown = page.getByRole("list", { name: "Shown of its last work" });
  await expect(shown).toContainText("outputs_exist");
  await expect(shown).toContainText("demo/lie.md is not there.");
  await page.getByRole("tab", { name: "Chat" }).click();
  const chat = page.getByRole("log", { name: "Conversation" });
  await expect(chat).toContainText("outputs_exist does not hold");
  await expect(chat).toContainText("Failed: a check does not hold");
  await node(page, /^1, /).click();
  await expect(chat).toContainText("The reviewer does not let it pass");
  await expect(chat).toContainText("The reviewer lets it pass.");
  await node(page, /^2, /).click();
  await page.getByRole("button", { name: "Mark as done" }).first().click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("an autonomous goal asks nobody about its plan", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("radio", { name: /^Autonomous/ }).check();
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByRole("textbox", { name: "Goal", exact: true }).fill(goal("", LIST));
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});
