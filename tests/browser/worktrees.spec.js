// A goal in a worktree of its own: the person's checkout stays as it is, and nothing of the worktree is lost when it is removed.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, goal, plan, shots, test, top } from "./world.js";

const git = (folder, ...words) => execFileSync("git", words, { cwd: folder, encoding: "utf8" }).trimEnd();

const repository = (folder) => {
  git(folder, "init", "-q", "-b", "main");
  git(folder, "config", "user.name", "a");
  git(folder, "config", "user.email", "a@b");
  fs.writeFileSync(path.join(folder, "shop.md"), "A shop.\n");
  git(folder, "add", ".");
  git(folder, "commit", "-qm", "A shop");
};

test("a goal works in a worktree, which is removed and brought back with all that is in it", async ({ page, world }) => {
  repository(world.project);
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
  // The next goal begins beside it, not in it.
  await page.getByRole("button", { name: "Orchestrator" }).click();
  await expect(page.getByLabel("Folder", { exact: true })).toHaveValue(world.project);
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

test("a list works in a worktree, of which none is made before its blanks are filled", async ({ page, world }) => {
  repository(world.project);
  await page.goto(world.url);
  await page.getByRole("button", { name: "Lists", exact: true }).click();
  await page.getByRole("button", { name: "New list" }).click();
  const form = page.getByRole("form", { name: "List" });
  await form.getByLabel("Name").fill("Notes");
  await form.getByLabel(/Tasks, one a line/).fill("Write a note on {{topic}}");
  await form.getByLabel("Goal that it becomes").fill("Note the {{topic}}");
  await form.getByLabel("Agent CLI").selectOption("Demo agent");
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Run Notes" }).click();
  const run = page.getByRole("form", { name: "Run Notes" });
  await run.getByLabel("Folder", { exact: true }).fill(world.project);
  await run.getByLabel(/^In a worktree of its own/).check();
  await run.getByRole("button", { name: "Run it" }).click();
  await expect(page.getByText("Not started: Notes needs words for topic.")).toBeVisible();
  await run.getByLabel("topic").fill("till");
  await shots(page, "worktree-list");
  await run.getByRole("button", { name: "Run it" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  expect(git(world.project, "status", "--porcelain")).toBe("");
  expect(git(world.project, "branch", "--list", "orchestrator/*", "--format=%(refname:short)")).toBe("orchestrator/note-the-till");
});
