// Only in `cargo xtask dev`, put before boot.js by Trunk.toml: the bridge tells when the page was rebuilt.
new EventSource("/dev/reload").addEventListener("reload", () => location.reload());
