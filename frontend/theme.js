// Dresses the page as this browser was told to (`component/theme.rs`), before anything of it is drawn and when another tab is told so.
// Not in boot.js, which is a module and waits for the whole document; not in the document, where the Content-Security-Policy allows no script.
const dress = () => {
  const theme = localStorage.getItem("theme");
  if (["light", "dark", "2b"].includes(theme)) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
};
addEventListener("storage", dress);
try {
  dress();
} catch {
  // The browser keeps nothing for us: the system's theme it is.
}
