// One update of a page that is open on a tree of ten thousand tasks: from the message with an entry to the frame that
// shows it. The page is the bridge's; the socket is a stand-in in the page itself, so that nothing else is in the times.

const SIZE = { width: 1440, height: 900 };
/** Tasks whose whole lives come entry by entry, in each view. */
const LIVES = 6;

/** How the tree is looked at while entries come; each goes on from the one before. */
const VIEWS = [
  ["unfolded", async () => {}],
  ["task and details open", async (page) => {
    await page.getByRole("treeitem").nth(5).click();
    await page.getByRole("tab", { name: "Details" }).click();
  }],
  ["folded", async (page) => {
    await page.getByRole("treeitem").first().click();
    for (let n = 10; n > 0; n -= 1) await page.locator(".node[data-fold=open][aria-level='2']").first().locator(".fold").click();
  }],
];

/** `logs`: what the tree was made of, and the lives of so many tasks of it, as entries. */
export async function forest(browser, logs, { bridge, secret }, quantiles) {
  const found = {};
  for (const decides of [false, true]) {
    const who = decides ? "deciding" : "following";
    const page = await opened(browser, logs.grown, decides, { bridge, secret });
    let at = 0;
    for (const [view, arrange] of VIEWS) {
      if (view === "folded" && !decides) Object.assign(found, await hands(page, quantiles));
      await arrange(page);
      const lives = logs.lived.slice(at, at + LIVES).flat();
      at += LIVES;
      const times = await page.evaluate((entries) => window.socket.measured(entries), lives);
      Object.assign(found, quantiles(`forest ${who}, ${view}, work`, times.map((time) => time.work)));
      Object.assign(found, quantiles(`forest ${who}, ${view}, shown`, times.map((time) => time.shown)));
    }
    await page.close();
  }
  return found;
}

async function opened(browser, grown, decides, { bridge, secret }) {
  const page = await browser.newPage({ viewport: SIZE });
  await page.addInitScript(standIn, decides);
  await page.goto(`${bridge}#k=${secret}`);
  await page.waitForFunction(() => window.socket?.greeted);
  await page.evaluate((entries) => window.socket.tell(entries), grown);
  const goal = grown.find(({ body }) => body.kind === "goal_stated").body.task;
  await page.goto(`${bridge}#/${goal}`);
  await page.getByRole("treeitem").nth(5).waitFor();
  await page.evaluate(() => window.socket.rest());
  return page;
}

/** What a person does in the tree of all tasks, each a click or a key and its frame. */
async function hands(page, quantiles) {
  const times = await page.evaluate(async () => {
    const nodes = () => [...document.querySelectorAll(".node")];
    const pane = document.querySelector(".field-of-work");
    const toggle = () => document.querySelector(".node[aria-level='2'] .fold").click();
    const each = async (count, act) => {
      const times = [];
      for (let n = 0; n < count; n += 1) times.push((await window.socket.timed(() => act(n))).work);
      return times;
    };
    const toggled = await each(20, toggle);
    const [fold, unfold] = [0, 1].map((which) => toggled.filter((_, n) => n % 2 === which));
    const select = await each(20, (n) => nodes()[n + 3].click());
    const scroll = await each(60, (n) => {
      pane.scrollTop = n * 400;
      // At once and not with the frame, so that it is counted.
      pane.dispatchEvent(new Event("scroll"));
    });
    pane.scrollTop = 0;
    nodes()[1].click();
    document.querySelector("[role=tab]").click();
    await window.socket.timed(() => {});
    const field = document.querySelector(".composer textarea");
    const type = await each(20, (n) => {
      field.value = "x".repeat(n);
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
    return { unfold, select, scroll, type, fold };
  });
  return Object.assign({}, ...Object.entries(times).map(([what, spans]) => quantiles(`forest ${what}`, spans)));
}

/** Runs in the page, before it: a bridge that says what it is told to, and takes what the page decides. */
function standIn(decides) {
  let seq = 0;
  const now = () => performance.now();
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  class Socket extends EventTarget {
    static OPEN = 1;
    readyState = 1;

    constructor() {
      super();
      window.socket = this;
      setTimeout(() => this.onopen?.(new Event("open")));
    }

    say(message) {
      this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(message) }));
    }

    /** The next entries of the log, in one message. */
    tell(entries) {
      const told = entries.map((entry) => ({ ...entry, seq: (seq += 1), at: Date.now() }));
      this.say({ entries: { entries: told } });
    }

    close() {}

    send(text) {
      const [[kind, said]] = Object.entries(JSON.parse(text));
      // Not within the page's own call.
      setTimeout(() => this[kind]?.(said));
    }

    hello({ client }) {
      this.client = client;
      this.say({ welcome: { protocol: 1, version: "0.1.0", head: 0, now: Date.now() } });
      this.greeted = true;
    }

    want_baton({ want }) {
      const granted = { actor: { is: "bridge" }, project: null, body: { kind: "baton_granted", client: decides ? this.client : "another", epoch: 1 } };
      if (this.granted || want !== "take") return;
      this.granted = true;
      if (decides) this.say({ baton_yours: { epoch: 1 } });
      this.tell([granted]);
    }

    ping({ at }) {
      this.say({ pong: { at } });
    }

    append({ id, epoch, drafts }) {
      const actor = epoch ? { is: "conductor", epoch } : { is: "person", client: this.client };
      this.tell(drafts.map(({ project, body }) => ({ actor, project, body })));
      this.say({ acked: { id, seq } });
    }

    /** One after the other, each with a frame of its own. */
    async measured(entries) {
      const times = [];
      for (const entry of entries) times.push(await this.timed(() => this.tell([entry])));
      return times;
    }

    /** Until nothing follows any more from what was said. */
    async rest() {
      for (let before = -1; before !== seq; ) {
        before = seq;
        for (let n = 0; n < 10; n += 1) await this.timed(() => {});
      }
    }

    /** Milliseconds: of the work that `act` is and leads to, script and drawing, and from its beginning to what is on the screen. */
    async timed(act) {
      await frame();
      // Another moment between two frames each time.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 12));
      const begun = now();
      const next = frame().then(now);
      act();
      // What it leads to before the next frame.
      for (let turn = 0; turn < 50; turn += 1) await null;
      const acted = now();
      // Behind all that the page asked this frame for; its message comes when the frame is drawn.
      const drawn = new Promise((resolve) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve(now());
        channel.port2.postMessage(null);
      }));
      const shown = await drawn;
      return { work: acted - begun + (shown - (await next)), shown: shown - begun };
    }
  }
  window.WebSocket = Socket;
}
