// Sees to it that the page arrives whole. Where a part of it is lost on the way (the network changed just then, the bridge was
// starting), it is loaded again, three times in a row at most, and then says so. The first script, and a file of its own: it must
// be there before what may fail, and the Content-Security-Policy allows none in the document.
const TRIES = "orchestrator.tries";
let lost = false;

const tries = () => {
  try {
    return Number(sessionStorage.getItem(TRIES));
  } catch {
    // The browser keeps nothing for us, and would load the page for ever.
    return Infinity;
  }
};

/** The next loss counts from the beginning. */
function forget() {
  try {
    sessionStorage.removeItem(TRIES);
  } catch {
    // Nothing was kept.
  }
}

/** A part of the page did not come. */
function partLost() {
  if (lost) return;
  lost = true;
  const tried = tries();
  if (tried < 3) {
    sessionStorage.setItem(TRIES, tried + 1);
    setTimeout(() => location.reload(), 500 * 2 ** tried);
    return;
  }
  forget();
  const words = document.createElement("p");
  words.setAttribute("role", "alert");
  words.textContent = "The page could not be loaded whole. See whether the bridge runs, and load it again.";
  const show = () => document.body.append(words);
  if (document.body) show();
  else addEventListener("DOMContentLoaded", show);
}

/** It runs. What else is lost within ten seconds still counts to what was before. */
const pageRuns = () => setTimeout(() => lost || forget(), 10_000);

const isNeeded = (part) => part instanceof HTMLScriptElement || (part instanceof HTMLLinkElement && part.rel === "stylesheet");
// It does not bubble.
addEventListener("error", ({ target }) => isNeeded(target) && partLost(), true);
Object.assign(globalThis, { partLost, pageRuns });
