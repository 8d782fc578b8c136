// Starts the page's WASM. A file of its own because the Content-Security-Policy allows no inline script;
// trunk writes the hashed names of glue and WASM into the element that loads this (Trunk.toml).
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
const { default: init } = await import(js);
await init({ module_or_path: wasm });
