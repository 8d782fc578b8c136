// The page's part of `cargo xtask soak --page`: two tabs on a bridge whose agents never stop writing. One stays with one
// conversation, the other goes from one to the next. What they hold must be flat after they have warmed up.
import { chromium } from "@playwright/test";

const { BRIDGE, SECRET, GOAL, CHROMIUM, MINUTES } = process.env;
const SIZE = { width: 1440, height: 900 };
/** Between two looks, and the stay with one conversation, in ms. */
const LOOK = 15_000;
const STAY = 3_000;
/** The share of the time after which memory has to be flat: until then the windows of the open conversations fill. */
const WARM = 0.5;
/** How much more than then may be in use later. */
const GROWTH = 1.15;
const MIB = 1024 * 1024;

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"] });
try {
  const tabs = [await tab("stays"), await tab("goes about")];
  const began = Date.now();
  const end = began + Number(MINUTES) * 60_000;
  console.log("    time  tab            heap MiB   wasm MiB    nodes  listeners      lines");
  for (let look = began + LOOK; Date.now() < end; look += LOOK) {
    for (let n = 0; Date.now() < look; n += 1) {
      await Promise.all([tabs[1].goTo(n), new Promise((resolve) => setTimeout(resolve, STAY))]);
    }
    for (const one of tabs) await one.look(Math.round((Date.now() - began) / 1000));
  }
  for (const one of tabs) one.verdict();
} finally {
  await browser.close();
}

async function tab(name) {
  // A context of its own is a process of its own, so that each has its own heap.
  const page = await (await browser.newContext({ viewport: SIZE })).newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.addInitScript(countAndKeep);
  await page.goto(`${BRIDGE}#k=${SECRET}`);
  await page.getByText(/decides/).first().waitFor();
  await page.goto(`${BRIDGE}#/${GOAL}`);
  const tasks = page.getByRole("treeitem");
  await tasks.nth(1).click();
  await page.locator(".msg .tool").first().waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const looks = [];
  return {
    /** Chooses another task, and each fourth time looks at its details instead of its conversation. */
    async goTo(n) {
      const task = tasks.nth(1 + (n % 20));
      await task.scrollIntoViewIfNeeded();
      await task.click();
      if (n % 4 === 3) await page.getByRole("tab", { name: "Details" }).click();
    },
    async look(at) {
      // Twice: what the first one finalizes goes with the second.
      for (let n = 0; n < 2; n += 1) await devtools.send("HeapProfiler.collectGarbage");
      const { metrics } = await devtools.send("Performance.getMetrics");
      const metric = (name) => metrics.find((one) => one.name === name).value;
      const { wasm, lines } = await page.evaluate(() => ({ wasm: window.held.memory.buffer.byteLength, lines: window.held.lines }));
      const held = { heap: metric("JSHeapUsedSize") / MIB, wasm: wasm / MIB, nodes: metric("Nodes"), listeners: metric("JSEventListeners") };
      looks.push(held);
      console.log(`${`${at} s`.padStart(8)}  ${name.padEnd(12)} ${held.heap.toFixed(1).padStart(10)} ${held.wasm.toFixed(1).padStart(10)} ${String(held.nodes).padStart(8)} ${String(held.listeners).padStart(10)} ${String(lines).padStart(10)}`);
    },
    verdict() {
      const warm = Math.floor(looks.length * WARM);
      const grown = Object.keys(looks[0]).filter((what) => {
        const most = (from, to) => Math.max(...looks.slice(from, to).map((held) => held[what]));
        // The highest of the looks around warming up, for what is held goes up and down with what is shown.
        const [before, after] = [most(Math.floor(warm / 2), warm + 1), most(warm + 1)];
        console.log(`${name}: ${what} ${before.toFixed(1)} at most when warm, ${after.toFixed(1)} after that`);
        return after > before * GROWTH;
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
