// The page where a goal begins: what is chosen there holds, whatever key begins it and whatever comes between.
import { expect, goal, node, plan, test, top } from "./world.js";

const stated = (page) => page.getByLabel("Goal", { exact: true }).last();
const folder = (page) => page.getByLabel("Folder", { exact: true });
const budget = (page) => page.getByLabel("Budget, in dollars").first();
const approve = (page) => page.getByRole("button", { name: /Approve and start/ });

async function filled(page, world) {
  const broken = [];
  page.on("pageerror", (error) => broken.push(error.message));
  page.on("console", (said) => said.text().includes("panicked") && broken.push(said.text()));
  await page.goto(world.url);
  await stated(page).fill(goal());
  await folder(page).fill(world.project);
  await expect(page.getByRole("button", { name: /Make a plan/ })).toBeEnabled(); // The agents are known.
  return broken;
}

test("the budget that is being typed holds for the goal that a key begins", async ({ page, world }) => {
  const broken = await filled(page, world);
  await budget(page).fill("");
  await budget(page).pressSequentially("0.5");
  await page.keyboard.press("Control+Enter");
  await expect(approve(page)).toBeEnabled();
  await expect(budget(page)).toHaveValue("0.5");
  expect(broken).toEqual([]);
});

test("nothing begins with a budget that is none, and why is said beside it", async ({ page, world }) => {
  await filled(page, world);
  const begin = page.getByRole("button", { name: /Make a plan/ });
  for (const [wrong, why] of [["0", /Leave it empty for no limit/], ["-3", /0/], ["99999999999", /No budget is that high/]]) {
    await budget(page).fill(wrong);
    await expect(page.getByRole("alert")).toHaveText(why);
    await expect(begin).toBeDisabled();
    await page.keyboard.press("Control+Enter");
  }
  await budget(page).fill("");
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(begin).toBeEnabled();
});

test("on a button the keys that make a plan do what the button says", async ({ page, world }) => {
  await filled(page, world);
  await page.getByRole("button", { name: "Plan it myself" }).focus();
  await page.keyboard.press("Control+Enter");
  await expect(page.getByText("Your plan has no tasks yet.")).toBeVisible();
});

test("how far agents may go is there after a reload, and not for the next goal", async ({ page, world }) => {
  await filled(page, world);
  await page.getByRole("radio", { name: /Ask me first/ }).check();
  await page.getByLabel(/^In a worktree of its own/).check();
  await budget(page).pressSequentially("2.5");
  await page.reload();
  const kept = async () => {
    await expect(page.getByRole("radio", { name: /Ask me first/ })).toBeChecked();
    await expect(page.getByLabel(/^In a worktree of its own/)).toBeChecked();
    await expect(budget(page)).toHaveValue("2.5");
  };
  await kept();
  await page.getByRole("button", { name: "Prompts" }).first().click();
  await expect(page.getByRole("heading", { name: "Prompts" })).toBeVisible();
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await kept();
  await expect(page.getByRole("button", { name: /Make a plan/ })).toBeInViewport({ ratio: 1 });
  await page.getByLabel(/^In a worktree of its own/).uncheck();
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(approve(page)).toBeEnabled();
  await expect(budget(page)).toHaveValue("2.5");
  await page.getByRole("button", { name: "Orchestrator" }).click();
  await expect(stated(page)).toHaveValue("");
  await expect(folder(page)).toHaveValue(world.project);
  await expect(budget(page)).toHaveValue("");
  await expect(page.getByRole("radio", { name: /^Edit files Commands/ })).toBeChecked();
});

test("a goal begins also for whoever goes elsewhere before its folder was looked at", async ({ page, world }) => {
  await filled(page, world);
  let answer;
  await page.route("**/api/folders?path=%2F*", (route) => (answer = () => route.continue()));
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(page.getByText("Looking at the folder…")).toBeVisible();
  await page.getByRole("button", { name: "Prompts" }).first().click();
  await expect(page.getByRole("heading", { name: "Prompts" })).toBeVisible();
  await answer();
  await expect(page.locator(".toast")).toContainText("has begun");
  await page.getByRole("button", { name: "Orchestrator" }).click();
  await expect(stated(page)).toHaveValue("");
  await page.locator(".known").getByRole("button", { name: /Add a shopping cart/ }).click();
  await expect(approve(page)).toBeEnabled();
});
