// Read a chart at a moment: the pointer or the arrow keys move a line, and the values at it are shown below the chart.

const IDLE = "Point at the chart, or focus it and use the arrow keys, to read the values of a moment.";
const counted = (count, word) => `${count} ${word}`;

function valuesAt(chart, at) {
  const bucket = Math.min(Math.floor(at / chart.bucket), chart.ok.length - 1);
  const from = bucket * chart.bucket;
  const faults = chart.bands.filter((band) => band.start <= at && at <= Math.max(band.end, band.start + chart.bucket)).map((band) => band.name);
  const states = chart.rows.flatMap((row) => row.bars.filter((bar) => bar.start <= at && (at < bar.end || bar.end >= chart.seconds)).map((bar) => (bar.state === "leaving" ? "stopping" : bar.state)));
  const tasks = ["starting", "running", "stopping"].map((state) => [state, states.filter((found) => found === state).length]).filter(([, count]) => count);
  const views = chart.stairs.map((view) => [view.view, view.steps.filter(([when]) => when <= at).map(([, count]) => count).pop()]);
  const calls = [["answered", chart.ok], ["failed", chart.fail], ["without an answer in time", chart.info]].map(([word, counts]) => [word, counts[bucket]]).filter(([, count]) => count);
  const lanes = (chart.lanes || []).filter((lane) => lane.failed[bucket]).map((lane) => `${lane.client} ${lane.failed[bucket]} of ${lane.attempts[bucket]}`);
  return [
    ["faults", faults.join(", ")],
    ["tasks", tasks.map(([state, count]) => counted(count, state)).join(", ")],
    ...views.filter(([, count]) => count !== undefined).map(([name, count]) => [name, String(count)]),
    [`calls due from ${seconds(from)} to ${seconds(from + chart.bucket)}`, calls.map(([word, count]) => counted(count, word)).join(", ")],
    [`failed calls due from ${seconds(from)} to ${seconds(from + chart.bucket)}`, lanes.join(", ")],
  ].filter(([, value]) => value);
}

function watch(figure) {
  const chart = parsed(figure.dataset.chart);
  const plot = figure.querySelector(".plot");
  const readout = figure.querySelector(".readout");
  const drawings = [...plot.querySelectorAll("svg")];
  const step = chart.bucket;
  let current = null;

  const moveTo = (at) => {
    current = Math.min(Math.max(at, 0), chart.seconds);
    for (const drawing of drawings) {
      const [left, right] = [Number(drawing.dataset.left), Number(drawing.dataset.right)];
      const x = left + (current / Math.max(chart.seconds, 1)) * (right - left);
      const line = drawing.querySelector(".cursor");
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
    figure.classList.add("reading");
    const values = valuesAt(chart, current);
    readout.replaceChildren(make("b", null, `at ${seconds(current)}`), ...values.map(([name, value]) => make("span", null, make("i", null, name), ` ${value}`)));
    plot.setAttribute("aria-valuenow", current.toFixed(1));
    plot.setAttribute("aria-valuetext", [`at ${seconds(current)}`, ...values.map(([name, value]) => `${name}: ${value}`)].join("; "));
  };
  const idle = () => {
    figure.classList.remove("reading");
    readout.textContent = IDLE;
  };
  const point = (event) => {
    const drawing = drawings.find((candidate) => candidate.checkVisibility());
    const box = drawing.getBoundingClientRect();
    const [left, right] = [Number(drawing.dataset.left), Number(drawing.dataset.right)];
    const x = ((event.clientX - box.left) / box.width) * drawing.viewBox.baseVal.width;
    moveTo(((x - left) / (right - left)) * chart.seconds);
  };

  // Only with a script is the chart something to operate.
  for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-label": `${figure.dataset.name}: moment of the chart in service seconds`, "aria-valuemin": 0, "aria-valuemax": chart.seconds, "aria-valuenow": 0 })) plot.setAttribute(name, value);
  idle();
  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", () => { if (document.activeElement !== plot) idle(); });
  plot.addEventListener("focus", () => { if (current === null) moveTo((chart.bands[0] || { start: 0 }).start); else moveTo(current); });
  plot.addEventListener("blur", idle);
  plot.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: current - step, ArrowDown: current - step, ArrowRight: current + step, ArrowUp: current + step, PageDown: current - 10 * step, PageUp: current + 10 * step, Home: 0, End: chart.seconds }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    moveTo(to);
  });
}

document.querySelectorAll("figure.chart").forEach(watch);
