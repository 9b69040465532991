// Calls and DNS messages. An entry is built when it is opened: there may be ten thousand of them.

const PAGE_SIZE = 100;

function pretty(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const pre = make("pre", { tabindex: "0" });
  if (typeof value === "string") {
    pre.append(visible(text));
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

// Summarise the response. A refusal is not bad in itself: many documents require it.
function response(entry) {
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
    part("Question", `${entry.question} @${entry.server}`);
    if (answer && typeof answer === "object") {
      for (const section of ["answer", "authority"]) if (Array.isArray(answer[section])) part(words(section), answer[section].join("\n"));
      if (!answer.answer && !answer.authority) part("Answer", answer);
    } else part("Answer", answer);
  } else {
    part("Parameters", entry.params);
    part("Error", entry.error);
    part("Response", entry.response);
  }
  if (!parts.length) part("Entry", entry);
  return parts;
}

// Measurements that no document specifies: intervals, because there is time between two samples.
function figuresOf(entries) {
  const figures = entries.filter((entry) => entry.kind === "figure");
  if (!figures.length) return null;
  const row = ({ figure, low, high, unit }) => make("tr", null, make("th", { scope: "row" }, figure), make("td", null, low === high ? `${low} ${unit}` : `${low} to ${high} ${unit}`));
  return make("div", null, make("h5", null, "Measurements, in service seconds"), make("table", { class: "figures" }, make("tbody", null, figures.map(row))));
}

function exchange(entry, began, open) {
  if (entry.kind === "look") return make("li", { class: "skipped" }, `${entry.question} by ${entry.server}: ${entry.answer}`);
  if (entry.kind === "event") return make("li", { class: "skipped" }, entry.event);
  if (entry.kind === "skipped") return make("li", { class: "skipped" }, `${entry.skipped} entries are not kept here`);
  const result = response(entry);
  const request = entry.kind === "dns" ? `${entry.question}` : `${entry.operation ?? entry.kind}`;
  const service = entry.kind === "dns" ? "dns" : entry.service ?? "";
  const times = [];
  if (typeof entry.at === "number" && typeof began === "number") times.push(`+${(entry.at - began).toFixed(1)} s service`);
  if (typeof entry.wallMs === "number") times.push(`${entry.wallMs} ms wall`);
  const details = make(
    "details",
    { class: "exchange" },
    make(
      "summary",
      null,
      make("span", { class: "service" }, service),
      make("span", { class: "request" }, request),
      make("span", { class: result.odd ? "response odd" : "response" }, result.text),
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

// The last entries decided the verdict, so they are shown, and the very last is opened if the test did not pass.
function exchanges(entries, openLast) {
  const began = (entries.find((entry) => typeof entry.at === "number") || {}).at;
  const list = make("ol", { class: "exchanges" });
  let from = Math.max(0, entries.length - PAGE_SIZE);
  list.append(...entries.slice(from).map((entry, i, shown) => exchange(entry, began, openLast && i === shown.length - 1)));
  if (!from) return [list];
  const label = () => `Show ${Math.min(from, 10 * PAGE_SIZE).toLocaleString("en")} earlier of ${from.toLocaleString("en")}`;
  const more = make("button", { type: "button", class: "plain" }, label());
  more.addEventListener("click", () => {
    const next = Math.max(0, from - 10 * PAGE_SIZE);
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
