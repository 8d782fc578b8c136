// What the hand does: two clicks, the menu, a message taken back, a mode changed while a turn runs, and what a reload keeps.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

const message = (page) => page.getByLabel("Message", { exact: true });
const toast = (page) => page.locator(".toast");

test("two clicks change a task's mode, and the menu's items do what they say", async ({ page, world }) => {
  await plan(page, world, goal());
  const mode = node(page, /^1, /).locator(".mode");
  const before = await mode.innerText();
  await node(page, /^1, /).locator(".called").dblclick();
  await expect(mode).not.toHaveText(before);
  await expect(toast(page)).toContainText(`Mode: ${await mode.innerText()}.`);
  await toast(page).getByRole("button", { name: "Undo" }).click();
  await expect(mode).toHaveText(before);

  const choose = async (task, item) => {
    await node(page, task).click({ button: "right" });
    await page.getByRole("menuitem", { name: item }).click();
    await expect(page.getByRole("menu")).toBeHidden();
  };
  await choose(/^1, /, /^Change the mode/);
  await expect(mode).not.toHaveText(before);
  await choose(/^5, /, /^Remove/);
  await expect(page.getByRole("treeitem")).toHaveCount(5);
  await choose(/^4, /, /^Clone/);
  await expect(page.getByRole("treeitem")).toHaveCount(6);
  await choose(/^3, /, /^Rename/);
  await page.keyboard.type("Write it down");
  await page.keyboard.press("Enter");
  await expect(node(page, /^3, Write it down/)).toBeVisible();
  await choose(/^3, /, /^Move/);
  const places = page.getByRole("dialog", { name: /^Move/ });
  await expect(places.getByRole("button", { name: "3 Write it down" })).toHaveCount(0); // Not under itself.
  await page.keyboard.type("2 ");
  await page.keyboard.press("Enter");
  await expect(places).toBeHidden();
  await expect(toast(page)).toContainText(/^Moved under 2 /);
  await expect(node(page, /^3, /)).toHaveAttribute("aria-level", "3");
  await expect(node(page, /^3, /)).toBeFocused();
  await page.keyboard.press("m");
  await page.keyboard.type("no such task");
  await expect(places.getByRole("status")).toHaveText("No task of that name can take it in.");
  await page.keyboard.press("Escape");
  await toast(page).getByRole("button", { name: "Undo" }).click();
  await expect(node(page, /^3, /)).toHaveAttribute("aria-level", "2");
  await choose(/^2, /, /^Write to it/);
  await expect(message(page)).toBeFocused();
});

test("a name that is typed before the next frame is drawn is taken whole", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^1, /).click();
  // Frames come late from here on: what waits for one comes in the midst of the typing, and tells so.
  await page.evaluate(() => {
    const soon = window.requestAnimationFrame.bind(window);
    window.late = 0;
    window.requestAnimationFrame = (drawn) => setTimeout(() => soon((at) => (window.late++, drawn(at))), 150);
  });
  for (const title of ["Look around first", "Look around twice"]) {
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("F2");
    const before = await page.evaluate(() => window.late);
    await page.keyboard.type(title, { delay: 40 });
    expect(await page.evaluate(() => window.late)).toBeGreaterThan(before);
    await page.keyboard.press("Enter");
  }
  await expect(node(page, /^2, Look around first/)).toBeVisible();
  await expect(node(page, /^3, Look around twice/)).toBeVisible();
});

test("what is written before the next frame is drawn is sent", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^5, /).click();
  await page.evaluate(() => {
    const soon = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (drawn) => setTimeout(() => soon(drawn), 400);
  });
  await page.keyboard.press("Delete");
  await message(page).fill("Add a changelog.");
  await page.evaluate(() => new Promise(requestAnimationFrame)); // Those that were asked for before come before it.
  await expect(message(page)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator(".msg[data-from=person]", { hasText: "Add a changelog." })).toBeVisible();
});

test("who goes from a name to the conversation writes there", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^1, /).click();
  await page.keyboard.press("F2");
  await page.keyboard.type("Look around");
  await message(page).click();
  await page.keyboard.type("please stop");
  await expect(message(page)).toHaveValue("please stop");
  await expect(node(page, /^1, Look around/)).toBeVisible();
  await expect(page.getByRole("treeitem")).toHaveCount(6);
});

/** As over a slow wire: what the bridge says is held back from `hold` until `release`, and comes in its order. */
async function slowly(page) {
  let held;
  let say;
  await page.routeWebSocket(/./, (socket) => {
    const bridge = socket.connectToServer();
    say = (said) => socket.send(said);
    socket.onMessage((said) => bridge.send(said));
    bridge.onMessage((said) => (held ? held.push(said) : say(said)));
  });
  return {
    hold: () => (held = []),
    release() {
      const late = held;
      held = undefined;
      late.forEach(say);
    },
  };
}

test("keys that are quicker than the bridge build on each other, and so does what takes them back", async ({ page, world }) => {
  const wire = await slowly(page);
  await plan(page, world, goal());
  const research = node(page, /, Research/);
  const mode = research.locator(".mode");
  await expect(mode).toHaveText("auto");
  await node(page, /^1, /).click();
  wire.hold();
  for (const key of ["e", "e", "Alt+ArrowDown", "Alt+ArrowDown", "e", "z"]) await page.keyboard.press(key);
  await expect(mode).toHaveText("auto"); // Nothing is shown that is not so yet.
  wire.release();
  await expect(research).toHaveAttribute("aria-posinset", "3");
  await expect(mode).toHaveText("with you");
  wire.hold();
  for (const key of ["z", "z", "z"]) await page.keyboard.press(key);
  wire.release();
  await expect(research).toHaveAttribute("aria-posinset", "1");
  await expect(mode).toHaveText("hybrid");
  await page.keyboard.press("z");
  await expect(mode).toHaveText("auto");
});

test("a task is added with its name, and nothing is there before", async ({ page, world }) => {
  const wire = await slowly(page);
  await plan(page, world, goal());
  const tasks = page.getByRole("treeitem");
  const name = page.getByLabel("Name of the new task");
  await node(page, /^5, /).click();
  await page.keyboard.press("n");
  await page.keyboard.type("New eyes"); // Each of these letters is a command elsewhere.
  await shots(page, "new-task");
  await name.press("Escape");
  await expect(name).toBeHidden();
  await expect(node(page, /^5, /)).toBeFocused();
  await expect(tasks).toHaveCount(6);

  // Also where the bridge is far away.
  wire.hold();
  await page.keyboard.press("n");
  await page.keyboard.type("New engine");
  await page.keyboard.press("Enter");
  await page.keyboard.press("e");
  wire.release();
  await expect(node(page, /^6, New engine/)).toBeFocused();
  await expect(node(page, /^6, New engine/).locator(".mode")).toHaveText("hybrid");
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByLabel("Objective")).toHaveValue("New engine");

  // Too deep: it is refused, and the keys go on where they were.
  await node(page, /^6, /).click();
  for (let depth = 2; depth < 5; depth++) {
    await page.keyboard.press("Shift+N");
    await page.keyboard.type(`Part ${depth}`);
    await page.keyboard.press("Enter");
    await expect(node(page, new RegExp(`, Part ${depth}`))).toBeFocused();
  }
  await page.keyboard.press("Shift+N");
  await expect(toast(page)).toContainText("Not possible");
  await page.keyboard.press("ArrowUp");
  await expect(node(page, /, Part 3/)).toBeFocused();
  await expect(tasks).toHaveCount(10);
});

test("what is taken back is said where it cannot be, is made again, and is never another's", async ({ page, world, context }) => {
  await plan(page, world, goal());
  const rename = async (page, to) => {
    await node(page, /^2, /).click();
    await page.keyboard.press("F2");
    await page.keyboard.type(to);
    await page.keyboard.press("Enter");
    await expect(node(page, new RegExp(`^2, ${to}`))).toBeVisible();
  };
  await rename(page, "Mine");
  await page.keyboard.press("z");
  await expect(node(page, /^2, Design/)).toBeVisible();
  await page.keyboard.press("Shift+Z");
  await expect(node(page, /^2, Mine/)).toBeVisible();
  const other = await context.newPage();
  await other.goto(page.url());
  await rename(other, "Theirs");
  await expect(node(page, /^2, Theirs/)).toBeVisible();
  await page.keyboard.press("z");
  await expect(toast(page)).toContainText("it was changed again since, in another place");
  await expect(node(page, /^2, Theirs/)).toBeVisible();
  await node(other, /^5, /).click();
  await other.keyboard.press("Delete");
  await node(page, /^4, /).click();
  await expect(node(page, /^5, /)).toHaveCount(0);
  await other.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(node(page, /^5, /)).toBeVisible();
  await other.close();

  // A task that is open when it is removed.
  await node(page, /^5, /).click();
  await page.keyboard.press("Delete");
  await page.goBack();
  await expect(page.getByRole("button", { name: "Retry" })).toBeHidden();
  await expect(message(page)).toBeDisabled();
  await page.getByRole("button", { name: "Bring back" }).click();
  await expect(node(page, /^5, /)).toBeVisible();

  // A clone that has begun is not taken back in silence.
  await node(page, /^4, /).click();
  await page.keyboard.press("y");
  await expect(page.getByRole("treeitem")).toHaveCount(7);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page.locator(".node:focus")).toHaveCount(1);
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await page.keyboard.press("z");
  await expect(toast(page)).toContainText("Not taken back");
  await expect(page.getByRole("treeitem")).toHaveCount(7);
});

test("what another has put elsewhere, or put parts into, is not taken back over them", async ({ page, world, context }) => {
  await plan(page, world, goal());
  const other = await context.newPage();
  await other.goto(page.url());
  const refused = async () => {
    await page.bringToFront();
    await page.keyboard.press("z");
    await expect(toast(page)).toContainText("it was changed again since, in another place");
    await toast(page).getByRole("button", { name: "Close" }).click();
  };
  await node(page, /^5, /).click();
  await page.keyboard.press("Alt+ArrowUp");
  await expect(node(other, /^5, /)).toHaveAttribute("aria-posinset", "4");
  await node(other, /^5, /).click();
  await other.keyboard.press("Alt+ArrowRight");
  await expect(node(page, /^5, /)).toHaveAttribute("aria-level", "3");
  await refused();
  await expect(node(page, /^5, /)).toHaveAttribute("aria-level", "3");

  await node(page, /^4, /).click();
  await page.keyboard.press("n");
  await page.keyboard.type("Mine");
  await page.keyboard.press("Enter");
  await expect(node(other, /, Mine/)).toBeVisible();
  await node(other, /, Mine/).click();
  await other.keyboard.press("Shift+N");
  await other.keyboard.type("Theirs");
  await other.keyboard.press("Enter");
  await expect(node(page, /, Theirs/)).toBeVisible();
  await refused();
  await expect(node(page, /, Theirs/)).toBeVisible();

  const remember = async (page, text) => {
    await page.bringToFront();
    await top(page).click();
    await page.getByRole("tab", { name: "Details" }).click();
    await page.getByRole("button", { name: "Memory", exact: true }).click();
    await page.getByRole("dialog").getByRole("textbox").fill(text);
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await expect(toast(page)).toContainText("Saved the project's memory.");
  };
  await remember(page, "Use pnpm.");
  await remember(other, "Use pnpm.\nNever touch the schema.");
  await page.bringToFront();
  await top(page).click();
  await refused();
  const memory = page.getByRole("dialog").getByRole("textbox");
  await page.getByRole("button", { name: "Memory", exact: true }).click();
  await expect(memory).toHaveValue(/Never touch the schema/);

  // Nor is it written over by whoever has it open: that is said once.
  await memory.fill("Use npm.");
  await remember(other, "Use pnpm 9.");
  await page.bringToFront();
  const save = page.getByRole("dialog").getByRole("button", { name: "Save" });
  await save.click();
  await expect(toast(page)).toContainText("It was changed meanwhile, in another place.");
  await expect(memory).toHaveValue("Use npm.");
  await save.click();
  await expect(toast(page)).toContainText("Saved the project's memory.");
});

test("an Undo beside a sentence is of what the sentence says", async ({ page, world }) => {
  await plan(page, world, goal());
  await node(page, /^5, /).click();
  await page.keyboard.press("Delete");
  await expect(toast(page)).toContainText("Removed 5");
  await node(page, /^3, /).click();
  await page.keyboard.press("F2");
  await page.keyboard.type("Renamed");
  await page.keyboard.press("Enter");
  await expect(node(page, /^3, Renamed/)).toBeVisible();
  await expect(toast(page)).toHaveCount(0);
  await page.keyboard.press("z");
  await expect(node(page, /^3, Renamed/)).toHaveCount(0);
  await page.keyboard.press("z");
  await expect(node(page, /^5, /)).toBeVisible();
});

test("a new task that is renamed is to reach what its new name says, until more is said", async ({ page, world }) => {
  await plan(page, world, goal());
  const objective = page.getByLabel("Objective");
  const rename = async (to) => {
    await node(page, /^6, /).click();
    await page.keyboard.press("F2");
    await page.keyboard.type(to);
    await page.keyboard.press("Enter");
    await expect(node(page, new RegExp(`^6, ${to}`))).toBeVisible();
  };
  await node(page, /^5, /).click();
  await page.keyboard.press("n");
  await page.keyboard.type("Delete all users");
  await page.keyboard.press("Enter");
  await expect(node(page, /^6, Delete all/)).toBeFocused();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(objective).toHaveValue("Delete all users");
  await rename("List all users");
  await expect(objective).toHaveValue("List all users");
  await page.keyboard.press("z"); // As one.
  await expect(node(page, /^6, Delete all users/)).toBeVisible();
  await expect(objective).toHaveValue("Delete all users");
  await objective.fill("List them, by name.");
  await rename("All users");
  await expect(objective).toHaveValue("List them, by name.");
});

test("a budget that is none is said, and is not taken for no limit", async ({ page, world }) => {
  await plan(page, world, goal());
  const field = page.getByLabel("Budget, in dollars");
  for (const [wrong, why] of [["-3", /0/], ["0", /Leave it empty for no limit/]]) {
    await field.fill(wrong);
    await field.press("Tab");
    await expect(toast(page)).toContainText(why);
    await expect(field).toHaveValue("");
  }
});

test("a message that waits is withdrawn, and a mode changed while its turn runs holds when it ends", async ({ page, world }) => {
  await plan(page, world, `${goal()} [[task 1: slow=150]]`);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  await node(page, /^1, /).click();
  await message(page).fill("Never mind.");
  await message(page).press("Enter");
  await expect(page.locator(".queued")).toContainText("Never mind.");
  await page.locator(".queued").getByRole("button", { name: "Withdraw" }).click();
  await expect(page.locator(".queued")).toHaveCount(0);
  await expect(message(page)).toHaveValue("");

  await node(page, /^1, /).click();
  for (const wished of ["hybrid", "with you"]) {
    await page.keyboard.press("e");
    await expect(toast(page)).toContainText(`Mode: ${wished}.`);
  }
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "waiting", { timeout: 40_000 });
  await expect(node(page, /^1, /)).toContainText("your turn");
  await expect(page.locator(".msg[data-from=person]", { hasText: "Never mind." })).toHaveCount(0);
  await page.getByRole("button", { name: "Mark as done" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
});

test("what is written and not sent is there after a reload", async ({ page, world }) => {
  await page.goto(world.url);
  const stated = page.getByLabel("Goal", { exact: true }).last();
  await stated.fill("Half a thought");
  await page.reload();
  await expect(stated).toHaveValue("Half a thought");
  await plan(page, world, goal());
  await node(page, /^2, /).click();
  await message(page).fill("Mind the keys.");
  await page.reload();
  await expect(message(page)).toHaveValue("Mind the keys.");
  await top(page).click();
  await expect(message(page)).toHaveValue(""); // Each task has its own.
});

test("a page of another version says so, and that agents are not touched", async ({ page, world }) => {
  let hellos = 0;
  await page.routeWebSocket(/./, (socket) => {
    const bridge = socket.connectToServer();
    socket.onMessage((said) => {
      const older = typeof said === "string" ? said.replace(/"protocol":\d+/, '"protocol":0') : said;
      hellos += older === said ? 0 : 1;
      bridge.send(older);
    });
  });
  await page.goto(world.url);
  await expect(page.getByText("Reload needed")).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("Running agents are not touched.");
  expect(hellos).toBeGreaterThan(0);
  await page.unrouteAll();
});

test("a goal that is archived is found again and brought back", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByLabel("Goal", { exact: true }).last().fill("What is a worktree?");
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await page.getByRole("button", { name: "Archive" }).click();
  const shelf = page.locator("details.known");
  await expect(shelf.locator("summary")).toHaveText("Archived, 1");
  await expect(page.getByRole("heading", { name: "Goals" })).toBeHidden();
  await shelf.locator("summary").click();
  await shelf.getByRole("button").click();
  await expect(top(page)).toHaveAttribute("data-status", "completed");
  await page.getByRole("button", { name: "Bring back" }).click();
  await expect(page.getByRole("button", { name: "Archive" })).toBeVisible();
  await page.getByRole("button", { name: "Orchestrator" }).click();
  await expect(page.getByRole("heading", { name: "Goals" })).toBeVisible();
  await expect(shelf).toHaveCount(0);
});
