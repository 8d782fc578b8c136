// The page's part of `cargo xtask soak --page`: two tabs on a bridge whose agents never stop writing. One stays with one
// conversation, the other goes from one to the next. What they hold must be flat once their windows are full.
import { chromium } from "@playwright/test";

const { BRIDGE, SECRET, GOAL, CHROMIUM, MINUTES } = process.env;
const SIZE = { width: 1440, height: 900 };
/** Between two looks, and the stay with one conversation, in ms. */
const LOOK = 15_000;
const STAY = 3_000;
const TASKS = 20;
/** Looks at full windows before what is held counts, at least: each task is gone to twice, and a window that lets go of a quarter fills again. */
const FULL = (2 * TASKS * STAY) / LOOK;
/** How much more than in these may be in use later. */
const GROWTH = 1.15;
const MIB = 1024 * 1024;

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"] });
try {
  const tabs = [await tab("stays", dropped), await tab("goes about", openedLate)];
  const began = Date.now();
  const end = began + Number(MINUTES) * 60_000;
  console.log("    time  tab            heap MiB   wasm MiB    nodes  listeners      lines");
  for (let [look, n] = [began + LOOK, 0]; Date.now() < end; look += LOOK) {
    for (; Date.now() < look; n += 1) {
      await Promise.all([tabs[1].goTo(n), new Promise((resolve) => setTimeout(resolve, STAY))]);
    }
    await tabs[0].view();
    for (const one of tabs) await one.look(Math.round((Date.now() - began) / 1000));
  }
  for (const one of tabs) one.verdict();
} finally {
  await browser.close();
}

/** Its one conversation has let go of what it began with. */
function dropped(views) {
  return views.at(-1).before > views[0].before;
}

/** Each conversation that it goes to was longer, once, than what is shown of it at first; and none becomes shorter. */
function openedLate(views) {
  const longer = new Set(views.filter(({ before }) => before > 0).map(({ task }) => task));
  return views.length > TASKS && views.every(({ task }) => longer.has(task));
}

/** `isFull` tells by the conversations that were seen, each with how many lines lie before its window, whether windows are at their bounds. */
async function tab(name, isFull) {
  // A context of its own is a process of its own, so that each has its own heap.
  const page = await (await browser.newContext({ viewport: SIZE })).newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.addInitScript(countAndKeep);
  await page.goto(`${BRIDGE}#k=${SECRET}`);
  await page.getByText(/decides/).first().waitFor();
  await page.goto(`${BRIDGE}#/${GOAL}`);
  const tasks = page.getByRole("treeitem");
  const earlier = page.getByRole("button", { name: /Show earlier output/ });
  await tasks.nth(1).click();
  await page.locator(".msg .tool").first().waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const looks = [];
  const views = [];
  let [task, filled] = [0, undefined];
  return {
    /** Chooses another task, and each fourth time looks at its details instead of its conversation. */
    async goTo(n) {
      task = n % TASKS;
      const node = tasks.nth(1 + task);
      await node.scrollIntoViewIfNeeded();
      await node.click();
      if (n % 4 === 3) return page.getByRole("tab", { name: "Details" }).click();
      // A short one never has it.
      await earlier.waitFor({ timeout: STAY }).catch(() => {});
      await this.view();
    },
    /** Takes down how many lines lie before the window of the open conversation. */
    async view() {
      const [words] = await earlier.allTextContents();
      views.push({ task, before: Number(words?.match(/\d+/)[0] ?? 0) });
    },
    async look(at) {
      // Twice: what the first one finalizes goes with the second.
      for (let n = 0; n < 2; n += 1) await devtools.send("HeapProfiler.collectGarbage");
      const { metrics } = await devtools.send("Performance.getMetrics");
      const metric = (name) => metrics.find((one) => one.name === name).value;
      const { wasm, lines } = await page.evaluate(() => ({ wasm: window.held.memory.buffer.byteLength, lines: window.held.lines }));
      const held = { heap: metric("JSHeapUsedSize") / MIB, wasm: wasm / MIB, nodes: metric("Nodes"), listeners: metric("JSEventListeners") };
      looks.push(held);
      if (filled === undefined && isFull(views)) {
        filled = looks.length - 1;
        console.log(`the windows of the tab that ${name} are full`);
      }
      console.log(`${`${at} s`.padStart(8)}  ${name.padEnd(12)} ${held.heap.toFixed(1).padStart(10)} ${held.wasm.toFixed(1).padStart(10)} ${String(held.nodes).padStart(8)} ${String(held.listeners).padStart(10)} ${String(lines).padStart(10)}`);
    },
    verdict() {
      // On a busy machine a window fills long after its conversation was long enough, and what it took stays taken: half the time is for that.
      const from = Math.max(filled + FULL, Math.ceil(looks.length / 2));
      if (!(from < looks.length)) throw new Error(`the windows of the tab that ${name} were not full for long enough to tell. Next: more minutes`);
      const most = (what, looks) => Math.max(...looks.map((held) => held[what]));
      const grown = Object.keys(looks[0]).filter((what) => {
        const [full, after] = [most(what, looks.slice(filled, from)), most(what, looks.slice(from))];
        console.log(`${name}: ${what} ${full.toFixed(1)} at most from full windows to half the time, ${after.toFixed(1)} after that`);
        return after > full * GROWTH;
      });
      if (problems.length) throw new Error(`the tab that ${name} complained: ${problems[0]}`);
      if (grown.length) throw new Error(`of the tab that ${name} these grew: ${grown.join(", ")}`);
    },
  };
}

/** Runs in the page, before it: keeps the WASM's memory where it can be looked at, and counts the lines that come. */
function countAndKeep() {
  const held = (window.held = { memory: undefined, lines: 0 });
  const keep = (made) => {
    held.memory ??= (made.instance ?? made).exports.memory;
    return made;
  };
  for (const way of ["instantiate", "instantiateStreaming"]) {
    const native = WebAssembly[way].bind(WebAssembly);
    WebAssembly[way] = (...given) => native(...given).then(keep);
  }
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") held.lines += new Uint8Array(data).reduce((sum, byte) => sum + (byte === 10), 0);
      });
    }
  };
}
