// The bridge's own pages: devices that pair over TLS, the processes of agents, the self-test.
import { expect, goal, plan, shots, test } from "./world.js";

test.describe("over TLS", () => {
  test.use({ serve: ["--tls"], ignoreHTTPSErrors: true });

  test("a second device pairs, works, and is sent away", async ({ page, world, browser }) => {
    await page.goto(world.url);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 390, height: 844 } });
    const phone = await context.newPage();
    await phone.goto(new URL("/", world.url).href);

    // A no first.
    await phone.getByRole("button", { name: "Ask to be let in" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "asks to be let in" })).toBeVisible();
    await page.getByRole("button", { name: "Refuse" }).click();
    await expect(phone.getByText("the request was refused")).toBeVisible();

    await phone.getByRole("button", { name: "Ask to be let in" }).click();
    const code = await phone.getByLabel("Code").innerText();
    expect(code).toMatch(/^[A-Z2-9]{3}-[A-Z2-9]{3}$/);
    await expect(page.getByRole("alert").filter({ hasText: code })).toBeVisible();
    await shots(page, "asks-to-be-let-in");
    await shots(phone, "pairing");
    await page.getByRole("button", { name: "Allow" }).click();
    await expect(phone.getByRole("button", { name: /Make a plan/ })).toBeVisible();
    await expect(page.getByRole("alert")).toHaveCount(0);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: "Strict", path: "/" });

    // It may do what the other one may: its goal is there on both.
    await plan(phone, { url: new URL("/", world.url).href, project: world.project }, goal());
    await expect(page.getByRole("button", { name: /Add a shopping cart/ })).toBeVisible();

    await page.getByRole("button", { name: "Bridge" }).click();
    await expect(page.getByText("Chrome on Linux")).toBeVisible();
    await expect(page.getByText(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)).toBeVisible();
    await page.getByRole("button", { name: /^Revoke/ }).click();
    await page.getByRole("button", { name: /^Really revoke/ }).click();
    await expect(page.getByText("No other device is let in.")).toBeVisible();
    await expect(phone.getByRole("heading", { name: "Pair this device" })).toBeVisible();
    await context.close();
  });
});

test("processes are listed while one looks, and a task is stopped from there", async ({ page, world }) => {
  const asked = [];
  page.on("request", (request) => request.url().endsWith("/api/processes") && asked.push(request));
  await page.goto(world.url);
  await page.getByLabel("Goal", { exact: true }).last().fill("Wait. [[demo hang]]");
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await expect(page.getByText("1/", { exact: false }).first()).toBeVisible();
  await page.getByRole("button", { name: "Bridge" }).click();
  await page.getByRole("tab", { name: "Processes" }).click();
  const agent = page.getByRole("row").filter({ hasText: /demo.*MiB|MiB.*demo/ });
  await expect(agent.first()).toBeVisible();
  await expect(page.getByText(/^\d+ processes, [\d.]+ MiB$/)).toBeVisible();
  await page.getByRole("button", { name: /^Stop / }).click();
  await expect(page.getByText("No agent runs.", { exact: false })).toBeVisible();
  await page.getByRole("tab", { name: "Devices" }).click();
  await expect(page.getByText("Only this machine reaches the bridge.")).toBeVisible();
  const until = asked.length;
  // Longer than between two looks: nothing tells of what does not happen.
  await page.waitForTimeout(3_000);
  expect(asked.length).toBe(until);
});

test("the self-test finds nothing bad, and says what is to be looked at", async ({ page, world }) => {
  await page.goto(world.url);
  await page.getByRole("button", { name: "Bridge" }).click();
  await page.getByRole("tab", { name: "Self-test" }).click();
  await page.getByRole("button", { name: "Run the self-test" }).click();
  await expect(page.getByText("refused: a socket from another site's page")).toBeVisible();
  await expect(page.locator(".findings [data-status=failed]")).toHaveCount(0);
  await expect(page.getByRole("status").filter({ hasText: /All is well|0 bad/ })).toBeVisible();
});

test("a first try goes through everything and leaves nothing", async ({ page, world }) => {
  test.slow();
  await page.goto(world.url);
  await page.getByRole("button", { name: "Bridge" }).click();
  await page.getByRole("tab", { name: "Self-test" }).click();
  await page.getByRole("button", { name: "Try it" }).click();
  await expect(page.getByText(/a task that was made to fail is called failed/)).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText(/the agent went on, was taken over and stopped/)).toBeVisible();
  await expect(page.locator(".findings [data-status=failed]")).toHaveCount(0);
  // None of it was this bridge's.
  await expect(page.getByRole("button", { name: /Try everything once/ })).toHaveCount(0);
});
