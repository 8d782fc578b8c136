// The library of prompts: written, chosen for a goal, and recorded by wording.
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BIN, expect, goal, node, shots, test, top } from "./world.js";

const LIST = ["read the code", "write the report", "check the report"];

test("a template is written, chosen for a goal, and its wordings have their records", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: "Prompts" }).first().click();
  await expect(page.getByText("There is no template yet.")).toBeVisible();
  await page.getByRole("button", { name: "New template" }).click();
  const form = page.getByRole("form", { name: "Template" });
  await form.getByLabel("Name").fill("Careful");
  await form.getByLabel("Folder").fill("nowhere");
  await form.getByLabel("Guidelines").fill("Be careful. [[demo cost=12]]");
  await form.getByRole("button", { name: "Try another wording" }).click();
  await form.getByLabel("Guidelines").nth(1).fill("Be quick. [[demo cost=3]]");
  // What is half written outlives a reload, and a look elsewhere.
  await page.reload();
  await expect(form.getByLabel("Guidelines").nth(1)).toHaveValue("Be quick. [[demo cost=3]]");
  await page.getByRole("tab", { name: "Rules" }).click();
  await expect(page.getByRole("heading", { name: "Rules" })).toBeVisible();
  await page.getByRole("tab", { name: "Prompts" }).click();
  await expect(form.getByLabel("Name")).toHaveValue("Careful");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Not saved: the folder has to be an absolute path.")).toBeVisible();
  await form.getByLabel("Folder").fill(world.project);
  await shots(page, "prompts-form");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("v1, a · b")).toBeVisible();
  await expect(page.getByText("No task has come to an end with it yet.")).toBeVisible();

  await page.getByTitle("All goals").click();
  await page.getByLabel("Guidelines").selectOption("Careful");
  await expect(page.getByLabel("Folder", { exact: true })).toHaveValue(world.project); // The template's.
  await page.getByLabel("Goal", { exact: true }).last().fill(goal("[[task 2: fail]]", LIST));
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "failed");
  await expect(node(page, /^3, /)).toHaveAttribute("data-status", "completed");
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByLabel("Guidelines, for it and all below it")).toHaveValue("");
  await top(page).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByLabel("Guidelines, for it and all below it").locator("option:checked")).toHaveText("Careful");

  await page.getByRole("button", { name: "Prompts" }).first().click();
  await expect(page.getByRole("table").first()).toContainText(/[ab] \(v1\)/);
  await expect(page.getByRole("row", { name: /cannot be done Careful 1 of 3/ })).toBeVisible();
  await shots(page, "prompts");
  const library = JSON.parse(execFileSync(BIN, ["prompts", "--json", "--data-dir", path.join(world.home, "data")]));
  const sum = library.templates[0].records.reduce((sum, record) => sum + record.attempts, 0);
  expect(sum).toBe(3);
  await page.getByRole("button", { name: "Change Careful" }).click();
  await form.getByRole("button", { name: "Drop this wording" }).last().click();
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("v2, a", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Retire Careful" }).click();
  await expect(page.getByText("There is no template yet.")).toBeVisible();
});

test("a wording that does better is promoted with one click", async ({ page, world }) => {
  const said = (name, text) => {
    fs.writeFileSync(path.join(world.project, name), text);
    return name;
  };
  const terminal = (...args) =>
    spawnSync(BIN, [...args, "--data-dir", path.join(world.home, "data")], { cwd: world.project, encoding: "utf8" });
  const wordings = ["--variant", `first=${said("a.md", "Fail. [[demo fail]]")}`, "--variant", `second=${said("b.md", "Be brief. [[demo cost=2]]")}`];
  expect(terminal("prompts", "save", "Careful", ...wordings).status).toBe(0);
  // So many that each of the two has its twenty, by any draw.
  const tasks = Array.from({ length: 90 }, (_, n) => ({ key: `${n}`, title: `Look ${n}`, objective: "Look", size: "light" }));
  const file = said("plan.json", JSON.stringify({ decision: "plan", reply: "", tasks }));
  const run = terminal("run", "Look", "--plan", file, "--harness", "demo", "--template", "Careful");
  expect(run.status, run.stdout + run.stderr).toBe(1);
  await page.goto(world.url);
  await page.getByRole("button", { name: "Prompts" }).first().click();
  await expect(page.getByText("v1, first · second")).toBeVisible();
  await expect(page.getByText("second does better than first.")).toBeVisible();
  await shots(page, "prompts-better");
  await page.getByRole("button", { name: "Go on with second alone" }).click();
  await expect(page.getByText("v2, second", { exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: /Go on with/ })).toBeHidden();
  const library = JSON.parse(terminal("prompts", "--json").stdout);
  expect(library.templates[0].variants.map((variant) => variant.name)).toEqual(["second"]);
});
