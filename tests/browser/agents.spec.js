// Agents of the person's own: written, given a goal and a task, named where they work, and retired.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BIN, expect, goal, node, shots, test, top } from "./world.js";

const LIST = ["read the code", "write the report", "check the report"];
const WHO = "As which of your agents, for it and all below it";

test("an agent is written, given a goal and a task, and retired", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: "Agents", exact: true }).click();
  await expect(page.getByText("There is no agent of yours yet.")).toBeVisible();
  await shots(page, "agents-none");
  await page.getByRole("button", { name: "New agent" }).click();
  const form = page.getByRole("form", { name: "Agent" });
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Not saved: an agent needs a name.")).toBeVisible();
  await form.getByLabel("Name").fill("Ann");
  await form.getByLabel("Role, in one line").fill("reads closely");
  await form.getByLabel("Character").fill("Calm and thorough.");
  await form.getByLabel("Model").fill("demo-one");
  await shots(page, "agents-form");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { name: "Ann, reads closely" })).toBeVisible();
  await page.getByRole("button", { name: "New agent" }).click();
  await form.getByLabel("Name").fill("Bob");
  await form.getByLabel(/Or a file that says it/).fill("Soul.md");
  await expect(form.getByLabel("Character")).toBeDisabled();
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("As Soul.md says when a session begins")).toBeVisible();
  await shots(page, "agents");

  fs.writeFileSync(path.join(world.project, "Soul.md"), "Quick.\n");
  await page.getByTitle("All goals").click();
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByLabel("As", { exact: true }).selectOption("Ann");
  await shots(page, "agents-start");
  await page.getByLabel("Goal", { exact: true }).last().fill(goal("", LIST));
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(page.getByRole("article").getByText("Ann · Planner")).toBeVisible();
  await node(page, /^2, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByLabel(WHO).selectOption("Bob");
  await expect(node(page, /^2, /)).toContainText("Bob");
  await expect(node(page, /^1, /)).toContainText("Ann");
  await shots(page, "agents-task");
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^3, /)).toHaveAttribute("data-status", "completed");
  await page.getByRole("tab", { name: "Chat" }).click();
  await expect(page.getByRole("article").getByText("Bob", { exact: true })).toBeVisible();
  await shots(page, "agents-conversation");

  await page.getByRole("button", { name: "Prompts" }).first().click();
  await page.getByRole("tab", { name: "Agents" }).click();
  await page.getByRole("button", { name: "Change Bob" }).click();
  await form.getByLabel("Role, in one line").fill("is quick");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { name: "Bob, is quick" })).toBeVisible();
  await page.getByRole("button", { name: "Retire Bob" }).click();
  await expect(page.getByRole("heading", { name: "Bob, is quick" })).toBeHidden();
  const { agents } = JSON.parse(execFileSync(BIN, ["agents", "--json", "--data-dir", path.join(world.home, "data")]));
  expect(agents.map((agent) => [agent.name, agent.role, agent.soul, agent.retired]).sort()).toEqual([
    ["Ann", "reads closely", null, false],
    ["Bob", "is quick", "Soul.md", true],
  ]);
  // Who has it keeps it, by name.
  await page.goBack();
  await page.goBack();
  await node(page, /^2, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByLabel(WHO).locator("option:checked")).toHaveText("Bob");
  await top(page).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByLabel(WHO).locator("option:checked")).toHaveText("Ann");
});
