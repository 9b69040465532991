"""Draw the chart of an experiment as SVG shapes above one time axis, for a wide and for a narrow screen.

Colours come from the page's style sheet, by class, so that the drawing works on light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from surveyor.report.chart import Band, Chart, Stairs, TaskRow

__all__ = ["NARROW", "WIDE", "Drawing", "DrawingLayout", "Shape", "draw", "draw_narrow", "view_title"]

TASK, TASK_GAP = 9.0, 3.0
STAIRS, STAIRS_GAP = 26.0, 10.0
CALLS = 60.0
LANE, LANE_GAP = 16.0, 5.0
GROUP = 22.0
"""Height of the heading above each group of rows."""

LETTER = 6.4
"""Width of a letter of the largest text."""

VIEWS = {
    "running tasks": "RUNNING tasks (ECS)",
    "list": "ListInstances",
    "discover": "DiscoverInstances, all",
    "healthy": "DiscoverInstances, healthy",
    "names": "DNS answers",
}
"""Where each view comes from, by its name in a history."""


TimeScale = Callable[[float], float]
"""Maps a service second to its horizontal position."""


@dataclass(frozen=True)
class DrawingLayout:
    """The width of a drawing, and where its time axis begins and ends before the right edge.

    `label`: height of the line above each row for its name; 0 if names stand left of the axis. `ticks`: maximum number
    of steps on the axis.
    """

    width: float
    left: float
    right: float
    label: float
    ticks: int


WIDE = DrawingLayout(960.0, 220.0, 10.0, 0.0, 12)
NARROW = DrawingLayout(320.0, 6.0, 8.0, 14.0, 6)
"""One unit is about one pixel of a phone, so that text keeps its size."""


@dataclass(frozen=True)
class Shape:
    """An SVG element."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""


@dataclass
class Drawing:
    """All shapes, in a box as wide as the layout and `high` units high."""

    layout: DrawingLayout = WIDE
    high: float = 0.0
    shapes: list[Shape] = field(default_factory=list)

    def add(self, tag: str, kind: str, text: str = "", **attributes: float | str) -> None:
        """Add a shape of a class; numbers are rounded, and `_` in attribute names becomes `-`."""
        formatted = {name.replace("_", "-"): _format(value) for name, value in attributes.items()}
        self.shapes.append(Shape(tag, {"class": kind, **formatted}, text))

    def name_row(self, kind: str, text: str, y: float, height: float) -> float:
        """Add the name of a row of this height that begins at `y`, and return where the row itself begins."""
        if self.layout.label:
            self.add("text", kind, text, x=4, y=y + self.layout.label - 4)
        else:
            self.add("text", kind, text, x=4, y=y + min(height - 1, height / 2 + 5))
        return y + self.layout.label


def view_title(view: str) -> str:
    """Return the title of a view; `names, asked by client` is what the callers got from the same source."""
    name, _, actor = view.partition(", asked by ")
    title = VIEWS.get(name, name)
    return f"{title}, to callers" if actor == "client" else f"{title}, to {actor}" if actor else title


def draw_narrow(chart: Chart) -> Drawing:
    """Return the drawing of a chart for a phone."""
    return draw(chart, NARROW)


def draw(chart: Chart, layout: DrawingLayout = WIDE) -> Drawing:
    """Return the drawing of a chart."""
    drawing = Drawing(layout)
    scale = (layout.width - layout.left - layout.right) / max(chart.seconds, 1.0)
    line = 15.0

    def at(seconds: float) -> float:
        return layout.left + min(max(seconds, 0.0), chart.seconds) * scale

    labels = list(_levels(chart.bands, at, layout))
    top = 4 + line * (max((level for *_, level in labels), default=-1) + 1)
    parts = Drawing(layout)
    y = _tasks(parts, chart, at, top)
    y = _views(parts, chart.stairs, at, y)
    y = _calls(parts, chart, at, y)
    y = _lanes(parts, chart, at, y)
    for start, over in _spans(chart.bands):
        x, end = at(start), at(over)
        drawing.add("rect", "band", x=x, y=top, width=max(end - x, 1.0), height=y - top)
    for band, x, level in labels:
        drawing.add("text", "fault", band.name, x=x, y=4 + line * (level + 1) - 4)
        begin = at(band.start)
        drawing.add("line", "fault-line", x1=begin, x2=begin, y1=4 + line * (level + 1) - 2, y2=y)
    drawing.shapes += parts.shapes
    for tick in _ticks(chart.seconds, layout.ticks):
        drawing.add("line", "tick", x1=at(tick), x2=at(tick), y1=top, y2=y + 4)
        anchor = "start" if not tick else "end" if at(tick) > layout.width - 16 else "middle"
        drawing.add("text", "axis", f"{tick:g}", x=at(tick), y=y + 16, text_anchor=anchor)
    if layout.label:
        drawing.add("text", "axis", "service seconds", x=layout.width - layout.right, y=y + 30, text_anchor="end")
        y += 14
    else:
        drawing.add("text", "axis", "service seconds", x=4, y=y + 16)
    drawing.shapes.sort(key=lambda shape: shape.tag == "text")  # lines must not cross out names
    drawing.add("line", "cursor", x1=layout.left, x2=layout.left, y1=top, y2=y + 4)
    drawing.high = y + 22
    return drawing


def _spans(bands: Iterable[Band]) -> list[tuple[float, float]]:
    """Return when any fault was active. Overlapping faults are merged, so that the background does not get darker."""
    spans: list[tuple[float, float]] = []
    for band in sorted(bands, key=lambda band: band.start):
        if spans and band.start <= spans[-1][1]:
            start, over = spans[-1]
            spans[-1] = start, max(over, band.end)
        else:
            spans.append((band.start, band.end))
    return spans


def _levels(bands: Sequence[Band], at: TimeScale, layout: DrawingLayout) -> Iterator[tuple[Band, float, int]]:
    """Yield each fault with the position of its name, and its text line, so that no two names overlap."""
    ends: list[float] = []
    for band in bands:
        width = LETTER * len(band.name) + 12
        x = max(0.0, min(at(band.start), layout.width - width))
        level = next((number for number, end in enumerate(ends) if end <= x), len(ends))
        ends[level : level + 1] = [x + width]
        yield band, x, level


def _heading(drawing: Drawing, text: str, y: float) -> float:
    """Add a heading, on two lines if it is too long for one, and return where its rows begin."""
    main, _, rest = text.partition(": ")
    if rest and LETTER * len(text) > drawing.layout.width:
        drawing.add("text", "heading", f"{main}:", x=4, y=y + 14)
        drawing.add("text", "name", rest, x=4, y=y + 28)
        return y + GROUP + 14
    drawing.add("text", "heading", text, x=4, y=y + 14)
    return y + GROUP


def _tasks(drawing: Drawing, chart: Chart, at: TimeScale, y: float) -> float:
    more = f", and {chart.more} more" if chart.more else ""
    y = _heading(drawing, f"tasks, as reported by ECS{more}", y)
    for row in chart.rows:
        y = _task(drawing, row, at, y) + TASK + TASK_GAP
    return y


def _task(drawing: Drawing, row: TaskRow, at: TimeScale, y: float) -> float:
    y = drawing.name_row("victim" if row.victim else "name", f"{row.task[:8]} {row.address}", y, TASK)
    for bar in row.bars:
        x, end = at(bar.start), at(bar.end)
        width = max(end - x, 1.5)
        x = min(x, drawing.layout.width - width)
        drawing.add("rect", f"life {bar.state}", x=x, y=y, width=width, height=TASK)
    return y


def _views(drawing: Drawing, stairs: Sequence[Stairs], at: TimeScale, y: float) -> float:
    left, right = drawing.layout.left, drawing.layout.width - drawing.layout.right
    highest = max((count for view in stairs for _, count in view.steps), default=1) or 1
    y = _heading(drawing, "tasks or addresses listed by each source", y)
    for view in stairs:
        bottom = drawing.name_row("name", view_title(view.view), y, STAIRS) + STAIRS
        drawing.add("line", "base", x1=left, x2=right, y1=bottom, y2=bottom)
        points = [(at(when), bottom - STAIRS * count / highest, count) for when, count in view.steps]
        if points:
            path = f"M{points[0][0]:.1f} {bottom:.1f}"
            for number, (x, height, _) in enumerate(points):
                end = points[number + 1][0] if number + 1 < len(points) else right
                path += f"L{x:.1f} {height:.1f}L{end:.1f} {height:.1f}"
            drawing.add("path", "stairs", d=f"{path}L{right:.1f} {bottom:.1f}Z")
            for x, height, count in _labelled_points(points, drawing.layout.width):
                drawing.add(
                    "text", "count", str(count), x=x + 3, y=min(max(height + 10, bottom - STAIRS + 9), bottom - 2)
                )
        y = bottom + STAIRS_GAP
    return y


def _labelled_points(points: Sequence[tuple[float, float, int]], width: float) -> Iterator[tuple[float, float, int]]:
    """Yield the points that have space for their number before the next point."""
    for number, point in enumerate(points):
        end = points[number + 1][0] if number + 1 < len(points) else width
        if end - point[0] > 8 + 6 * len(str(point[2])):
            yield point


def _calls(drawing: Drawing, chart: Chart, at: TimeScale, y: float) -> float:
    highest = max((sum(counts) for counts in zip(chart.ok, chart.fail, chart.info, strict=True)), default=0)
    if not highest:
        return y
    y = _heading(drawing, f"calls, one bar for {chart.bucket:g} s: answered, failed, no answer in time", y)
    bottom = drawing.name_row("name", f"highest bar: {highest} {'call' if highest == 1 else 'calls'}", y, CALLS) + CALLS
    for number, counts in enumerate(zip(chart.ok, chart.info, chart.fail, strict=True)):
        x, end = at(number * chart.bucket), at((number + 1) * chart.bucket)
        base = bottom
        for kind, count in zip(("call-ok", "call-info", "call-fail"), counts, strict=True):
            height = CALLS * count / highest
            if count:
                drawing.add("rect", kind, x=x, y=base - height, width=_bar_width(x, end), height=height)
            base -= height
    drawing.add(
        "line", "base", x1=drawing.layout.left, x2=drawing.layout.width - drawing.layout.right, y1=bottom, y2=bottom
    )
    return bottom + 4


def _lanes(drawing: Drawing, chart: Chart, at: TimeScale, y: float) -> float:
    """Draw a row per client; the height of the red part is the share of its calls that failed."""
    if not chart.lanes:
        return y
    heading = f"calls of each client when due, one bar for {chart.bucket:g} s: red is the share that failed"
    y = _heading(drawing, heading, y)
    for lane in chart.lanes:
        bottom = drawing.name_row("name", lane.client, y, LANE) + LANE
        for number, (attempts, failed) in enumerate(zip(lane.attempts, lane.failed, strict=True)):
            if not attempts:
                continue
            x, end = at(number * chart.bucket), at((number + 1) * chart.bucket)
            height, width = LANE * failed / attempts, _bar_width(x, end)
            drawing.add("rect", "call-ok", x=x, y=bottom - LANE, width=width, height=LANE - height)
            if failed:
                drawing.add("rect", "call-fail", x=x, y=bottom - height, width=width, height=height)
        y = bottom + LANE_GAP
    return y


def _bar_width(x: float, end: float) -> float:
    """Return the width of a bar, with a gap before the next if there is space for one."""
    return max(end - x - 0.6, 0.6)


def _ticks(seconds: float, count: int) -> list[float]:
    step = next((step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if seconds / step <= count), 1_200)
    return [float(number * step) for number in range(int(seconds / step) + 1)]


def _format(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
