// The real Claude Code and Codex, with a model server of our own that fails as providers do: what a person reads on the
// screen, and that the work goes on from there.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { World, test as base, expect, node, plan, top } from "./world.js";

/** The model server, which goes wrong at a word. */
class Model {
  async start(rules) {
    this.process = spawn(process.env.MODEL_STUB, [JSON.stringify(rules)], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.url = (await this.lines.next()).value;
  }

  /** From now on every request goes wrong so. */
  async fail(fault) {
    this.process.stdin.write(`${JSON.stringify(fault)}\n`);
    expect((await this.lines.next()).value).toBe("ok");
  }

  well() {
    return this.fail(null);
  }

  refuse(code, error, headers = []) {
    return this.fail({ status: { code, headers, error } });
  }

  end() {
    this.process.stdin.end();
  }
}

const done = (summary) => ({ structured: { outcome: "done", summary, question: "", options: [], outputs: [], not_done: [], tasks: [] } });
const task = (key, after) => ({ key, title: "Say hi", objective: "Say hi", mode: "autonomous", size: "light", after, parent: "", inputs: [], outputs: [], command: "", retry: "usual", checks: [], agent: "", reviewer: "", caps: { cents: 0, requests: 0, minutes: 0, tokens: 0 } });
const TASKS = [task("first", []), task("second", ["first"]), task("third", ["second"])];
const PLAN = { structured: { decision: "plan", reply: "Three tasks.", tasks: TASKS } };
const BASH = [{ tool: ["Bash", { command: "echo hi", description: "say hi" }] }];
const rules = (calls) => [
  { when: "# Plan this goal", steps: [PLAN] },
  { when: "Go on with planning", steps: [PLAN] },
  { when: "SAY IT AGAIN", steps: [done("SAID AGAIN")] },
  { when: "# Sum up", steps: [done("ALL DONE")] },
  { when: "# Your task", steps: [...calls, done("SAID HI")] },
  { when: "", steps: [done("SAID HI")] },
];

const claude = {
  name: "Claude Code",
  settle(world, model, login) {
    fs.writeFileSync(path.join(world.home, "config.toml"), `[agents.claude]\nprogram = ${JSON.stringify(process.env.CLAUDE_BIN)}\n`);
    const names = ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING"];
    return { ANTHROPIC_BASE_URL: model.url, [login]: "sk-ant-oat01-dummy", CLAUDE_CODE_MAX_RETRIES: "0", ...Object.fromEntries(names.map((name) => [name, "1"])) };
  },
  limit(model) {
    const reset = Math.ceil(Date.now() / 1000) + 20;
    const told = { status: "rejected", reset, "representative-claim": "five_hour", "5h-status": "rejected", "5h-utilization": "1.0", "5h-reset": reset, "overage-status": "rejected", "overage-disabled-reason": "out_of_credits" };
    const headers = Object.entries(told).map(([name, value]) => [`anthropic-ratelimit-unified-${name}`, String(value)]);
    return model.refuse(429, { type: "rate_limit_error", message: "Number of requests has exceeded your rate limit" }, [["retry-after", "3600"], ["x-should-retry", "false"], ...headers]);
  },
  overload: (model) => model.refuse(529, { type: "overloaded_error", message: "Overloaded" }),
  stranger: (model) => model.refuse(401, { type: "authentication_error", message: "invalid x-api-key" }),
};

const codex = {
  name: "Codex",
  settle(world, model) {
    fs.writeFileSync(path.join(world.home, "config.toml"), `[agents.codex]\nprogram = ${JSON.stringify(process.env.CODEX_BIN)}\n`);
    const home = path.join(world.home, "codex");
    fs.mkdirSync(home);
    fs.writeFileSync(
      path.join(home, "config.toml"),
      `model = "gpt-5.5-codex"\nmodel_provider = "stub"\ncheck_for_update_on_startup = false\n[model_providers.stub]\nname = "stub"\n` +
        `base_url = "${model.url}/v1"\nwire_api = "responses"\nenv_key = "STUB_API_KEY"\nrequest_max_retries = 0\nstream_max_retries = 0\n[analytics]\nenabled = false\n`,
    );
    return { CODEX_HOME: home, STUB_API_KEY: "dummy", TZ: "UTC" };
  },
  // It tells the minute.
  limit: (model) => model.refuse(429, { type: "usage_limit_reached", message: "The usage limit has been reached", plan_type: "plus", resets_at: Math.ceil(Date.now() / 60_000) * 60 + 60 }),
  overload: (model) => model.refuse(503, { type: "server_is_overloaded", message: "Our servers are overloaded" }),
  stranger: (model) => model.refuse(401, { type: "invalid_request_error", message: "Incorrect API key provided" }),
};

const test = base.extend({
  harness: [null, { option: true }],
  /** The variable that Claude Code has its login from. */
  login: ["ANTHROPIC_API_KEY", { option: true }],
  /** What it does before it says hi. */
  calls: [BASH, { option: true }],
  model: async ({ calls }, use) => {
    const model = new Model();
    await model.start(rules(calls));
    await use(model);
    model.end();
  },
  world: async ({ harness, model, login }, use) => {
    const world = new World();
    world.options.push("--config", path.join(world.home, "config.toml"));
    world.environment = harness.settle(world, model, login);
    await world.start();
    await use(world);
    await world.end();
  },
});

/** From the first screen to a plan that is being made. */
async function ask(page, world, harness) {
  await page.goto(world.url);
  await page.getByRole("radio", { name: new RegExp(`^${harness.name}`) }).check();
  await page.getByLabel("Goal", { exact: true }).last().fill("Say hi");
  await page.getByLabel("Folder", { exact: true }).fill(world.project);
  await page.getByRole("button", { name: /Make a plan/ }).click();
}

const planned = (page) => expect(page.getByRole("button", { name: /Approve and start/ })).toBeEnabled({ timeout: 100_000 });
const approve = (page) => page.getByRole("button", { name: /Approve and start/ }).click();
const finished = (page) => expect(top(page)).toHaveAttribute("data-status", "completed", { timeout: 60_000 });
const wait = (page) => page.locator(".short");

/** The seconds of a countdown such as "resumes in 1m 04s". */
async function left(page) {
  const [, minutes, seconds] = (await wait(page).textContent()).match(/in (?:(\d+)m )?(\d+)s/);
  return Number(minutes ?? 0) * 60 + Number(seconds);
}

for (const harness of [claude, codex]) {
  test.describe(harness.name, () => {
    test.use({ harness });
    test.setTimeout(180_000);

    test.describe("its plan has a limit", () => {
      // Only its limits have a time.
      test.use({ login: "CLAUDE_CODE_OAUTH_TOKEN" });

      test("a limit counts down on the screen and passes by itself", async ({ page, world, model }) => {
        await harness.limit(model);
        await ask(page, world, harness);
        await expect(wait(page)).toContainText(/resumes in (\dm )?\d+s \(\d\d:\d\d\), rate limit reached/);
        await expect(top(page)).toHaveAttribute("data-status", "limited");
        const before = await left(page);
        await expect.poll(() => left(page)).toBeLessThan(before);
        await model.well();
        await planned(page);
        await expect(wait(page)).toHaveCount(0);
        await approve(page);
        await finished(page);
      });
    });

    test("an overload is told with its countdown and passes by itself", async ({ page, world, model }) => {
      await ask(page, world, harness);
      await planned(page);
      await harness.overload(model);
      await approve(page);
      await node(page, /^1, .*resumes in \d+s.*provider overloaded/).click();
      await expect(wait(page)).toContainText(/resumes in [123]\ds \(\d\d:\d\d\), provider overloaded/);
      await model.well();
      await finished(page);
      await expect(wait(page)).toHaveCount(0);
    });

    test("a login that is missing is said with its remedy, and a retry goes on", async ({ page, world, model }) => {
      await harness.stranger(model);
      await ask(page, world, harness);
      await expect(top(page)).toHaveAttribute("data-status", "failed");
      await expect(page.getByRole("treeitem", { name: /not logged in/ })).toBeVisible();
      await expect(page.getByText("Log the agent in on this machine (run it once in a terminal), then retry.")).toBeVisible();
      await model.well();
      await page.getByRole("button", { name: "Retry" }).first().click();
      await planned(page);
    });

    test("a crash in mid-turn is told, and the work goes on by itself", async ({ page, world, model }) => {
      await ask(page, world, harness);
      await planned(page);
      await model.fail("hang");
      await approve(page);
      await node(page, /^1, /).click();
      await expect(node(page, /^1, /)).toHaveAttribute("data-status", "active");
      process.kill(await begun(world), "SIGKILL");
      await expect(wait(page)).toContainText(/resumes in \ds \(\d\d:\d\d\), crashed/);
      await model.well();
      await finished(page);
    });
  });
}

/** The process of the first task's run, once it has said something. */
async function begun(world) {
  const runs = path.join(world.home, "data/runs");
  const run = () => fs.readdirSync(runs).find((name) => name.includes("~1~") && fs.statSync(path.join(runs, name, "out")).size > 0);
  await expect.poll(run).toBeTruthy();
  return Number(fs.readFileSync(path.join(runs, run(), "pid"), "utf8").split(/\s/)[0]);
}

/** Its caps are set in the details of the one task, then the plan begins. */
async function capped(page, name, value) {
  await planned(page);
  await node(page, /^1, /).click();
  await page.getByRole("tab", { name: "Details" }).click();
  const field = page.locator(".details").getByLabel(name);
  await field.fill(value);
  await field.press("Enter");
  await approve(page);
  await page.getByRole("tab", { name: "Chat" }).click();
}

test.describe("Claude Code", () => {
  test.use({ harness: claude });
  test("a budget is asked for in words and raised", async ({ page, world }) => {
    await ask(page, world, claude);
    await capped(page, "Budget, in dollars", "0.00001");
    const limit = page.getByRole("form", { name: "At its limit" });
    await expect(limit).toContainText("budget of <$0.01 used up");
    await expect(node(page, /^1, /)).toHaveAttribute("data-status", "waiting");
    await limit.getByLabel("Budget, in dollars").fill("5");
    await page.keyboard.press("Enter");
    await expect(limit).toHaveCount(0);
    await finished(page);
  });
});

test.describe("Codex", () => {
  const exec = (cmd) => ({ tool: ["exec_command", { cmd, yield_time_ms: 30_000 }] });
  test.use({ harness: codex, calls: [[exec("echo hi"), exec("sleep 600")], { scope: "test" }] });
  test("tokens that are used up end its turn and are asked for", async ({ page, world }) => {
    await ask(page, world, codex);
    await capped(page, "Tokens", "50");
    const limit = page.getByRole("form", { name: "At its limit" });
    await expect(limit).toContainText("50 tokens used up");
    await limit.getByLabel("Tokens").fill("100000");
    await page.keyboard.press("Enter");
    await expect(limit).toHaveCount(0);
    await expect(node(page, /^1, /)).toHaveAttribute("data-status", "completed", { timeout: 60_000 });
  });
});
