// Dependencies in the tree: seen, drawn by pointer, made by keys.
import { expect, goal, node, plan, test } from "./world.js";

const lines = (page) => page.locator(".wires .dep").first();
const face = (page, number) => node(page, new RegExp(`^${number}, `));

/** Drags from one task's port onto another task. */
async function pull(page, from, onto) {
  await face(page, from).hover();
  const port = await face(page, from).locator(".port").boundingBox();
  const target = await face(page, onto).boundingBox();
  await page.mouse.move(port.x + port.width / 2, port.y + port.height / 2);
  await page.mouse.down();
  await page.mouse.move(target.x + 40, target.y + target.height / 2, { steps: 6 });
  await page.mouse.up();
}

test("a dependency is drawn from a port, seen, and taken back", async ({ page, world }) => {
  await plan(page, world, goal());
  await pull(page, 1, 5);
  await expect(face(page, 5)).toContainText("after 1");
  await expect(page.locator(".toast")).toContainText(/^5 .+ waits for 1 .+\./);
  await face(page, 5).hover();
  await expect(lines(page)).toHaveAttribute("d", /^M\d+/);
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(face(page, 5)).not.toContainText("after 1");
});

test("a port refuses a cycle by name", async ({ page, world }) => {
  await plan(page, world, goal());
  await pull(page, 1, 5);
  await expect(face(page, 5)).toContainText("after 1");
  await pull(page, 5, 1);
  await expect(page.getByRole("status").filter({ hasText: "cycle" })).toContainText(/1 .+ waits for 5 .+/);
  await expect(face(page, 1)).not.toContainText("after 5");
});

test("L and Enter make a dependency without a pointer, and drop it", async ({ page, world }) => {
  await plan(page, world, goal());
  for (const there of [true, false]) {
    await face(page, 2).click();
    await page.keyboard.press("l");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    if (there) await expect(face(page, 2)).toContainText("after 1");
    else await expect(face(page, 2)).not.toContainText("after 1");
  }
});
