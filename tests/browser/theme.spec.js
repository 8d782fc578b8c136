// The theme that a person chose is this browser's: there before the page's program, after a reload, and in other tabs.
import { expect, test } from "./world.js";

test.use({ colorScheme: "dark" });

const choice = (page) => page.getByRole("combobox", { name: "Theme" });
const worn = (page) => page.locator("html");
const canvas = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

const [DARK, SEPIA] = ["rgb(19, 20, 22)", "rgb(205, 201, 178)"];

test("a theme is chosen, kept, worn by every tab, and left to the system again", async ({ page, context, world }) => {
  await page.goto(world.url);
  await expect(choice(page)).toHaveValue("");
  expect(await canvas(page)).toBe(DARK);
  const other = await context.newPage();
  await other.goto(world.url.split("#")[0]);
  await expect(choice(other)).toBeVisible();

  await choice(page).focus();
  await page.keyboard.type("2B");
  await expect(worn(page)).toHaveAttribute("data-theme", "2b");
  expect(await canvas(page)).toBe(SEPIA);
  await expect(worn(other)).toHaveAttribute("data-theme", "2b");

  // It is worn before the page's program has come, which here never does.
  await page.route("**/boot.js", (route) => route.abort());
  await page.reload();
  await expect(worn(page)).toHaveAttribute("data-theme", "2b");
  expect(await canvas(page)).toBe(SEPIA);
  await page.unroute("**/boot.js");
  await page.reload();
  await expect(choice(page)).toHaveValue("2b");

  await choice(page).selectOption("As the system");
  await expect(worn(page)).not.toHaveAttribute("data-theme");
  expect(await canvas(page)).toBe(DARK);
  await page.reload();
  await expect(choice(page)).toHaveValue("");
});

test("a theme that there is not is the system's", async ({ page, world }) => {
  await page.addInitScript(() => localStorage.setItem("theme", "mauve"));
  await page.goto(world.url);
  await expect(choice(page)).toHaveValue("");
  expect(await canvas(page)).toBe(DARK);
});
