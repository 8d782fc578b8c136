// The size of a task that nobody gave one: what it is found to be and why, and that a choice stands above it.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { BIN, expect, goal, node, plan, shots, test } from "./world.js";

test("a task without a size says what it is found to be, and a choice stands above it", async ({ page, world }) => {
  await plan(page, world, goal("", ["read the code", "write the report", "check the report"]));
  await page.getByRole("button", { name: "Add a task" }).first().click();
  const field = page.getByLabel("Name of the new task");
  await expect(field).toBeFocused();
  await field.fill("Rename the cart");
  await page.keyboard.press("Enter");
  await node(page, /Rename the cart/).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const sizes = page.getByRole("radiogroup", { name: "Size" });
  await expect(sizes.getByRole("radio", { name: "auto" })).toBeChecked();
  await expect(page.getByText(/^auto → light, because it begins with “rename” and it is said in \d+ words/)).toBeVisible();
  await shots(page, "sizes");
  await sizes.getByRole("radio", { name: "heavy" }).click();
  await expect(sizes.getByRole("radio", { name: "heavy" })).toBeChecked();
  await expect(page.getByText(/^auto →/)).toBeHidden();
  await sizes.getByRole("radio", { name: "auto" }).click();
  await page.getByRole("button", { name: /limits and models/ }).click();
  await page.getByLabel("The size of a task that nobody gave one").selectOption("always standard");
  await shots(page, "sizes-limits");
  await page.keyboard.press("Escape");
  await expect(page.getByText("auto → standard, because sizes are not found out")).toBeVisible();
  const limits = (...more) => execFileSync(BIN, ["limits", ...more, "--data-dir", path.join(world.home, "data")]).toString();
  expect(limits()).toContain("nobody gave one: always standard");
  expect(limits("--sizes", "rule")).toContain("nobody gave one: found out by a rule");
  await expect(page.getByText(/^auto → light/)).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /Rename the cart/)).toHaveAttribute("data-status", "completed");
  await expect(page.getByText(/^auto → light/)).toBeVisible();
});
