// The page's part of `cargo xtask bench`: prints one JSON object of figures. The bridge, with a goal whose plan
// is a thousand commands, is there already; the environment says where.
import { chromium } from "@playwright/test";
import fs from "node:fs";
import path from "node:path";
import { forest } from "./forest.js";

const { BRIDGE, SECRET, GOAL, PROJECT, CHROMIUM, ENTRIES, FOLD_DIR } = process.env;
const SIZE = { width: 1440, height: 900 };

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"] });
try {
  const { logs, rates } = await folding();
  const updates = await forest(browser, logs, { bridge: BRIDGE, secret: SECRET }, quantiles);
  const found = { ...rates, ...updates, ...(await tokens()), ...(await tree()) };
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}

function quantiles(name, values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { [`${name} p50`]: at(0.5), [`${name} p99`]: at(0.99) };
}

/** The same log and the same code as natively, compiled to WASM; the best of three, as the first one warms up. */
async function folding() {
  const page = await browser.newPage();
  // A secure context needs an address, not a file; nothing answers there but this.
  await page.route("http://localhost:1/**", (route) => {
    const name = path.basename(new URL(route.request().url()).pathname) || "index.html";
    const types = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
    const body = name === "index.html" ? "<!doctype html>" : fs.readFileSync(path.join(FOLD_DIR, name));
    return route.fulfill({ body, contentType: types[path.extname(name)] });
  });
  await page.goto("http://localhost:1/index.html");
  const found = await page.evaluate(async (entries) => {
    const { default: init, Log, Tree } = await import("/fold.js");
    await init();
    const log = new Log(entries);
    const best = (work) => {
      const rates = [0, 1, 2].map(() => {
        const began = performance.now();
        const count = work();
        return (count * 1000) / (performance.now() - began);
      });
      return Math.max(...rates);
    };
    const forest = new Tree();
    const grown = JSON.parse(forest.log(0));
    const timed = (work) => {
      const began = performance.now();
      const count = work();
      return [performance.now() - began, count];
    };
    const times = (count, work) => Array.from({ length: count }, () => timed(work));
    const rates = {
      read: best(() => log.read()),
      folded: best(() => log.fold()),
      forest: forest.len(),
      "forest surveyed": times(9, () => forest.survey()).map(([time]) => time),
      "forest decided": times(9, () => forest.decide()).map(([time]) => time),
    };
    const steps = times(100, () => forest.step());
    rates["forest entries"] = steps.map(([time, count]) => time / count);
    // A log keeps no results of calls.
    const kept = ({ body }) => body.event?.event !== "tool_result";
    let at = grown.length;
    const lived = steps.map(([, count]) => JSON.parse(forest.log(at)).slice(0, ((at += count), count)).filter(kept));
    return { rates, logs: { grown: grown.filter(kept), lived } };
  }, Number(ENTRIES));
  await page.close();
  return found;
}

/** A small goal whose planner streams its answer: each message with a piece of text, and where it went. */
async function tokens() {
  const page = await browser.newPage({ viewport: SIZE });
  await page.addInitScript(watchTokens);
  await page.goto(`${BRIDGE}#k=${SECRET}`);
  await page.getByLabel("Goal", { exact: true }).last().fill(`Add a shopping cart:\n${"- write a part of it\n".repeat(8)}\n[[demo slow=40]]`);
  await page.getByLabel("Folder", { exact: true }).fill(PROJECT);
  await page.getByRole("button", { name: /Make a plan/ }).click();
  await page.getByRole("button", { name: /Approve and start/ }).waitFor();
  const seen = await page.evaluate(() => window.tokens.seen);
  await page.close();
  if (seen.length < 10) throw new Error(`only ${seen.length} pieces of text were seen`);
  const soon = seen.filter(({ frames }) => frames <= 1).length;
  return { ...quantiles("token", seen.map(({ span }) => span)), "tokens in a frame": (100 * soon) / seen.length };
}

/** Runs in the page: when a message with text came, and the first change of the conversation after it. */
function watchTokens() {
  const Native = window.WebSocket;
  const decoder = new TextDecoder();
  const state = (window.tokens = { waiting: [], seen: [], frames: 0 });
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string" && decoder.decode(data).includes("text_delta")) state.waiting.push({ at: performance.now(), frame: state.frames });
      });
    }
  };
  const frame = () => {
    state.frames += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new MutationObserver((changes) => {
    const inText = ({ target }) => (target.nodeType === Node.TEXT_NODE ? target.parentElement : target)?.closest?.(".msg");
    if (!changes.some(inText)) return;
    // A frame that began after the message and in which the text was set is the first that can show it.
    for (const { at, frame } of state.waiting.splice(0)) state.seen.push({ span: performance.now() - at, frames: state.frames - frame });
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

/** A thousand tasks: scrolled, zoomed, and worked through by this very page. */
async function tree() {
  const page = await browser.newPage({ viewport: SIZE });
  await page.goto(`${BRIDGE}#k=${SECRET}`);
  await page.getByText("This tab decides").waitFor(); // The page has taken the secret out of its address.
  await page.goto(`${BRIDGE}#/${GOAL}`);
  await page.getByRole("treeitem").nth(5).waitFor();
  const scrolling = await page.evaluate(frames, ["scroll", 3000]);
  const zooming = await page.evaluate(frames, ["zoom", 3000]);
  await page.getByRole("button", { name: /Approve and start/ }).click();
  await page.locator(".node[data-status=completed]").first().waitFor();
  const working = await page.evaluate(frames, ["wait", 5000]);
  await page.close();
  return { ...quantiles("scrolling", scrolling), ...quantiles("zooming", zooming), ...quantiles("working", working) };
}

/** Runs in the page: the spans between frames while the tree is moved for `time` milliseconds. */
function frames([what, time]) {
  const pane = document.querySelector(".field-of-work");
  const button = (name) => [...document.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === name);
  return new Promise((resolve) => {
    const spans = [];
    let last = performance.now();
    const end = last + time;
    let step = 0;
    const frame = (now) => {
      spans.push(now - last);
      last = now;
      step += 1;
      if (what === "scroll") pane.scrollTop = (step * 40) % (pane.scrollHeight - pane.clientHeight);
      if (what === "zoom" && step % 10 === 0) button(step % 40 < 20 ? "Zoom out" : "Zoom in")?.click();
      if (now < end) requestAnimationFrame(frame);
      else resolve(spans.slice(1));
    };
    requestAnimationFrame(frame);
  });
}
