import { expect, goal, node, plan, test } from "./world.js";

const queued = (page) => page.locator(".queued");
// A turn that reads what it is told at each of its steps, and is longer where a machine draws slowly.
const LONG = `slow=150 steps=${6 + Math.ceil(Number(process.env.FRAMES || 0) / 10)}`;
const write = async (page, words, key) => {
  await page.getByLabel("Message", { exact: true }).fill(words);
  await page.getByLabel("Message", { exact: true }).press(key);
};

test("a message waits for the next turn, or is read by the one that runs", async ({ page, world }) => {
  await plan(page, world, `${goal()} [[tasks: ${LONG}]]`);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await node(page, /^1, /).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  const now = page.getByRole("button", { name: /^Send now/ });
  await expect(now).toBeVisible();
  await write(page, "Mind the doors.", "Control+Enter");
  const said = page.locator(".msg[data-from=person]");
  await expect(said.filter({ hasText: "Mind the doors." })).toContainText(/read/);
  await expect(queued(page)).toHaveCount(0);

  await write(page, "And the windows.", "Enter");
  await expect(queued(page)).toContainText("And the windows.");
  await queued(page).getByRole("button", { name: "Edit" }).click();
  await expect(page.getByLabel("Message", { exact: true })).toHaveValue("And the windows.");
  await expect(queued(page)).toHaveCount(0);
  await page.getByLabel("Message", { exact: true }).press("Enter");
  await queued(page).getByRole("button", { name: "Send now" }).click();
  await expect(queued(page)).toHaveCount(0);
  for (const words of ["Mind the doors.", "And the windows."]) {
    await expect(said.filter({ hasText: words })).toContainText("read while it worked");
    await expect(page.locator(".msg[data-from=agent]", { hasText: words })).toHaveCount(1);
  }
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "completed", { timeout: 60_000 });
  await expect(page.getByLabel("Message", { exact: true })).toHaveAttribute("placeholder", /It goes on in the same session/);
  await expect(now).toHaveCount(0);
});
