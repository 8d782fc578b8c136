import { expect, goal, plan, shots, test, top } from "./world.js";

test("what was used is told of each kind of agent, today and in all, beside what may be spent unattended", async ({ page, world }) => {
  await page.goto(world.url);
  const usage = page.getByRole("dialog", { name: "Usage" });
  await page.getByRole("button", { name: /, usage$/ }).click();
  await expect(usage).toContainText("No agent has run yet.");
  await expect(usage).toContainText("since your last word, of $20.00");
  await page.keyboard.press("Escape");
  await plan(page, world, goal());
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await page.getByRole("button", { name: /, usage$/ }).click();
  for (const head of ["Today", "In all"]) {
    const table = usage.getByRole("table").filter({ hasText: head });
    await expect(table.getByRole("row", { name: /^Demo <\$0\.01 7 / })).toBeVisible(); // A plan, five tasks and the summary.
  }
  const models = usage.getByRole("table").filter({ hasText: "Models" });
  await expect(models.getByRole("row", { name: /^Demo, demo-heavy <\$0\.01 3 / })).toBeVisible();
  await expect(models.getByRole("row", { name: /^Demo, demo-standard <\$0\.01 4 / })).toBeVisible();
  const days = usage.getByRole("table").filter({ hasText: "Latest days" });
  await expect(days.getByRole("row", { name: /^\d{4}-\d\d-\d\d <\$0\.01 7 / })).toBeVisible();
  await expect(usage.getByRole("meter")).toBeVisible();
  // The longest that is said of a cost stays clear of what stands beside it.
  const over = await usage.locator(".sums td:nth-child(2)").evaluateAll((cells) => {
    cells.forEach((cell) => (cell.textContent = "≈ $1234.56 + unknown"));
    return cells.map((cell) => cell.scrollWidth - cell.clientWidth);
  });
  expect(Math.max(...over)).toBeLessThanOrEqual(0);
  await shots(page, "usage");
});
