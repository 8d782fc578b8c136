// A goal in a worktree of its own: the person's checkout stays as it is, and nothing of the worktree is lost when it is removed.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, goal, plan, shots, test, top } from "./world.js";

const git = (folder, ...words) => execFileSync("git", words, { cwd: folder, encoding: "utf8" }).trimEnd();

test("a goal works in a worktree, which is removed and brought back with all that is in it", async ({ page, world }) => {
  git(world.project, "init", "-q", "-b", "main");
  git(world.project, "config", "user.name", "a");
  git(world.project, "config", "user.email", "a@b");
  fs.writeFileSync(path.join(world.project, "shop.md"), "A shop.\n");
  git(world.project, "add", ".");
  git(world.project, "commit", "-qm", "A shop");
  fs.writeFileSync(path.join(world.project, "mine.txt"), "not yet\n");

  await page.goto(world.url);
  await page.getByLabel(/^In a worktree of its own/).check();
  await shots(page, "worktree-start");
  await plan(page, world, goal("", ["write a note"]));
  await expect(page.getByRole("status").filter({ hasText: "One change in" })).toBeVisible();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  expect(git(world.project, "status", "--porcelain")).toBe("?? mine.txt");
  await top(page).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByText("git merge orchestrator/add-a-shopping-cart", { exact: true })).toBeVisible();
  await shots(page, "worktree-details");

  await page.getByRole("button", { name: "Worktrees", exact: true }).click();
  const row = page.getByRole("listitem").filter({ hasText: "orchestrator/add-a-shopping-cart" });
  await expect(row).toContainText(/\d+ not committed/);
  await row.getByRole("button", { name: /^Remove/ }).click();
  await expect(row.getByRole("status")).toContainText("it can be brought back");
  await shots(page, "worktree-remove");
  await row.getByRole("button", { name: /^Really remove/ }).click();
  await expect(row).toContainText("what was not committed is in");
  await row.getByRole("button", { name: /^Bring back/ }).click();
  await expect(row).toContainText(/\d+ not committed/);
  await row.getByRole("button", { name: /Add a shopping cart/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("a folder that is in no repository gets none, and says why", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel(/^In a worktree of its own/).check();
  await page.getByLabel("Goal", { exact: true }).last().fill("Add a cart");
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(page.getByText(/^Not started: .*repository/)).toBeVisible();
  await expect(page.getByLabel("Goal", { exact: true }).last()).toHaveValue("Add a cart");
});
