// Which rows are shown. The state is that of the form, and is kept in the address after the #, with the open cell.

const form = byId("filters");
const rows = [...document.querySelectorAll("tr.claim")].map((element) => {
  const n = Number(element.dataset.row);
  const claim = data.claims[n];
  return {
    element,
    n,
    area: element.parentElement.dataset.area,
    level: claim.level,
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
    expected: values.get("expected"),
    column: data.columns.findIndex((column) => column.label === values.get("target")),
    verdicts: verdicts.length ? new Set(verdicts) : null,
    differ: values.has("differ"),
  };
}

function fits(row, wanted) {
  if (wanted.area && row.area !== wanted.area) return false;
  if (wanted.level && row.level !== wanted.level) return false;
  if (!wanted.words.every((word) => row.text.includes(word))) return false;
  if (wanted.differ && new Set(row.cells.map((cell) => cell && cell.mark)).size < 2) return false;
  if (!wanted.verdicts && !wanted.expected && wanted.column < 0) return true;
  return row.cells.some(
    (cell, column) =>
      cell &&
      (wanted.column < 0 || wanted.column === column) &&
      (!wanted.verdicts || wanted.verdicts.has(cell.mark)) &&
      (!wanted.expected || cell.expected === (wanted.expected === "yes")),
  );
}

function filter() {
  const wanted = state();
  let shown = 0;
  for (const row of rows) {
    const show = fits(row, wanted);
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

// The other way round: what the address says becomes the form's state. Returns the cell that it names.
function recall() {
  const said = new URLSearchParams(location.hash.slice(1));
  const verdicts = new Set((said.get("verdict") || "").split(","));
  for (const field of form.elements) {
    if (field.name === "verdict") field.checked = verdicts.has(field.value);
    else if (field.type === "checkbox") field.checked = said.has(field.name);
    else if (field.name) field.value = said.get(field.name) || "";
    if (field.type === "select-one" && field.selectedIndex < 0) field.value = "";
  }
  filter();
  return said.get("cell") || "";
}

// From a verdict to its neighbour, over what is filtered out.
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
