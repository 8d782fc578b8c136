// A plan and a result as Markdown, on the clipboard or taken by hand.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

const toast = (page) => page.locator(".toast");

test("a plan and a result are copied as Markdown, and it says what was", async ({ page, context, world }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await plan(page, world, goal());
  await page.getByRole("button", { name: "Copy the plan as Markdown" }).click();
  await expect(toast(page)).toContainText(/^Copied Add a shopping cart.* as Markdown\.$/);
  expect(await clipboard()).toMatch(/^# Add a shopping cart[^]*\n- \[ \] 1 .*\n- \[ \] 2 /);
  await node(page, /^2, /).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Copy as Markdown" }).click();
  await expect(toast(page)).toContainText("Copied 2 Design the database schema as Markdown.");
  expect(await clipboard()).toMatch(/^# 2 /);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await node(page, /^1, /).click();
  await page.getByRole("button", { name: "Copy the result as Markdown" }).click();
  await expect(toast(page)).toContainText("Copied the result as Markdown.");
  expect((await clipboard()).trim()).not.toBe("");
});

test("where nothing may be put on the clipboard, the text is there to be taken by hand", async ({ page, world }) => {
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("Write permission denied.", "NotAllowedError"));
  });
  await plan(page, world, goal());
  for (const _ of [1, 2]) {
    await page.getByRole("button", { name: "Copy the plan as Markdown" }).click();
    const text = page.getByLabel("Text to copy");
    await expect(text).toHaveValue(/^# Add a shopping cart/);
    await expect(text).toBeFocused();
    await expect.poll(() => text.evaluate((field) => field.selectionEnd - field.selectionStart === field.value.length)).toBe(true);
    await shots(page, "copy-by-hand");
    await page.keyboard.press("Escape");
    await expect(text).toHaveCount(0);
  }
  await expect(toast(page)).toHaveCount(0);
});
