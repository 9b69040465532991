// Calls and DNS messages. Entries are built when they are opened: there may be ten thousand of them.

const AT_ONCE = 100;

function pretty(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const pre = make("pre", { tabindex: "0" });
  if (typeof value === "string") {
    pre.append(seen(text));
    return pre;
  }
  let end = 0;
  for (const found of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
    pre.append(text.slice(end, found.index), make("span", { class: found[2] ? "key" : "text" }, found[1]));
    end = found.index + found[1].length;
  }
  pre.append(text.slice(end));
  return pre;
}

// Neither good nor bad by itself: a refusal is what many documents ask for.
function came(entry) {
  if (entry.kind === "dns") {
    const answer = entry.answer;
    if (!answer || typeof answer !== "object") return { odd: true, text: String(answer) };
    const count = Array.isArray(answer.answer) ? answer.answer.length : 0;
    return { odd: answer.rcode !== "NOERROR", text: `${answer.rcode}, ${count} ${count === 1 ? "record" : "records"}` };
  }
  const error = entry.error;
  const code = error && typeof error === "object" ? error.Code : error;
  return { odd: Boolean(error), text: [entry.status, code].filter(Boolean).join(" ") || "answered" };
}

function body(entry) {
  const parts = [];
  const part = (title, value) => value !== undefined && parts.push(make("h5", null, title), pretty(value));
  if (entry.kind === "dns") {
    const answer = entry.answer;
    part("Asked", `${entry.question} @${entry.server}`);
    if (answer && typeof answer === "object") {
      for (const section of ["answer", "authority"]) if (Array.isArray(answer[section])) part(words(section), answer[section].join("\n"));
      if (!answer.answer && !answer.authority) part("came", answer);
    } else part("Came", answer);
  } else {
    part("Parameters", entry.params);
    part("Error", entry.error);
    part("Response", entry.response);
  }
  if (!parts.length) part("Entry", entry);
  return parts;
}

// What was measured, where no document promises anything: intervals, since looks have time between them.
function figuresOf(entries) {
  const figures = entries.filter((entry) => entry.kind === "figure");
  if (!figures.length) return null;
  const row = ({ figure, low, high, unit }) => make("tr", null, make("th", { scope: "row" }, figure), make("td", null, low === high ? `${low} ${unit}` : `${low} to ${high} ${unit}`));
  return make("div", null, make("h5", null, "What was measured, in service seconds"), make("table", { class: "figures" }, make("tbody", null, figures.map(row))));
}

function exchange(entry, began, open) {
  if (entry.kind === "look") return make("li", { class: "skipped" }, `${entry.question} by ${entry.server}: ${entry.answer}`);
  if (entry.kind === "event") return make("li", { class: "skipped" }, entry.event);
  if (entry.kind === "skipped") return make("li", { class: "skipped" }, `${entry.skipped} entries between are not kept`);
  const result = came(entry);
  const asked = entry.kind === "dns" ? `${entry.question}` : `${entry.operation ?? entry.kind}`;
  const who = entry.kind === "dns" ? "dns" : entry.service ?? "";
  const times = [];
  if (typeof entry.at === "number" && typeof began === "number") times.push(`+${(entry.at - began).toFixed(1)} s service`);
  if (typeof entry.wallMs === "number") times.push(`${entry.wallMs} ms wall`);
  const details = make(
    "details",
    { class: "exchange" },
    make(
      "summary",
      null,
      make("span", { class: "who" }, who),
      make("span", { class: "asked" }, asked),
      make("span", { class: result.odd ? "came odd" : "came" }, result.text),
      make("span", { class: "times" }, times.join(", ")),
    ),
  );
  const fill = () => details.childElementCount === 1 && details.append(...body(entry));
  details.addEventListener("toggle", fill);
  if (open) {
    details.open = true;
    fill();
  }
  return make("li", null, details);
}

// The end is what decided, so the last entries are shown, the very last opened if it tells what went wrong.
function exchanges(entries, openLast) {
  const began = (entries.find((entry) => typeof entry.at === "number") || {}).at;
  const list = make("ol", { class: "exchanges" });
  let from = Math.max(0, entries.length - AT_ONCE);
  list.append(...entries.slice(from).map((entry, i, shown) => exchange(entry, began, openLast && i === shown.length - 1)));
  if (!from) return [list];
  const label = () => `Show ${Math.min(from, 10 * AT_ONCE).toLocaleString("en")} earlier of ${from.toLocaleString("en")}`;
  const more = make("button", { type: "button", class: "plain" }, label());
  more.addEventListener("click", () => {
    const next = Math.max(0, from - 10 * AT_ONCE);
    list.prepend(...entries.slice(next, from).map((entry) => exchange(entry, began, false)));
    from = next;
    if (from) more.textContent = label();
    else more.remove();
  });
  return [more, list];
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function snippet(title, text) {
  if (!text) return null;
  const button = make("button", { type: "button", class: "plain copy", "aria-live": "polite" }, "Copy");
  button.addEventListener("click", () => copy(text, button));
  return make("div", { class: "snippet" }, make("div", { class: "bar-line" }, make("h5", null, title), button), pretty(text));
}
