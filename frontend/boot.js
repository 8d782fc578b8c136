// Starts the page's WASM. A file of its own because the Content-Security-Policy allows no inline script;
// trunk writes the hashed names of glue and WASM into the element that loads this (Trunk.toml).
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
try {
  const { default: init } = await import(js);
  await init({ module_or_path: wasm });
  globalThis.pageRuns();
} catch (error) {
  // What did not come may come the next time; what is wrong with it shows in the console.
  console.warn(error);
  globalThis.partLost();
}
