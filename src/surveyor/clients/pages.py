"""Render the reports on clients as self-contained HTML pages without a script, and as Markdown."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from surveyor.clients.client_report import MARKS, ClientReport
from surveyor.clients.comparison import Cell, RuntimesReport
from surveyor.layout import find_layout
from surveyor.visible_text import visible

__all__ = ["markdown_table", "render_client", "render_runtimes"]


def render_runtimes(report: RuntimesReport) -> str:
    """Return the page of a scenario of the runtimes."""
    return _render("runtimes.html.j2", report=report)


def render_client(report: ClientReport) -> str:
    """Return the page on one client. What the client caused to be written is hostile input, and shown as text."""
    return _render("client.html.j2", report=report, marks=MARKS)


def _render(template: str, **values: object) -> str:
    folder = find_layout().templates
    environment = Environment(
        loader=FileSystemLoader([folder / "clients", folder / "page"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    style = "".join((folder / part).read_text("utf-8") for part in ("page/page.css", "clients/clients.css"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    trusted = Markup(style)  # noqa: S704  # from the templates, so trusted
    return environment.get_template(template).render(style=trusted, policy=policy, **values)


def markdown_table(report: RuntimesReport) -> str:
    """Return the compatibility table, as docs/clients.md has it."""
    measured = f"Measured {report.date} UTC with Surveyor {report.surveyor} on {report.system}, seed {report.seed}"
    lines = [
        f"{measured}; scenario `{report.scenario}`, TTL {report.ttl} s, negative TTL {report.negative_ttl} s.",
        "",
        f"| client | software | {' | '.join(head for _, head, _ in report.behaviours)} | questions apart |",
        "|---" * (len(report.behaviours) + 3) + "|",
    ]
    for row in report.measured:
        cells = " | ".join(_markdown(row.cells.get(behaviour)) for behaviour, _, _ in report.behaviours)
        lines.append(f"| {row.title} (`{row.name}`) | {row.version} | {cells} | {row.apart} |")
    empty = " |" * (len(report.behaviours) + 1)
    lines += [f"| {row.title} (`{row.name}`) | not here |{empty}" for row in report.rows if row.missing]
    return "\n".join(lines) + "\n"


def _markdown(cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = f"**{cell.text}**" if cell.seconds is None else cell.text
    documented = f"documented {cell.documented}" if cell.documented else ""
    return ", ".join(part for part in (text, cell.failed, documented) if part)
