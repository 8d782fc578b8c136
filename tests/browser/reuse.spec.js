// A result that is used again: allowed by a switch, told where it is from, and done anew when the person wishes.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { BIN, expect, node, shots, test } from "./world.js";

test("a task that was done in a folder that is as it was is given its result", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: /limits and models/ }).click();
  await page.locator("summary", { hasText: "Each task" }).click();
  const reuse = page.getByLabel(/its result is used again/);
  await expect(reuse).not.toBeChecked();
  await reuse.check();
  await shots(page, "reuse-limits");
  await page.keyboard.press("Escape");
  const limits = execFileSync(BIN, ["limits", "--data-dir", path.join(world.home, "data")]).toString();
  expect(limits).toMatch(/^--reuse +true/m);

  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByLabel("Goal", { exact: true }).last().fill("[[demo tasks=3 shape=chain]]");
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^3, /)).toHaveAttribute("data-status", "completed");
  // The first wrote its note, the second finds it there and changes nothing.
  for (const copy of ["4", "5"]) {
    await node(page, /^1, /).click();
    await page.keyboard.press("y");
    await expect(node(page, new RegExp(`^${copy}, `))).toHaveAttribute("data-status", "completed");
  }
  await node(page, /^5, /).click();
  const words = /^Taken from 4 .*: the same words and agent/;
  await expect(page.getByText("Completed, by an earlier result")).toBeVisible();
  await expect(page.getByText(words)).toBeVisible();
  await shots(page, "reuse-said");
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByText(words)).toBeVisible();
  await shots(page, "reuse-details");
  await page.getByRole("tab", { name: "Chat" }).click();
  await page.getByRole("button", { name: "Run it anyway" }).click();
  await expect(page.getByText("You asked for a fresh attempt.")).toBeVisible();
  await expect(node(page, /^5, /)).toHaveAttribute("data-status", "completed");
  await expect(page.getByText(words)).toBeHidden();
  await expect(page.getByRole("button", { name: "Run it anyway" })).toBeHidden();
});
