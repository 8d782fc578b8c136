import { expect, goal, node, shots, test } from "./world.js";

const card = (page) => page.getByRole("region", { name: "Asks for permission" });

const unread = (page) => page.evaluate(() => new Promise((over) => setTimeout(over, 450)));
/** Answers a card that was read. */
const press = async (page, name) => {
  await unread(page);
  await card(page).getByRole("button", { name }).click();
};

/** A goal whose agents ask first, and whose first task begins with these commands. */
async function asking(page, world, commands) {
  await page.goto(world.url);
  const may = commands.map((command) => `may=${command.replaceAll(" ", "_")}`).join(" ");
  await page.getByLabel("Goal", { exact: true }).last().fill(goal(`[[task 1: ${may}]]`));
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  const level = page.getByRole("radio", { name: /Ask me first/ });
  await level.check();
  await expect(page.getByText(/Codex asks for each command/)).toBeVisible();
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await node(page, /^1, /).click();
}

test("what an agent asks waits for a yes, a no, or a rule that was tried before", async ({ page, world }) => {
  await asking(page, world, ["cargo test --all", "cargo test -p cart", "rm -rf target"]);
  await expect(card(page)).toContainText("Asks whether it may run cargo test --all");
  await expect(card(page)).toContainText("It waits until you answer.");
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "waiting");
  await page.getByRole("checkbox", { name: /by a rule/ }).check();
  await expect(card(page).getByRole("textbox", { name: "What" })).toHaveValue("cargo test");
  await expect(card(page)).toContainText(/Allowing this would have decided 1 of \d+ requests so far otherwise/);
  await shots(page, "permission");
  // On a phone the answers stand above the field of words, however much is said of the rule.
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of [/Allow, and save the rule/, /Deny, and save the rule/])
    await card(page).getByRole("button", { name }).click({ trial: true, timeout: 3_000 });
  const foot = await card(page).evaluate((card) => card.getBoundingClientRect().bottom);
  expect(foot).toBeLessThan(await page.getByRole("button", { name: "Send now" }).evaluate((send) => send.getBoundingClientRect().top));
  expect(await page.getByRole("button", { name: "Tree", exact: true }).evaluate((bar) => bar.getBoundingClientRect().bottom)).toBeLessThanOrEqual(845);
  await page.setViewportSize({ width: 1440, height: 900 });
  await press(page, /Allow, and save the rule/);

  // The next one is decided by that; the one after it is nobody's but the person's.
  await expect(card(page)).toContainText("rm -rf target");
  await page.getByLabel(/Word to the agent/).fill("Use cargo clean.");
  await page.reload();
  await expect(page.getByLabel(/Word to the agent/)).toHaveValue("Use cargo clean.");
  await press(page, /^Deny/);
  await expect(card(page)).toContainText("Asks whether it may change demo/");
  await unread(page);
  await page.getByRole("treeitem").first().focus();
  await page.keyboard.press("Control+Enter");
  await expect(node(page, /^1, /)).toHaveAttribute("data-status", "completed");
  await expect(page.getByText("Asks whether it may run cargo test -p cart. It was allowed by your rule about commands that begin with cargo test")).toBeVisible();
  await expect(page.getByText("Asks whether it may run rm -rf target. You denied it, once. “Use cargo clean.”")).toBeVisible();

  await page.goto(`${world.url.split("#")[0]}#/bridge/rules`);
  await expect(page.getByText("commands that begin with cargo test")).toBeVisible();
  await page.getByRole("button", { name: "New rule" }).click();
  await page.getByRole("radio", { name: "Deny" }).check();
  await page.getByRole("textbox", { name: "What" }).fill("rm; cargo");
  await expect(page.getByText(/a rule is about one plain command/)).toBeVisible();
  await page.getByRole("textbox", { name: "What" }).fill("cargo");
  await expect(page.getByText(/Denying this would have decided 2 of \d+ requests so far otherwise/)).toBeVisible();
  await shots(page, "rules");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("button", { name: "Remove: Deny commands that begin with cargo", exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Remove: Allow commands that begin with cargo test" }).click();
  await expect(page.getByText("commands that begin with cargo test")).toHaveCount(0);
});

test("of two devices that answer at once one counts, and both show it", async ({ page, world, context }) => {
  await asking(page, world, ["make"]);
  await expect(card(page)).toContainText("run make");
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(card(other)).toContainText("run make");
  // A card that has just come cannot be answered by a click that was meant for another.
  await unread(page);
  await Promise.all([
    card(page).getByRole("button", { name: /^Allow once/ }).evaluate((button) => button.click()),
    card(other).getByRole("button", { name: /^Deny/ }).evaluate((button) => button.click()),
  ]);
  for (const device of [page, other]) await expect(card(device)).toContainText("change demo/");
  await press(other, /^Allow once/);
  for (const device of [page, other]) await expect(node(device, /^1, /)).toHaveAttribute("data-status", "completed");
});
