// What is behind one verdict: the document, what articles say, what the target does, its tests and their evidence.

const panel = byId("panel");
const LEVELS = { must: "a contract", should: "worded with room", observed: "seen, no contract" };

function does(cell, column) {
  const why = cell.detail ? `: ${cell.detail}` : ".";
  return {
    pass: `${column.named} does as documented.`,
    fail: `${column.named} does not${why}`,
    inconclusive: `${column.named} could not be judged${why}`,
    error: `The harness broke on ${column.named}${why}`,
    unsupported: `${column.named} declares that it lacks this${why}`,
    "not-run": `${column.named} was not asked${why}`,
    "not-proven": `No suite proves this${why}`,
  }[cell.mark];
}

function standing(cell) {
  const known = cell.known;
  const why = known ? make("p", { class: "standing" }, make("b", null, "Written down of this target"), `: ${known.reason} `, known.link ? link(known.link, known.link) : "") : null;
  if (!cell.expected) return [make("p", { class: "standing new" }, make("b", null, "Unexpected"), cell.note ? `: ${cell.note}` : ""), why];
  if (known) return [make("p", { class: "standing" }, make("b", null, "Known"), `: ${words(known.verdict)} is what is expected of this target, to be looked at again by ${known.expires}.`), why];
  return [];
}

function document_(claim) {
  return [
    make("h4", null, "The document"),
    make(
      "dl",
      null,
      claim.level && make("div", null, make("dt", null, "Level"), make("dd", null, `${claim.level}, ${LEVELS[claim.level] || ""}`)),
      claim.source && make("div", null, make("dt", null, "Source"), make("dd", null, link(claim.source, claim.href))),
      claim.check && make("div", null, make("dt", null, "Checked"), make("dd", null, claim.check)),
      claim.unproven && make("div", null, make("dt", null, "Not proven"), make("dd", null, claim.unproven)),
      make("div", null, make("dt", null, "Real account"), make("dd", null, claim.confirmed ? `last confirmed on ${claim.confirmed}` : "never confirmed on one yet")),
    ),
  ];
}

function articles(claim, cell, column) {
  if (!claim.articles.length) return [];
  return [
    make("h4", null, "You may have read"),
    ...claim.articles.map((article) =>
      make(
        "div",
        { class: "article" },
        make("blockquote", null, article.said),
        make("p", null, make("b", null, `The document says `), make("span", { class: "opinion" }, article.opinion), " ", article.documented),
        article.sources.length ? make("p", { class: "sources" }, article.sources.flatMap((source, i) => [i ? ", " : "", link(source.text, source.href)])) : null,
        make("p", null, make("b", null, "This target "), does(cell, column)),
      ),
    ),
  ];
}

function test(one, column, deciding) {
  const found = one.evidence === null ? null : parsed(`evidence-${column}-${one.evidence}`);
  const details = make(
    "details",
    { class: "test" },
    make("summary", null, make("span", { class: `badge mark-${one.verdict}` }, sign(one.verdict), words(one.verdict)), make("span", { class: "id" }, one.id)),
  );
  const fill = () => {
    if (details.childElementCount > 1) return;
    if (one.detail) details.append(make("p", { class: "detail" }, one.detail));
    if (!found) details.append(make("p", { class: "note" }, "It asked nothing: there is no evidence."));
    else {
      const entries = found.entries.filter((entry) => entry.kind !== "figure");
      const count = entries.length;
      details.append(...[timelineOf(found.timeline), figuresOf(found.entries)].filter(Boolean));
      details.append(
        make("h5", null, `${count.toLocaleString("en")} ${count === 1 ? "entry" : "entries"} of evidence`),
        ...exchanges(entries, one.verdict !== "pass"),
      );
      for (const shown of [snippet("Again, with boto3", found.boto3), snippet("Again, with dig", found.dig)]) if (shown) details.append(shown);
    }
  };
  details.addEventListener("toggle", fill);
  if (deciding) {
    details.open = true;
    fill();
  }
  return details;
}

function tests(cell, column) {
  if (!cell.tests.length) return [];
  // Those that decided come first, and the first of them is open.
  const decided = (one) => one.verdict === cell.mark;
  const ordered = [...cell.tests.filter(decided), ...cell.tests.filter((one) => !decided(one))];
  const title = ordered.length === 1 ? "The test" : `The ${ordered.length} tests`;
  return [make("h4", null, title), ...ordered.map((one, i) => test(one, column, i === 0))];
}

function others(row, column) {
  if (data.columns.length === 1) return null;
  return make(
    "p",
    { class: "others", role: "group", "aria-label": "The same claim on" },
    data.cells[row].map((cell, i) =>
      cell
        ? make("button", { type: "button", class: `badge mark-${cell.mark}`, "aria-pressed": String(i === column), onclick: () => open(row, i) }, sign(cell.mark), data.columns[i].label)
        : null,
    ),
  );
}

function show(row, column) {
  const claim = data.claims[row];
  const cell = data.cells[row][column];
  const named = data.columns[column];
  panel.replaceChildren(
    make(
      "div",
      { class: "panel-head" },
      make("span", { class: `badge big mark-${cell.mark}${cell.expected ? "" : " new"}` }, sign(cell.mark), words(cell.mark)),
      make("span", { class: "named" }, named.named),
      make(
        "span",
        { class: "moves" },
        make("button", { type: "button", class: "plain", "aria-label": "Previous claim", onclick: () => move(-1) }, "\u2191"),
        make("button", { type: "button", class: "plain", "aria-label": "Next claim", onclick: () => move(1) }, "\u2193"),
        make("button", { type: "button", class: "plain", onclick: close }, "Close"),
      ),
    ),
    make("h3", { id: "panel-title", tabindex: "-1" }, claim.statement),
    make("p", { class: "id" }, claim.id),
    others(row, column) || "",
    make("h4", null, "This target"),
    make("p", { class: "does" }, does(cell, named)),
    ...standing(cell),
    cell.symptom ? make("details", { class: "symptom" }, make("summary", null, "Symptom, the same whenever it goes wrong this way"), pretty(cell.symptom)) : "",
    ...document_(claim),
    ...articles(claim, cell, named),
    ...tests(cell, column),
  );
}
