// A conversation of any length opens at its end, is read back in pages, and holds a bounded part of itself.
import { expect, goal, node, plan, test } from "./world.js";

const LINES = 200_000;

/** A goal whose first task is a command that writes many lines; gives when they are all there. */
async function written(page, world) {
  await plan(page, world, goal("", [`Run \`seq -f 'line %.0f of the long run' 1 ${LINES}\``, "write the tests"]));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "completed");
}

test("a long run opens at its end and is read back to its first line", async ({ page, world }) => {
  await written(page, world);
  await node(page, /^1, /).click();
  const talk = page.getByRole("log");
  const end = talk.locator(".raw").last();
  await expect(end).toContainText(`line ${LINES} of the long run`);
  const earlier = talk.getByRole("button", { name: /Show earlier output/ });
  const held = () => talk.locator(".raw").evaluateAll((blocks) => blocks.reduce((sum, block) => sum + block.textContent.length, 0));
  let most = await held();
  expect(most).toBeLessThan(400_000);
  while (await earlier.isVisible()) {
    const before = await earlier.textContent();
    await earlier.click();
    await expect(earlier.filter({ hasText: before })).toBeHidden();
    most = Math.max(most, await held());
  }
  expect(most).toBeLessThan(5_000_000);
  // 200,000 lines are 5 MB and more.
  const first = talk.locator(".raw").first();
  await expect(first).toContainText("line 1 of the long run\nline 2 of");
  // What left at the end comes back by itself or by a click, and nothing is missing between.
  const later = talk.getByRole("button", { name: "Show what follows" });
  while (await later.isVisible()) {
    const before = await end.textContent();
    await later.click();
    await expect(async () => expect((await end.textContent()) !== before || (await later.isHidden())).toBe(true)).toPass();
  }
  await expect(end).toContainText(`line ${LINES} of the long run`);
  const numbers = await talk.locator(".raw").evaluateAll((blocks) => blocks.flatMap((block) => [...block.textContent.matchAll(/^line (\d+) of/gm)].map((line) => Number(line[1]))));
  for (let place = 1; place < numbers.length; place++) {
    if (numbers[place] !== numbers[place - 1] + 1) throw new Error(`${numbers[place - 1]} is followed by ${numbers[place]}`);
  }
});

test("what is found in a long run is shown where it stands", async ({ page, world }) => {
  await written(page, world);
  await page.keyboard.press("Control+k");
  const [field, hits] = [page.getByRole("combobox", { name: /Search/ }), page.getByRole("listbox", { name: "What was found" })];
  await expect(field).toBeFocused();
  await expect(async () => {
    await field.fill("");
    await field.fill('"line 4321 of"');
    await expect(hits.getByRole("option", { name: /line 4321 of the long run/ })).toBeVisible({ timeout: 1_500 });
  }).toPass();
  await page.keyboard.press("Enter");
  const found = page.locator("[data-sought]");
  await expect(found).toHaveText("line 4321 of the long run");
  await expect(found).toBeInViewport();
  await expect(page.getByRole("button", { name: "Show what follows" })).toBeAttached();
});

test("search finds tasks, words of people and of agents, by keyboard", async ({ page, world }) => {
  await plan(page, world, goal("Mind the pelican."));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^5, /)).toHaveAttribute("data-status", "completed");
  await page.keyboard.press("/");
  const [field, hits] = [page.getByRole("combobox", { name: /Search/ }), page.getByRole("listbox", { name: "What was found" })];
  await field.fill("schema");
  await expect(hits.getByRole("option", { name: /2\s+Design the database schema/i }).first()).toBeVisible();
  await expect(async () => {
    await field.fill("");
    await field.fill("pelic");
    await expect(hits.getByRole("option").first()).toContainText("pelican", { timeout: 1_500 });
  }).toPass();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Search" })).toBeHidden();
  await expect(page.locator("[data-sought]")).toContainText("pelican");
  await page.keyboard.press("Control+k");
  await field.fill("nowhere at all");
  await expect(page.getByText("Nothing has all of these words")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(field).toBeHidden();
});
