// Every screen on a phone: nothing stands out of it to the side, every control can be touched and has a name.
// With `SHOTS` it is also the tour for whoever looks at the page, in each theme and on a desk too.
import { expect, goal, node, plan, shots, test, top } from "./world.js";

test.use({ actionTimeout: 20_000 });

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

/** What is wrong with the controls that are seen, a line each. */
const faults = (page) =>
  page.evaluate(() => {
    const modal = [...document.querySelectorAll("dialog[open]")].at(-1);
    const rolls = (one) => {
      for (let above = one.parentElement; above; above = above.parentElement)
        if (/auto|scroll/.test(getComputedStyle(above).overflowX) && above.scrollWidth > above.clientWidth) return true;
      return false;
    };
    const name = (one) =>
      [one.getAttribute("aria-label"), one.title, one.placeholder, one.textContent, ...[...(one.labels ?? [])].map((label) => label.textContent)].join("").trim();
    return [...(modal ?? document).querySelectorAll("button, input, select, textarea, a[href], summary")].flatMap((one) => {
      const box = one.getBoundingClientRect();
      if (!box.width || !one.checkVisibility({ visibilityProperty: true }) || one.closest(".sr")) return [];
      const what = one.outerHTML.slice(0, 120);
      return [
        (box.left < -1 || box.right > innerWidth + 1) && !rolls(one) && `out of sight, ${Math.round(box.left)} to ${Math.round(box.right)}: ${what}`,
        !name(one) && `without a name: ${what}`,
      ].filter(Boolean);
    });
  });

const unfold = (folded) => folded.evaluateAll((all) => all.forEach((one) => (one.open = true)));

/** The side of the work that is seen on a phone. */
const side = (page, name) => page.getByRole("button", { name, exact: true }).evaluate((button) => button.click());

async function look(page, name, part) {
  await shots(page, name);
  await page.setViewportSize(PHONE);
  if (part) {
    await side(page, part);
    await shots(page, `${name}-${part.toLowerCase()}`);
    await page.setViewportSize(PHONE);
  }
  expect.soft(await faults(page), name).toEqual([]);
  expect.soft(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(PHONE.width);
  await page.setViewportSize(DESK);
}

test("screens without a goal fit a phone", async ({ page, world }) => {
  await page.goto(world.url);
  await expect(page.getByText("A demo: no model, no network, no key.")).toBeVisible();
  await look(page, "start");
  await page.getByRole("button", { name: "Choose" }).click();
  await expect(page.getByRole("button", { name: "Use this folder" })).toBeEnabled();
  await look(page, "folders");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /limits and models/ }).click();
  await unfold(page.locator("dialog[open] details"));
  await look(page, "limits");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /, usage$/ }).click();
  await look(page, "usage-none");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await look(page, "finder-none");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Bridge" }).click();
  for (const part of ["Devices", "Processes", "Self-test"]) {
    await page.getByRole("tab", { name: part }).click();
    if (part === "Self-test") {
      await page.getByRole("button", { name: "Run the self-test" }).click();
      await expect(page.locator(".findings li").first()).toBeVisible();
    }
    await look(page, `bridge-${part}`);
  }
  await page.getByRole("button", { name: "Prompts" }).click();
  for (const [part, make] of [["Prompts", "New template"], ["Agents", "New agent"], ["Lists", "New list"], ["Rules", "New rule"]]) {
    await page.getByRole("tab", { name: part }).click();
    await look(page, `library-${part}`);
    await page.getByRole("button", { name: make }).click();
    await look(page, `library-${part}-form`);
  }
  await page.goto(`${world.url.split("#")[0]}#/goal-nowhere`);
  await expect(page.getByText("This goal is not here")).toBeVisible();
  await look(page, "not-there");
});

test("a plan fits a phone", async ({ page, world }) => {
  await plan(page, world, goal());
  await look(page, "plan", "Tree");
  await page.getByLabel("Message", { exact: true }).fill("Remove the documentation task. Add a changelog.");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Against v1: 1 added, 1 removed.")).toBeVisible();
  await look(page, "versions", "Talk");
  await page.getByRole("tab", { name: "Details" }).click();
  await look(page, "goal-details");
  await node(page, /^2, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await unfold(page.locator(".details details"));
  await look(page, "details");
  await page.locator(".details").evaluate((pane) => pane.scrollTo(0, pane.scrollHeight));
  await look(page, "details-end");
  await node(page, /^2, /).click({ button: "right" });
  await look(page, "menu");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Keys" }).click();
  await look(page, "keys");
});

test("work fits a phone", async ({ page, world }) => {
  await plan(page, world, goal("[[task 1: fail]] [[task 2: ask]] [[task 3: hang]] [[task 4: limit=600]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "failed");
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "waiting");
  await expect(node(page, /^4, /)).toHaveAttribute("data-status", "limited");
  await expect(node(page, /^5, /)).toHaveAttribute("data-status", "completed");
  for (const task of [1, 2, 3, 4, 5]) {
    await node(page, new RegExp(`^${task}, `)).click();
    await expect(page.locator(".msg").first()).toBeVisible();
    await look(page, `work-${task}`, task === 1 ? "Tree" : "Talk");
  }
  await page.getByRole("tab", { name: "Details" }).click();
  await look(page, "work-details");
  await page.getByRole("tab", { name: "Terminal" }).click();
  await look(page, "work-terminal");
  await page.getByRole("button", { name: /^Waiting/ }).click();
  await look(page, "inbox");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /, usage$/ }).click();
  await look(page, "usage");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("database");
  await expect(page.locator(".hits > button").first()).toBeVisible();
  await look(page, "finder");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Bridge" }).click();
  await page.getByRole("tab", { name: "Processes" }).click();
  await look(page, "processes");
  await page.getByRole("button", { name: "Orchestrator" }).click();
  await look(page, "goals");
  await page.locator(".known > button").click();
  await top(page).click();
  await look(page, "goal", "Talk");
  await world.kill();
  await expect(page.getByText(/The bridge is gone/)).toBeVisible();
  await look(page, "gone");
  await world.start();
});
