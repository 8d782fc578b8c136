// Where keys go: to the open dialog, to the menu, to the task that was moved or added, and to no command behind them.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

const items = (page) => page.getByRole("treeitem");
const menu = (page) => page.getByRole("menu");
const name = (page) => page.getByLabel("Name of the new task");

test("keys behind an open dialog do nothing", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^2, /).click();
  await page.keyboard.press("e");
  const mode = node(page, /^2, /).locator(".mode");
  await expect(mode).toHaveText("hybrid");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await expect(help).toBeVisible();
  for (const key of ["Control+Enter", "z", "i", "/", "Control+k"]) await page.keyboard.press(key);
  await expect(page.getByRole("dialog")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
  await expect(page.getByRole("button", { name: /Approve and start/ })).toBeVisible();
  await expect(mode).toHaveText("hybrid");
  await expect(node(page, /^2, /)).toBeFocused();
  await page.keyboard.press("Control+z");
  await expect(mode).toHaveText("auto");
  await page.keyboard.press("Control+Shift+Z");
  await expect(mode).toHaveText("hybrid");
});

test("the menu of a task has the keys while it is open", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^2, /).click();
  await page.keyboard.press(".");
  const item = (name) => menu(page).getByRole("menuitem", { name });
  await expect(item(/^Rename/)).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(item(/^Change the mode/)).toBeFocused();
  await page.keyboard.press("z"); // Letters are no commands there.
  await page.keyboard.press("Enter");
  await expect(menu(page)).toBeHidden();
  await expect(node(page, /^2, /).locator(".mode")).toHaveText("hybrid");
  await expect(node(page, /^2, /)).toBeFocused();
  await page.keyboard.press(".");
  await page.keyboard.press("ArrowUp");
  await expect(item(/^Undo/)).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(menu(page)).toBeHidden();
  await expect(node(page, /^2, /)).toBeFocused();
  // The task that it was opened on is meant, also where another is chosen.
  await node(page, /^4, /).click({ button: "right" });
  await item(/^Write to it/).click();
  await expect(page.getByLabel("Message", { exact: true })).toBeFocused();
  await expect(node(page, /^4, /)).toHaveAttribute("aria-selected", "true");
});

test("who moves a task by keys goes on by keys", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^2, /).click();
  for (const [key, place] of [["Alt+ArrowDown", 3], ["Alt+ArrowDown", 4], ["Alt+ArrowUp", 3]]) {
    await page.keyboard.press(key);
    await expect(node(page, /^2, /)).toHaveAttribute("aria-posinset", String(place));
    await expect(node(page, /^2, /)).toBeFocused();
  }
  await page.keyboard.press("Alt+ArrowRight");
  await expect(node(page, /^2, /)).toHaveAttribute("aria-level", "3");
  await expect(node(page, /^2, /)).toBeFocused();
  await page.keyboard.press("z");
  await expect(node(page, /^2, /)).toHaveAttribute("aria-level", "2");
  await expect(node(page, /^2, /)).toBeFocused();
});

test("one key does not stop many agents", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: slow=200]] [[task 2: slow=200]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  await top(page).click();
  await page.keyboard.press("s");
  const question = page.getByRole("dialog", { name: "Stop all of it?" });
  await expect(question).toContainText(/agents? (is|are) at work in it/);
  await shots(page, "stop-all");
  await page.keyboard.press("Escape");
  await expect(question).toBeHidden();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  await top(page).click();
  await page.keyboard.press("s");
  await expect(question.getByRole("button", { name: "Stop all of it" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(top(page)).toHaveAttribute("data-status", "cancelled");
});

const parts = (count) => Array.from({ length: count }, (_, number) => `write part ${number + 1}`);

test("a task is added in sight, also below what is in sight", async ({ page, world }) => {
  await page.setViewportSize({ width: 1280, height: 420 });
  await plan(page, world, goal("", parts(12)));
  await node(page, /^2, /).click();
  const pane = page.locator(".field-of-work");
  await pane.evaluate((pane) => (pane.scrollTop = 350));
  await page.keyboard.press("n");
  await expect(name(page)).toBeInViewport({ ratio: 1 });
  await page.keyboard.press("Escape");
  await top(page).click();
  await page.keyboard.press("Shift+N");
  await page.keyboard.type("At the very end");
  await page.keyboard.press("Enter");
  await expect(node(page, /, At the very end/)).toBeFocused();
  await expect(node(page, /, At the very end/)).toBeInViewport();
});

test("a key that ends a composition adds nothing", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^5, /).click();
  await page.keyboard.press("n");
  const typing = await page.context().newCDPSession(page);
  await typing.send("Input.imeSetComposition", { text: "けんさく", selectionStart: 4, selectionEnd: 4 });
  await name(page).dispatchEvent("keydown", { key: "Enter", isComposing: true });
  await expect(name(page)).toHaveValue("けんさく");
  await expect(items(page)).toHaveCount(6);
  await typing.send("Input.insertText", { text: "検索" });
  await page.keyboard.press("Enter");
  await expect(node(page, /^6, 検索/)).toBeFocused();
});

test("what is typed for a name that is on its way is no command", async ({ page, world }) => {
  let held;
  let say;
  await page.routeWebSocket(/./, (socket) => {
    const bridge = socket.connectToServer();
    say = (said) => socket.send(said);
    socket.onMessage((said) => bridge.send(said));
    bridge.onMessage((said) => (held ? held.push(said) : say(said)));
  });
  await plan(page, world, goal());
  await node(page, /^3, /).click();
  held = [];
  for (const key of ["y", "F2", "e", "s", "y", "Delete"]) await page.keyboard.press(key);
  const late = held;
  held = undefined;
  late.forEach(say);
  await expect(items(page)).toHaveCount(7);
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  await page.keyboard.type("The copy");
  await page.keyboard.press("Enter");
  await expect(node(page, /, The copy/)).toBeFocused();
  await expect(node(page, /, The copy/).locator(".mode")).toHaveText("auto");
  await expect(items(page)).toHaveCount(7);
});
