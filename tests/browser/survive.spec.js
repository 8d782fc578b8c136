import { expect, goal, node, plan, test, top } from "./world.js";

test("a reload in mid-stream loses nothing", async ({ page, world }) => {
  await plan(page, world, goal("[[demo slow=60]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await node(page, /^1, /).click();
  await expect(page.locator(".msg[data-from=agent] .prose").first()).not.toBeEmpty();
  await page.reload();
  await expect(page.locator(".msg[data-from=agent] .prose").first()).not.toBeEmpty();
  await expect(top(page)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
});

test("a killed bridge comes back with everything, and the work goes on", async ({ page, world }) => {
  await plan(page, world, goal("[[demo slow=60]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.locator(".node[data-status=active]").first()).toBeVisible();
  await world.kill();
  await expect(page.getByText(/The bridge is gone/)).toBeVisible();
  await expect(page.getByRole("treeitem")).toHaveCount(6); // Readable meanwhile.
  await world.start();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(top(page)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
});

test("a second tab sees the same and takes over when the first closes", async ({ page, world, context }) => {
  await plan(page, world, goal("[[demo slow=60]]"));
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(second.getByText("Another tab decides")).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.locator(".node[data-status=active]").first()).toBeVisible();
  await page.close();
  await expect(second.getByText("This tab decides")).toBeVisible();
  await expect(top(second)).toHaveAttribute("data-status", "completed", { timeout: 40_000 });
});

test("a browser without the secret is told how to get in", async ({ page, world }) => {
  await page.goto(new URL("/", world.url).href);
  await expect(page.getByText("This browser is not signed in.")).toBeVisible();
});

test("a folder that is missing and a bad plan are said in words", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel("Goal", { exact: true }).last().fill("anything");
  await page.getByLabel("Folder", { exact: true }).fill(`${world.project}/not-there`);
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(page.getByRole("status").filter({ hasText: "is not a folder" })).toBeVisible();
  await plan(page, world, goal("[[demo plan=cycle-once]]"));
  await expect(page.getByText("The planner's answer cannot be used")).toBeVisible();
});
