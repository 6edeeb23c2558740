from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import DESKTOP, PHONE
from tests.cli.report.conftest import _cached_vega_script, _vega_script  # noqa: F401 - fixtures
from tests.cli.report.support import checkpoint, event, job_report, rows_of, written

if TYPE_CHECKING:
    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

HOSTILE = "</script><img src=x onerror='window.hacked = true'><script>window.hacked = true</script>"
LONG = "ft:gpt-4.1-mini-2025-04-14:a-very-long-organization-name:a-very-long-suffix-of-a-model:AbCdEfGh:ckpt-step-{}"


def report_of(steps: int, label: str = "support-bot") -> str:
    changes = {
        "rows": rows_of(steps),
        "checkpoints": (checkpoint(steps // 2, LONG), checkpoint(steps, LONG)),
        "events": (event("The job has started. " * 10), event("a" * 300)),
    }
    return written(job_report(label, **changes)).html


@pytest.mark.parametrize("steps", [30, 1000, 10_000])
def test_the_curve_has_a_point_for_each_step(browser: Browser, steps: int) -> None:
    browser.show(report_of(steps))

    for kind in ("loss", "accuracy"):
        path = browser.run(
            f"return document.querySelector('#chart-{kind} .mark-line path').getAttribute('d')"
        )
        assert path.count("L") + 1 == steps


def test_the_page_reports_no_problem_and_requests_nothing(browser: Browser) -> None:
    browser.show(
        written(job_report("a", checkpoints=(checkpoint(10),)), job_report("b", rows=rows_of(300))).html
    )

    assert browser.messages() == []
    assert {address.split("/")[-1] for address in browser.requests()} == {"report.html"}


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_is_wider_than_a_phone(browser: Browser, count: int) -> None:
    reports = [
        job_report(f"{'w' * 60}{n}", checkpoints=(checkpoint(5, LONG),), events=(event("a" * 300),))
        for n in range(count)
    ]

    browser.show(written(*reports, title="w" * 100).html, PHONE)

    assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
    charts = browser.run(
        "return [...document.querySelectorAll('svg.marks')].map(svg => svg.getBoundingClientRect().right)"
    )
    assert len(charts) == 2
    assert all(right <= PHONE[0] for right in charts)


def test_charts_follow_the_width_of_the_window(browser: Browser) -> None:
    width = "return document.querySelector('svg.marks').getBoundingClientRect().width"
    browser.show(report_of(30), PHONE)
    narrow = browser.run(width)
    browser.show(report_of(30), DESKTOP)

    assert narrow < PHONE[0] < DESKTOP[0] * 0.8 < browser.run(width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_have_the_color_of_the_text(browser: Browser, scheme: str) -> None:
    browser.show(report_of(30), scheme=scheme)

    text, page = browser.run(
        "const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]"
    )
    label = browser.run("return getComputedStyle(document.querySelector('.role-axis-label text')).fill")
    assert label == text
    assert (sum(_rgb(text)) > sum(_rgb(page))) == (scheme == "dark")


def _rgb(color: str) -> list[int]:
    return [int(part) for part in color.removeprefix("rgb(").rstrip(")").split(",")]


def test_the_page_can_be_printed(browser: Browser) -> None:
    browser.show(report_of(300), scheme="dark")

    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})

    content = b64decode(printed["data"])
    assert content.startswith(b"%PDF-")
    assert 1 <= content.count(b"/Type /Page\n") <= 5


def test_the_pointer_shows_the_values_of_a_step(browser: Browser) -> None:
    browser.show(report_of(30))
    x, y = browser.run(
        "const box = document.querySelector('#chart-loss svg.marks').getBoundingClientRect();"
        "return [box.left + box.width / 2, box.top + box.height / 2]"
    )

    for offset in (0, 2):
        event_ = {"type": "mouseMoved", "x": x + offset, "y": y}
        browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event_)

    shown = browser.run("return document.querySelector('#vg-tooltip-element.visible').innerText")
    assert "step" in shown
    assert "training" in shown


def test_texts_of_the_service_do_not_run(browser: Browser) -> None:
    changes = {"events": (event(HOSTILE),), "checkpoints": (checkpoint(10, HOSTILE),), "missing": (HOSTILE,)}
    job = {"model": HOSTILE, "metadata": {HOSTILE: HOSTILE}}

    browser.show(written(job_report(HOSTILE, job=job, **changes), job_report("b"), title=HOSTILE).html)

    assert browser.run("return window.hacked") is None
    assert browser.messages() == []
    assert browser.driver.title == HOSTILE
