// Show the details of a verdict: the document, articles, the target's behaviour, the tests and their evidence.

const panel = byId("panel");
const LEVELS = { must: "contract", should: "recommendation, not a contract", observed: "observed, not a contract" };

function behaviour(cell, column) {
  const why = cell.detail ? `: ${cell.detail}` : ".";
  return {
    pass: `${column.target} behaves as documented.`,
    fail: `${column.target} does not behave as documented${why}`,
    inconclusive: `${column.target} could not be judged${why}`,
    error: `The harness broke on ${column.target}${why}`,
    unsupported: `${column.target} declares that it does not support this${why}`,
    "not-run": `Not run on ${column.target}${why}`,
    "no-suite": `No suite tests this claim${why}`,
  }[cell.mark];
}

function expectation(cell) {
  const known = cell.known;
  const why = known ? make("p", { class: "expectation" }, make("b", null, "Expectation of this target"), `: ${known.reason} `, known.link ? link(known.link, known.link) : "") : null;
  if (!cell.expected) return [make("p", { class: "expectation new" }, make("b", null, "Unexpected"), cell.note ? `: ${cell.note}` : ""), why].filter(Boolean);
  if (known) return [make("p", { class: "expectation" }, make("b", null, "Known"), `: ${words(known.verdict)} is expected of this target, until a review on ${known.expires}.`), why].filter(Boolean);
  return [];
}

function document_(claim) {
  return [
    make("h4", null, "Document"),
    make(
      "dl",
      null,
      claim.level && make("div", null, make("dt", null, "Level"), make("dd", null, `${claim.level}, ${LEVELS[claim.level] || ""}`)),
      claim.source && make("div", null, make("dt", null, "Source"), make("dd", null, link(claim.source, claim.href))),
      claim.check && make("div", null, make("dt", null, "Checked"), make("dd", null, claim.check)),
      claim.unproven && make("div", null, make("dt", null, "No suite"), make("dd", null, claim.unproven)),
      make("div", null, make("dt", null, "Known"), make("dd", { class: `status ${claim.status}` }, claim.statusText)),
      ...claim.recordings.map((recording) => make("div", null, make("dt", null, "Recording"), make("dd", null, `${recording.fact} `, link(recording.text, recording.href)))),
    ),
  ];
}

function articles(claim, cell, column) {
  if (!claim.articles.length) return [];
  return [
    make("h4", null, "Articles"),
    ...claim.articles.map((article) =>
      make(
        "div",
        { class: "article" },
        make("blockquote", null, article.said),
        make("p", null, make("b", null, "According to the document: "), make("span", { class: "opinion" }, article.opinion), " ", article.documented),
        article.sources.length ? make("p", { class: "sources" }, article.sources.flatMap((source, i) => [i ? ", " : "", link(source.text, source.href)])) : null,
        make("p", null, make("b", null, "This target: "), behaviour(cell, column)),
      ),
    ),
  ];
}

function testDetails(test, column, deciding) {
  const found = test.evidence === null ? null : parsed(`evidence-${column}-${test.evidence}`);
  const details = make(
    "details",
    { class: "test" },
    make("summary", null, make("span", { class: `badge mark-${test.verdict}` }, sign(test.verdict), words(test.verdict)), make("span", { class: "id" }, test.id)),
  );
  const fill = () => {
    if (details.childElementCount > 1) return;
    if (test.detail) details.append(make("p", { class: "detail" }, test.detail));
    if (!found) details.append(make("p", { class: "note" }, "The test made no calls: there is no evidence."));
    else {
      const entries = found.entries.filter((entry) => entry.kind !== "figure");
      const count = entries.length;
      details.append(...[timelineOf(found.timeline), figuresOf(found.entries)].filter(Boolean));
      details.append(
        make("h5", null, `${count.toLocaleString("en")} ${count === 1 ? "entry" : "entries"} of evidence`),
        ...exchanges(entries, test.verdict !== "pass"),
      );
      for (const shown of [snippet("Reproduce with boto3", found.boto3), snippet("Reproduce with dig", found.dig)]) if (shown) details.append(shown);
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
  // Tests that decided the verdict come first, and the first test is open.
  const decided = (test) => test.verdict === cell.mark;
  const ordered = [...cell.tests.filter(decided), ...cell.tests.filter((test) => !decided(test))];
  const title = ordered.length === 1 ? "Test" : `${ordered.length} tests`;
  return [make("h4", null, title), ...ordered.map((test, i) => testDetails(test, column, i === 0))];
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
  const target = data.columns[column];
  panel.replaceChildren(
    make(
      "div",
      { class: "panel-head" },
      make("span", { class: `badge big mark-${cell.mark}${cell.expected ? "" : " new"}` }, sign(cell.mark), words(cell.mark)),
      make("span", { class: "target" }, target.target),
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
    make("p", { class: "behaviour" }, behaviour(cell, target)),
    ...expectation(cell),
    cell.symptom ? make("details", { class: "symptom" }, make("summary", null, "Failure signature"), pretty(cell.symptom)) : "",
    ...document_(claim),
    ...articles(claim, cell, target),
    ...tests(cell, column),
  );
}
