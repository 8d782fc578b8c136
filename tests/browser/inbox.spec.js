// What waits for a person stands in one list, which one key opens.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

const box = (page) => page.getByRole("dialog", { name: "Waiting for you" });
const rows = (page) => box(page).locator(".request");
const list = (page) => page.getByRole("button", { name: /^Waiting/ });

/** As a browser has a page that nobody sees: no frame until somebody looks. */
const unseen = (page) =>
  page.addInitScript(() => {
    const soon = window.requestAnimationFrame.bind(window);
    let seen, look = Promise.resolve();
    window.requestAnimationFrame = (drawn) => look.then(() => soon(drawn));
    Object.defineProperty(document, "hidden", { get: () => Boolean(seen) });
    window.turnAway = () => (look = new Promise((resolve) => (seen = resolve)));
    window.lookAgain = () => (seen(), (seen = undefined));
    for (const turn of ["turnAway", "lookAgain"]) {
      const turned = window[turn];
      window[turn] = () => (turned(), document.dispatchEvent(new Event("visibilitychange")));
    }
  });

test("the title of a page that nobody sees tells what waits", async ({ page, world }) => {
  await unseen(page);
  await plan(page, world, goal("[[task 1: slow=100 ask]]"));
  await expect(page).toHaveTitle(/^\(1\) /);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(page).toHaveTitle(/^[^(]/);
  await page.evaluate(() => window.turnAway());
  await expect(page).toHaveTitle(/^\(1\) /);
  await page.evaluate(() => window.lookAgain());
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "waiting");
});

test("what comes while nobody looks is told outside the page, where that is wanted", async ({ page, world }) => {
  await unseen(page);
  await page.addInitScript(() => {
    window.told = [];
    window.leave = "denied";
    window.Notification = class {
      static permission = sessionStorage.leave || "default";
      static async requestPermission() {
        return (sessionStorage.leave = this.permission = window.leave);
      }
      constructor(title, { body, tag }) {
        window.told.push({ title, body, tag });
        window.newest = this;
      }
      close() {}
    };
  });
  const told = () => page.evaluate(() => window.told.splice(0));
  const choice = box(page).getByLabel("Tell me outside the page too");
  await plan(page, world, goal("[[task 1: slow=100 ask]] [[task 2: slow=100 fail]]"));
  await list(page).click();
  await choice.click();
  await expect(box(page).getByRole("alert")).toContainText("does not let this page do that");
  await expect(choice).not.toBeChecked();
  await page.evaluate(() => (window.leave = "granted"));
  await choice.click();
  await expect(choice).toBeChecked();
  expect(await told()).toEqual([{ title: "Orchestrator", body: "You are told here when something waits for you.", tag: "orchestrator" }]);
  await shots(page, "notices");
  await page.reload();
  await list(page).click();
  await expect(choice).toBeChecked();
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: /Approve and start/ }).click();
  await page.evaluate(() => window.turnAway());
  await page.evaluate(() => localStorage.removeItem("orchestrator.looked")); // Else it was looked at just now.
  await expect.poll(() => page.evaluate(() => window.told.length)).toBe(2);
  const [one, other] = (await told()).sort((one, other) => one.title.localeCompare(other.title));
  expect(one).toMatchObject({ title: "1 Research best practices", body: expect.stringContaining("how shall I go about it?") });
  expect(other).toMatchObject({ title: "2 Design the database schema", body: expect.stringContaining("cannot be done") });
  await page.evaluate(() => window.newest.onclick());
  await page.evaluate(() => window.lookAgain());
  await expect(page).toHaveURL(new RegExp(`${other.tag}|${one.tag}`));
  await expect(page.locator(".node[aria-selected=true]")).toHaveAttribute("data-status", /waiting|failed/);
});

test("what waits for a person is listed with what, why, since when and what to do", async ({ page, world }) => {
  await page.goto(world.url);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.locator("h1").click(); // Out of the field, where keys write.
  await page.keyboard.press("i");
  await expect(box(page).getByText("Nothing waits for you")).toBeVisible();
  await shots(page, "inbox-empty");
  await page.keyboard.press("Escape");

  await plan(page, world, goal("[[task 1: fail]] [[task 2: ask]]"));
  await expect(list(page)).toContainText("1");
  await top(page).press("i");
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("plan v1 waits for you");
  await expect(rows(page)).toContainText("If ignored: nothing of the plan begins.");
  await page.keyboard.press("Enter");
  await expect(box(page)).toBeHidden();
  await expect(top(page)).toBeFocused();
  await page.keyboard.press("Control+Enter");

  await expect(node(page, /^5, /)).toHaveAttribute("data-status", "completed");
  await expect(list(page)).toContainText("2");
  await expect(page).toHaveTitle(/^\(2\) /);
  await expect(top(page)).toBeFocused(); // What came since took nobody's focus.
  await page.keyboard.press("i");
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).filter({ hasText: "cannot be done" })).toContainText("If ignored: it stays failed");
  const question = rows(page).filter({ hasText: "If ignored: it stays waiting." });
  await expect(question).toContainText(/\d+s/);
  await shots(page, "inbox");
  await expect(rows(page).first()).toBeFocused();
  for (let step = 0; step < 2; step++) {
    if (await question.evaluate((row) => row === document.activeElement)) break;
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Message", { exact: true })).toBeFocused();
  await expect(page.locator(".facts-line")).toContainText(/for \d+s/);
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "waiting");
  // What its agent proposes is said with one press, in the list too.
  await list(page).click();
  await box(page).getByRole("group", { name: "Proposed answers" }).getByRole("button").first().click();
  await expect(list(page)).toContainText("1");
  await expect(rows(page)).toHaveCount(1);
  await box(page).getByRole("button", { name: "Retry", exact: true }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "failed");
  await expect(rows(page)).toHaveCount(1); // It failed again, and says so again.
});

test("who is next in line says which bound it waits at", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: hang]]"));
  await page.getByRole("button", { name: /limits and models/ }).click();
  await page.getByRole("dialog").getByLabel("agents at the same time", { exact: true }).fill("1");
  await page.getByRole("dialog").getByLabel("agents at the same time", { exact: true }).press("Tab");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
  await expect(page.locator(".node .sub", { hasText: "next in line, 1 of 1 agents run" }).first()).toBeVisible();
  await page.getByRole("button", { name: "Stop everything" }).click();
  await expect(top(page)).toHaveAttribute("data-status", "cancelled");
});

test("a folded branch says how many wait below it, since when, and its budget", async ({ page, world }) => {
  await plan(page, world, goal("[[task 2: ask]]"));
  await node(page, /^2, /).click();
  await page.keyboard.press("Alt+ArrowRight");
  await expect(node(page, /^2, /)).toHaveAttribute("aria-level", "3");
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByLabel("Budget, in dollars").last().fill("3");
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^2, .*waiting.* since \d\d:\d\d/)).toHaveAttribute("title", /since \d{4}-\d\d-\d\d \d\d:\d\d$/);
  await expect(node(page, /^1, /).locator(".count")).toHaveCount(0);
  await node(page, /^1, /).click();
  await page.keyboard.press("ArrowLeft");
  await expect(node(page, /^2, /)).toHaveCount(0);
  const branch = node(page, /^1, .*1 waiting for you below/);
  await expect(branch).toHaveAttribute("data-status", "waiting");
  await expect(branch.locator(".count")).toBeVisible();
  await expect(branch).toContainText("of $3.00");
  await expect(branch.getByRole("meter")).toBeVisible();
  await shots(page, "folded");
});
