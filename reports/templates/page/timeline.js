// Draw what each observer saw: a lane for each instance or address, numbers for the events of the test. A state has its
// colour, its pattern and its word; the list below the drawing has the same content as text.

const LANE = 34;
const NS = "http://www.w3.org/2000/svg";

function shape(tag, attributes, text) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = visible(text);
  return element;
}

const STATES = { present: "well", HEALTHY: "well", RUNNING: "well", answers: "well", stopping: "ill", silent: "absent", STOPPED: "absent", UNHEALTHY: "ill", absent: "absent", change: "change" };
const stateClass = (state) => "state-" + (Object.hasOwn(STATES, state) ? STATES[state] : "unknown");
const seconds = (value) => `${value.toLocaleString("en", { maximumFractionDigits: 1 })} s`;

// Choose round steps, so that about six fit.
function ticks(whole) {
  const rough = whole / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  return Array.from({ length: Math.floor(whole / step) + 1 }, (_, i) => i * step);
}

// Use the width of the panel, so that letters keep their size on a phone.
function drawing(timeline) {
  const wide = innerWidth < 1080 ? Math.max(300, innerWidth - 36) : Math.min(540, 0.36 * innerWidth);
  const whole = timeline.seconds || 1;
  const x = (at) => 1 + (at / whole) * (wide - 2);
  const top = 22;
  const bottom = top + timeline.lanes.length * LANE;
  const svg = shape("svg", { class: "timeline", viewBox: `0 0 ${wide} ${bottom + 20}`, role: "img", "aria-label": "Timeline; the list below has the same content" });
  for (const at of ticks(whole)) {
    svg.append(shape("line", { class: "tick", x1: x(at), x2: x(at), y1: top - 4, y2: bottom + 4 }));
    const end = at > 0.93 * whole ? "end" : at === 0 ? "start" : "middle";
    svg.append(shape("text", { class: "axis", x: x(at), y: bottom + 17, "text-anchor": end }, seconds(at)));
  }
  let last = -99;
  timeline.events.forEach((event, number) => {
    svg.append(shape("line", { class: "event", x1: x(event.at), x2: x(event.at), y1: 14, y2: bottom + 4 }));
    if (x(event.at) - last < 16) return; // its number would cover the previous number
    last = x(event.at);
    svg.append(shape("text", { class: "number", x: Math.min(Math.max(last, 6), wide - 7), y: 11, "text-anchor": "middle" }, number + 1));
  });
  timeline.lanes.forEach((lane, number) => {
    const y = top + number * LANE;
    svg.append(shape("text", { class: "lane", x: 1, y: y + 11 }, `${lane.subject}  ·  ${lane.observer}`.slice(0, Math.floor(wide / 5.6))));
    // Observed states are drawn over unknown spans, and never too thin to be seen.
    for (const span of [...lane.spans].sort((a, b) => (b.state === "change") - (a.state === "change"))) {
      const width = Math.max(3, x(span.end) - x(span.start));
      const box = { x: Math.min(x(span.start), wide - 4), y: y + 15, width, height: 14 };
      svg.append(shape("rect", { ...box, class: stateClass(span.state) }));
      const pattern = { "state-ill": "hatch", "state-change": "cross", "state-unknown": "dots" }[stateClass(span.state)];
      if (pattern) svg.append(shape("rect", { ...box, class: "pattern", fill: `url(#pattern-${pattern})` }));
      if (span.state !== "change" && width > 6.5 * span.state.length + 8) svg.append(shape("text", { class: "within " + stateClass(span.state), x: box.x + 5, y: y + 26 }, span.state.toLowerCase()));
    }
  });
  return svg;
}

function describe(lane) {
  const parts = lane.spans.map((span) => {
    if (span.state === "change") return `changed between ${seconds(span.start)} and ${seconds(span.end)}`;
    const when = span.start === span.end ? `at ${seconds(span.start)}` : `from ${seconds(span.start)} to ${seconds(span.end)}`;
    return `${span.state.toLowerCase()} ${when}`;
  });
  return make("li", null, make("b", null, lane.subject), ` by ${lane.observer}: ${parts.join(", ")}`);
}

function timelineOf(timeline) {
  if (!timeline) return null;
  const more = timeline.more ? make("p", { class: "note" }, `${timeline.more} more that changed are not drawn`) : null;
  const events = make("ol", { class: "events" }, timeline.events.map((event) => make("li", null, `${seconds(event.at)}: ${event.label}`)));
  const lanes = make("ul", null, timeline.lanes.map(describe));
  return make(
    "figure",
    { class: "observed" },
    make("h5", null, "Observed states, in service seconds"),
    drawing(timeline),
    make("p", { class: "key-line" }, ["present or healthy", "unhealthy", "absent", "unknown", "changed within this span"].map((word, i) => {
      const svg = shape("svg", { class: "key-box", viewBox: "0 0 18 12", "aria-hidden": "true" });
      const box = { x: 0.5, y: 0.5, width: 17, height: 11 };
      const kind = ["well", "ill", "absent", "unknown", "change"][i];
      svg.append(shape("rect", { ...box, class: "state-" + kind }));
      const pattern = { ill: "hatch", change: "cross", unknown: "dots" }[kind];
      if (pattern) svg.append(shape("rect", { ...box, class: "pattern", fill: `url(#pattern-${pattern})` }));
      return make("span", null, svg, word);
    })),
    events,
    make("details", null, make("summary", null, "As text"), lanes),
    more,
  );
}
