// Filter the rows. The state of the form and the open cell are kept in the address after the #.

const form = byId("filters");
const rows = [...document.querySelectorAll("tr.claim")].map((element) => {
  const n = Number(element.dataset.row);
  const claim = data.claims[n];
  return {
    element,
    n,
    area: element.parentElement.dataset.area,
    level: claim.level,
    known: claim.status,
    text: [claim.id, claim.statement, claim.source].join(" ").toLowerCase(),
    cells: data.cells[n],
  };
});
let opened = ""; // "<claim>@<target>" of the open cell

function state() {
  const values = new FormData(form);
  const verdicts = values.getAll("verdict");
  return {
    words: values.get("q").toLowerCase().split(/\s+/).filter(Boolean),
    area: values.get("area"),
    level: values.get("level"),
    known: values.get("known"),
    expected: values.get("expected"),
    column: data.columns.findIndex((column) => column.label === values.get("target")),
    verdicts: verdicts.length ? new Set(verdicts) : null,
    differ: values.has("differ"),
  };
}

function fits(row, filters) {
  if (filters.area && row.area !== filters.area) return false;
  if (filters.level && row.level !== filters.level) return false;
  if (filters.known && row.known !== filters.known) return false;
  if (!filters.words.every((word) => row.text.includes(word))) return false;
  if (filters.differ && new Set(row.cells.map((cell) => cell && cell.mark)).size < 2) return false;
  if (!filters.verdicts && !filters.expected && filters.column < 0) return true;
  return row.cells.some(
    (cell, column) =>
      cell &&
      (filters.column < 0 || filters.column === column) &&
      (!filters.verdicts || filters.verdicts.has(cell.mark)) &&
      (!filters.expected || cell.expected === (filters.expected === "yes")),
  );
}

function filter() {
  const filters = state();
  let shown = 0;
  for (const row of rows) {
    const show = fits(row, filters);
    row.element.hidden = !show;
    shown += show;
  }
  for (const body of byId("matrix").tBodies) {
    const all = body.querySelectorAll("tr.claim").length;
    const some = body.querySelectorAll("tr.claim:not([hidden])").length;
    body.hidden = !some;
    body.querySelector("tr.area .of").textContent = some === all ? all : `${some} of ${all}`;
  }
  byId("tally").textContent = shown === rows.length ? String(shown) : `${shown} of ${rows.length}`;
  byId("none").hidden = shown > 0;
  byId("matrix").hidden = shown === 0;
}

function remember() {
  const kept = new URLSearchParams();
  const verdicts = [];
  for (const [name, value] of new FormData(form)) {
    if (name === "verdict") verdicts.push(value);
    else if (value) kept.set(name, value);
  }
  if (verdicts.length) kept.set("verdict", verdicts.join(","));
  if (opened) kept.set("cell", opened);
  history.replaceState(null, "", "#" + kept);
}

// Set the form from the address, and return the cell in the address.
function recall() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const verdicts = new Set((parameters.get("verdict") || "").split(","));
  for (const field of form.elements) {
    if (field.name === "verdict") field.checked = verdicts.has(field.value);
    else if (field.type === "checkbox") field.checked = parameters.has(field.name);
    else if (field.name) field.value = parameters.get(field.name) || "";
    if (field.type === "select-one" && field.selectedIndex < 0) field.value = "";
  }
  filter();
  return parameters.get("cell") || "";
}

// Find the next verdict in a direction; filtered rows are skipped.
function neighbour(button, key) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (!step) {
    const cell = key === "ArrowLeft" ? button.parentElement.previousElementSibling : button.parentElement.nextElementSibling;
    return cell && cell.querySelector("button.cell");
  }
  const column = button.dataset.column;
  const column_buttons = [...document.querySelectorAll(`tr.claim:not([hidden]) button.cell[data-column="${column}"]`)];
  return column_buttons[column_buttons.indexOf(button) + step];
}
