// A task's terminal in the page: opened, typed into, left by the keyboard, there after a reload, ended.
import { expect, node, shots, test } from "./world.js";

/** A goal with one interactive task, which is looked at. */
async function planned(page, world) {
  await page.goto(world.url);
  await page.getByLabel("Goal", { exact: true }).last().fill("Try things");
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByRole("button", { name: "Plan it myself" }).click();
  await page.getByRole("button", { name: "Add the first task" }).click();
  await page.getByLabel("Name of the new task").fill("Look around");
  await page.keyboard.press("Enter");
  await node(page, /Look around/).click();
  await page.getByRole("tab", { name: "Terminal" }).click();
  await expect(page.getByText("There is no terminal now: its plan waits for a yes; approve that first.")).toBeVisible();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByRole("radio", { name: "with you" }).click();
  await expect(page.getByRole("radio", { name: "with you" })).toBeChecked();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await page.getByRole("tab", { name: "Terminal" }).click();
}

const screen = (page) => page.getByLabel("Screen of the terminal");
const hand = (page) => page.getByLabel(/Type into the terminal/);

test("a terminal is opened, typed into, found again after a reload, and ended", async ({ page, world }) => {
  await planned(page, world);
  await shots(page, "terminal-none");
  await page.getByRole("button", { name: "Open a terminal" }).click();
  await expect(screen(page)).toContainText("Your task: Look around");
  await expect(screen(page)).toContainText("demo>");
  await screen(page).click();
  await expect(hand(page)).toBeFocused();
  await page.keyboard.type("<b>bold</b> /k?");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Enter");
  await expect(screen(page)).toContainText("You said: <b>bold</b> /k");
  // What is pasted is typed as it is.
  await page.evaluate(() => document.execCommand("insertText", false, "pasted ä"));
  await page.keyboard.press("Enter");
  await expect(screen(page)).toContainText("You said: pasted ä");
  await shots(page, "terminal-open");
  // The keyboard comes back, and the page has its keys again.
  await page.keyboard.press("Control+]");
  await expect(hand(page)).not.toBeFocused();
  await expect(screen(page)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(hand(page)).toBeFocused();

  await page.reload();
  await expect(page.getByRole("tab", { name: "Terminal" })).toHaveAttribute("aria-selected", "true");
  await expect(screen(page)).toContainText("You said: pasted ä");
  // It has the size of the pane: more than the usual 80 columns fit there, or fewer.
  await expect.poll(() => page.locator(".term .rows > div").count()).not.toBe(24);
  await screen(page).click();
  await page.keyboard.type("still there");
  await page.keyboard.press("Enter");
  await expect(screen(page)).toContainText("You said: still there");

  await page.getByRole("button", { name: "End it" }).click();
  await expect(page.getByText(/It has ended/)).toBeVisible();
  await expect(screen(page)).toContainText("You said: still there");
  await expect(page.getByRole("button", { name: "Open another" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Mark as done" })).toBeVisible();
  await page.getByRole("tab", { name: "Chat" }).click();
  await expect(page.getByText("You opened a terminal")).toBeVisible();
  await shots(page, "terminal-ended");
});

test("what was scrolled away is there for who scrolls up, also after a reload, and typing leads back", async ({ page, world }) => {
  await planned(page, world);
  await page.getByRole("button", { name: "Open a terminal" }).click();
  await expect(screen(page)).toContainText("demo>");
  await screen(page).click();
  // Who types on before the answer sees the echo of that within it, as in any terminal.
  for (let line = 1; line <= 60; line++) {
    await page.keyboard.type(`line ${line}.\r`);
    await expect(page.locator(".term .rows").getByText(`You said: line ${line}.`, { exact: true })).toBeVisible();
  }
  const last = page.locator(".term .rows").getByText("You said: line 60.");
  await expect(last).toBeInViewport();
  const first = page.locator(".term .above").getByText("You said: line 1.", { exact: true });
  await expect(first).toHaveCount(1);
  await expect(first).not.toBeInViewport();
  await screen(page).hover();
  await page.mouse.wheel(0, -100_000);
  await expect(page.getByText("Your task: Look around")).toBeInViewport();
  await expect(last).not.toBeInViewport();
  await shots(page, "terminal-scrolled");
  await page.keyboard.type("x");
  await expect(last).toBeInViewport();

  await page.reload();
  await expect(first).toHaveCount(1);
  await expect(last).toBeInViewport();
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

  test("the keys that it has not are there", async ({ page, world }) => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await planned(page, world);
    await page.getByRole("button", { name: "Open a terminal" }).click();
    await expect(screen(page)).toContainText("demo>");
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole("button", { name: "Ctrl", exact: true }).click();
    await expect(page.getByRole("button", { name: "Ctrl", exact: true })).toHaveAttribute("aria-pressed", "true");
    await page.keyboard.type("d");
    // The end of its input.
    await expect(page.getByText(/It has ended/)).toBeVisible();
  });
});
