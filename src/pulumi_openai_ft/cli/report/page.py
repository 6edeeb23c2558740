"""The report as an HTML page, which contains everything that it shows and accesses no network."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pulumi_openai_ft.cli.report import vega
from pulumi_openai_ft.cli.report.charts import COLORS, HOVER_POSITIONS, SMOOTHED_FROM, page_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft.cli.report.curves import Panel
    from pulumi_openai_ft.cli.report.facts import Section

_FILES = Path(__file__).parent
_TEMPLATE = "page.html.jinja"


@dataclass(frozen=True)
class Heading:
    """The head of the report.

    Attributes:
        title: Title.
        service: Name and address of the service.
        created: Time at which the report was created.
    """

    title: str
    service: str
    created: str


def page(heading: Heading, panels: Sequence[Panel], sections: Sequence[Section]) -> str:
    """Return the page.

    Args:
        heading: The head.
        panels: The charts.
        sections: The texts about each job.
    """
    scripts = [vega.script(), (_FILES / "page.js").read_text(encoding="utf-8")]
    environment = Environment(
        loader=FileSystemLoader(_FILES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(
        heading=heading,
        panels=panels,
        notes=list(_notes(panels)),
        sections=sections,
        colors=COLORS,
        charts=[_chart(panel) for panel in panels],
        style=(_FILES / "page.css").read_text(encoding="utf-8"),
        scripts=scripts,
        policy=_content_security_policy(scripts),
    )


def _chart(panel: Panel) -> dict[str, Any]:
    return {"id": panel.kind, "spec": page_spec(panel)}


def _notes(panels: Sequence[Panel]) -> Iterator[str]:
    """Yield sentences on how to read the charts."""
    most = max((len(curve.steps) for panel in panels for curve in panel.curves), default=0)
    if any(panel.marks for panel in panels):
        yield "Diamonds mark checkpoints."
    if most >= SMOOTHED_FROM:
        yield "Thin lines show every step; bold lines show the moving average."
    if most > HOVER_POSITIONS:
        yield "The charts contain all steps. Tooltips show a part of them."


def _content_security_policy(scripts: Sequence[str]) -> str:
    """Return a policy that allows these scripts only, and no access to the network."""
    hashes = " ".join(
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
