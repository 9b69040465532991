"""Draw the chart of an experiment as SVG shapes above one time axis.

Colours come from the page's style sheet, by class, so that the drawing works on light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from surveyor.report.chart import Band, Chart, Stairs, TaskRow

__all__ = ["Drawing", "Shape", "draw"]

WIDE, LEFT, RIGHT = 960.0, 176.0, 10.0
LABEL = 15.0
TASK, TASK_GAP = 9.0, 3.0
STAIRS, STAIRS_GAP = 26.0, 10.0
CALLS = 60.0
LANE, LANE_GAP = 16.0, 5.0
GROUP = 22.0
"""Height of the heading above each group of rows."""


TimeScale = Callable[[float], float]
"""Maps a service second to its horizontal position."""


@dataclass(frozen=True)
class Shape:
    """An SVG element."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""


@dataclass
class Drawing:
    """All shapes, in a box of `wide` by `high` units."""

    wide: float = WIDE
    high: float = 0.0
    shapes: list[Shape] = field(default_factory=list)

    def add(self, tag: str, kind: str, text: str = "", **attributes: float | str) -> None:
        """Add a shape of a class; numbers are rounded, and `_` in attribute names becomes `-`."""
        formatted = {name.replace("_", "-"): _format(value) for name, value in attributes.items()}
        self.shapes.append(Shape(tag, {"class": kind, **formatted}, text))


def draw(chart: Chart) -> Drawing:
    """Return the drawing of a chart."""
    drawing, scale = Drawing(), (WIDE - LEFT - RIGHT) / max(chart.seconds, 1.0)

    def at(seconds: float) -> float:
        return LEFT + min(max(seconds, 0.0), chart.seconds) * scale

    labels = list(_levels(chart.bands, at))
    top = 4 + LABEL * (max((level for _, level in labels), default=-1) + 1)
    parts = Drawing()
    y = _tasks(parts, chart, at, top)
    y = _views(parts, chart.stairs, at, y)
    y = _calls(parts, chart, at, y)
    y = _lanes(parts, chart, at, y)
    for start, over in _spans(chart.bands):
        x, end = at(start), at(over)
        drawing.add("rect", "band", x=x, y=top, width=max(end - x, 1.0), height=y - top)
    for band, level in labels:
        x = at(band.start)
        drawing.add("text", "fault", band.name, x=min(x, WIDE - 110), y=4 + LABEL * (level + 1) - 4)
        drawing.add("line", "fault-line", x1=x, x2=x, y1=4 + LABEL * (level + 1) - 2, y2=y)
    drawing.shapes += parts.shapes
    for tick in _ticks(chart.seconds):
        drawing.add("line", "tick", x1=at(tick), x2=at(tick), y1=top, y2=y + 4)
        drawing.add("text", "axis", f"{tick:g}", x=at(tick), y=y + 16, text_anchor="middle")
    drawing.add("text", "axis", "service seconds", x=4, y=y + 16)
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


def _levels(bands: Sequence[Band], at: TimeScale) -> Iterator[tuple[Band, int]]:
    """Yield each fault with the text line of its name, so that no two names overlap."""
    ends: list[float] = []
    for band in bands:
        x = at(band.start)
        level = next((number for number, end in enumerate(ends) if end <= x), len(ends))
        width = 6.4 * len(band.name) + 12
        ends[level : level + 1] = [min(x, WIDE - 110) + width]
        yield band, level


def _tasks(drawing: Drawing, chart: Chart, at: TimeScale, y: float) -> float:
    more = f", and {chart.more} more" if chart.more else ""
    drawing.add("text", "heading", f"tasks, as reported by ECS{more}", x=4, y=y + 14)
    y += GROUP
    for row in chart.rows:
        _task(drawing, row, at, y)
        y += TASK + TASK_GAP
    return y


def _task(drawing: Drawing, row: TaskRow, at: TimeScale, y: float) -> None:
    name = f"{row.task[:8]} {row.address}"
    drawing.add("text", "victim" if row.victim else "name", name, x=4, y=y + TASK - 1)
    for bar in row.bars:
        x, end = at(bar.start), at(bar.end)
        drawing.add("rect", f"life {bar.state}", x=x, y=y, width=max(end - x, 1.5), height=TASK)


def _views(drawing: Drawing, stairs: Sequence[Stairs], at: TimeScale, y: float) -> float:
    highest = max((count for view in stairs for _, count in view.steps), default=1) or 1
    drawing.add("text", "heading", "members in each view", x=4, y=y + 14)
    y += GROUP
    for view in stairs:
        bottom = y + STAIRS
        drawing.add("text", "name", view.view, x=4, y=bottom - 8)
        drawing.add("line", "base", x1=LEFT, x2=WIDE - RIGHT, y1=bottom, y2=bottom)
        points = [(at(when), bottom - STAIRS * count / highest, count) for when, count in view.steps]
        if points:
            path = f"M{points[0][0]:.1f} {bottom:.1f}"
            for number, (x, height, _) in enumerate(points):
                end = points[number + 1][0] if number + 1 < len(points) else WIDE - RIGHT
                path += f"L{x:.1f} {height:.1f}L{end:.1f} {height:.1f}"
            drawing.add("path", "stairs", d=f"{path}L{WIDE - RIGHT:.1f} {bottom:.1f}Z")
            for x, height, count in _labelled_points(points):
                drawing.add("text", "count", str(count), x=x + 3, y=max(height + 10, bottom - STAIRS + 9))
        y = bottom + STAIRS_GAP
    return y


def _labelled_points(points: Sequence[tuple[float, float, int]]) -> Iterator[tuple[float, float, int]]:
    """Yield the points that have space for their number before the next point."""
    for number, point in enumerate(points):
        end = points[number + 1][0] if number + 1 < len(points) else WIDE
        if end - point[0] > 8 + 6 * len(str(point[2])):
            yield point


def _calls(drawing: Drawing, chart: Chart, at: TimeScale, y: float) -> float:
    highest = max((sum(counts) for counts in zip(chart.ok, chart.fail, chart.info, strict=True)), default=0)
    if not highest:
        return y
    drawing.add(
        "text", "heading", f"calls in each {chart.bucket:g} s: answered, failed, no answer in time", x=4, y=y + 14
    )
    y += GROUP
    bottom = y + CALLS
    drawing.add("text", "name", f"maximum {highest}", x=4, y=y + 9)
    for number, counts in enumerate(zip(chart.ok, chart.info, chart.fail, strict=True)):
        x, end = at(number * chart.bucket), at((number + 1) * chart.bucket)
        base = bottom
        for kind, count in zip(("call-ok", "call-info", "call-fail"), counts, strict=True):
            height = CALLS * count / highest
            if count:
                drawing.add("rect", kind, x=x, y=base - height, width=max(end - x - 0.6, 0.6), height=height)
            base -= height
    drawing.add("line", "base", x1=LEFT, x2=WIDE - RIGHT, y1=bottom, y2=bottom)
    return bottom + 4


def _lanes(drawing: Drawing, chart: Chart, at: TimeScale, y: float) -> float:
    """Draw a row per client; the height of the red part is the share of its calls that failed."""
    if not chart.lanes:
        return y
    heading = f"share of each client's calls that failed, in each {chart.bucket:g} s"
    drawing.add("text", "heading", heading, x=4, y=y + 14)
    y += GROUP
    for lane in chart.lanes:
        bottom = y + LANE
        drawing.add("text", "name", lane.client, x=4, y=bottom - 4)
        for number, (attempts, failed) in enumerate(zip(lane.attempts, lane.failed, strict=True)):
            if not attempts:
                continue
            x, end = at(number * chart.bucket), at((number + 1) * chart.bucket)
            height = LANE * failed / attempts
            width = max(end - x - 0.6, 0.6)
            drawing.add("rect", "call-ok", x=x, y=bottom - LANE, width=width, height=LANE - height)
            if failed:
                drawing.add("rect", "call-fail", x=x, y=bottom - height, width=width, height=height)
        y = bottom + LANE_GAP
    return y


def _ticks(seconds: float) -> list[float]:
    step = next((step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if seconds / step <= 12), 1_200)
    return [float(number * step) for number in range(int(seconds / step) + 1)]


def _format(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
