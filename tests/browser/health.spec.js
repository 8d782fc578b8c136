// What somebody should look at: in the tree, above the conversation and as a count in the bar.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { BIN, expect, goal, node, plan, test } from "./world.js";

test("an agent that writes nothing is told as worth a look, and goes on", async ({ page, world }) => {
  execFileSync(BIN, ["limits", "--stalled", "1s", "--data-dir", path.join(world.home, "data")]);
  await plan(page, world, goal("[[task 2: hang]] [[tasks: slow=1]]"));
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await expect(node(page, /^2, .*no output since \d\d:\d\d/)).toHaveAttribute("data-status", "active");
  await page.getByTitle("Go to what goes on and may not get on").click();
  await expect(page.getByRole("status").filter({ hasText: "no output since" })).toContainText("stop the task and retry it");
  if (process.env.SHOTS) {
    for (const [width, height] of [[1440, 900], [390, 844]])
      for (const colorScheme of ["light", "dark"]) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${process.env.SHOTS}/health-${width}-${colorScheme}.png` });
      }
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  await page.getByRole("button", { name: "Stop", exact: true }).first().click();
  await expect(node(page, /^2, /)).toHaveAttribute("data-status", "cancelled");
  await expect(page.getByTitle("Go to what goes on and may not get on")).toHaveCount(0);
});
