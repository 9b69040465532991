// Open and close cells, handle keys, and follow the address.

const wide = matchMedia("(min-width: 1080px)");
const button = (row, column) => document.querySelector(`button.cell[data-row="${row}"][data-column="${column}"]`);
let current = null;

function mark(pressed) {
  if (!current) return;
  const element = button(current.row, current.column);
  element.classList.toggle("open", pressed);
  element.setAttribute("aria-expanded", String(pressed));
  element.closest("tr").classList.toggle("open", pressed);
}

// On a narrow screen the panel covers the page, so elements under it must not take the focus.
function cover() {
  const over = Boolean(current) && !wide.matches;
  for (const element of [byId("top"), ...document.querySelectorAll(".score, .fix-first, .experiments, footer"), byId("list")]) element.inert = over;
  document.documentElement.classList.toggle("covered", over);
}

function open(row, column, focus = true) {
  const element = button(row, column);
  const before = element.getBoundingClientRect().top;
  mark(false);
  current = { row, column };
  opened = `${data.claims[row].id}@${data.columns[column].label}`;
  show(row, column);
  panel.hidden = false;
  panel.scrollTop = 0;
  byId("work").classList.add("open");
  mark(true);
  cover();
  const moved = element.getBoundingClientRect().top - before; // the list became narrower: keep the row in place
  if (moved && !element.closest("tr").hidden) scrollBy({ top: moved, behavior: "instant" });
  element.closest("tr").scrollIntoView({ block: "nearest", behavior: "instant" });
  if (focus) byId("panel-title").focus({ preventScroll: true });
  remember();
}

function close() {
  if (!current) return;
  const element = button(current.row, current.column);
  mark(false);
  current = null;
  opened = "";
  panel.hidden = true;
  panel.replaceChildren();
  byId("work").classList.remove("open");
  cover();
  remember();
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const buttons = [...document.querySelectorAll(`tr.claim:not([hidden]) button.cell[data-column="${current.column}"]`)];
  const at = buttons.indexOf(button(current.row, current.column));
  const next = buttons[at < 0 ? 0 : at + step];
  if (!next) return;
  open(Number(next.dataset.row), current.column);
}

function follow() {
  if (location.hash.startsWith("#experiment-")) return;
  const cell = recall();
  if (cell === opened) return;
  const at = cell.lastIndexOf("@");
  const row = data.claims.findIndex((claim) => claim.id === cell.slice(0, at));
  const column = data.columns.findIndex((candidate) => candidate.label === cell.slice(at + 1));
  if (row >= 0 && column >= 0 && data.cells[row][column]) {
    open(row, column, false);
  } else if (current) close();
}

document.documentElement.classList.add("scripted");
form.addEventListener("input", () => { filter(); remember(); });
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => { filter(); remember(); }));
byId("none-clear").addEventListener("click", () => form.reset());
byId("matrix").addEventListener("click", (event) => {
  const row = event.target.closest("tr.claim");
  if (!row || String(getSelection())) return;
  const cell = event.target.closest("button.cell") || row.querySelector("button.cell");
  if (cell) open(Number(cell.dataset.row), Number(cell.dataset.column));
});
byId("matrix").addEventListener("keydown", (event) => {
  const from = event.target.closest("button.cell");
  if (!from || !event.key.startsWith("Arrow")) return;
  event.preventDefault();
  const next = neighbour(from, event.key);
  if (next) next.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && current) close();
  if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    event.preventDefault();
    if (current && !wide.matches) close();
    form.elements.q.focus();
  }
});
document.addEventListener("click", (event) => {
  const to = event.target.closest("a[href^='#']");
  if (!to) return;
  if (to.hasAttribute("data-jump")) return; // to an element of the page
  event.preventDefault();
  if (!to.hasAttribute("data-plain")) {
    history.pushState(null, "", to.getAttribute("href"));
    follow();
    if (current) {
      button(current.row, current.column).closest("tr").scrollIntoView({ block: "start" });
      byId("panel-title").focus({ preventScroll: true });
      return;
    }
  }
  byId("claims").scrollIntoView();
  byId("claims").focus({ preventScroll: true });
});
addEventListener("hashchange", follow);
addEventListener("popstate", follow);
wide.addEventListener("change", cover);
follow();
