// What tasks are told: the project's memory, what they need and who makes it, and what was cut to fit.
import { expect, goal, node, plan, shots, test } from "./world.js";

test("a memory is written, taken back and told, and what does not fit is said", async ({ page, world }) => {
  await plan(page, world, goal());
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByText("none yet")).toBeVisible();
  await page.getByRole("button", { name: "Memory", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^What every task of shop is told/).fill("Tests run with make.");
  await shots(page, "memory");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved the project's memory.")).toBeVisible();
  await expect(page.getByText("20 bytes", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(page.getByText("none yet")).toBeVisible();

  await page.getByRole("button", { name: "Memory", exact: true }).click();
  await dialog.getByLabel(/^What every task/).fill("word ".repeat(12_000));
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("59 KB", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "completed");
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Chat" }).click();
  await expect(page.getByText(/^Cut to fit: \d+ KB of 59 KB of the memory\./)).toBeVisible();
  await shots(page, "cut");
});

test("a goal's rules and facts are written, refused by name, taken back and told", async ({ page, world }) => {
  await plan(page, world, goal());
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByText("no rules yet")).toBeVisible();
  const dialog = page.getByRole("dialog");
  const write = async (rules, facts) => {
    await page.getByRole("button", { name: "Rules and facts" }).click();
    await dialog.getByLabel(/^Rules that every task/).fill(rules);
    await dialog.getByLabel("Facts, one a line").fill(facts);
  };
  await write("- Use no red.", "door oak");
  await expect(dialog.getByText("a fact is a line such as server = 10.0.0.7")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
  await dialog.getByLabel("Facts, one a line").fill("door = oak");
  await shots(page, "rules");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("lines of rules: 1, facts: 1")).toBeVisible();
  await page.keyboard.press("z");
  await expect(page.getByText("no rules yet")).toBeVisible();
  await write("- Use no red.", "door = oak");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.reload();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByRole("button", { name: "Rules and facts" }).click();
  await expect(dialog.getByLabel("Facts, one a line")).toHaveValue("door = oak");
});

test("a task comes after whoever makes what it needs, and a circle is refused by name", async ({ page, world }) => {
  await plan(page, world, goal());
  const details = async (number) => {
    await node(page, new RegExp(`^${number}, `)).click();
    await page.getByRole("tab", { name: "Details" }).click();
  };
  const write = async (label, text) => {
    await page.getByLabel(label).fill(text);
    await page.getByLabel(label).blur();
  };
  await details(1);
  await write("Expected when it is done, one a line", "schema.sql");
  await details(2);
  await write("Needs, one a line", "schema.sql");
  await expect(page.getByText(/^schema\.sql from 1 /)).toBeVisible();
  await expect(page.getByRole("button", { name: /^Do not wait for 1 / })).toBeVisible();
  await shots(page, "needs");
  await write("Expected when it is done, one a line", "other.md");
  await details(1);
  await write("Needs, one a line", "other.md");
  await expect(page.getByText(/^Not possible: 2 .* makes other\.md and comes after 1 .*, so that would be a cycle\.$/)).toBeVisible();
});
