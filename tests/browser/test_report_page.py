from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import DESKTOP, PHONE
from tests.cli.report.conftest import _cached_vega_script, _vega_script  # noqa: F401 - fixtures
from tests.cli.report.support import checkpoint, event, job_report, rows_of, written

from pulumi_openai_ft.cli.look.text import one_line
from pulumi_openai_ft.cli.report.charts import SMOOTHED_FROM

if TYPE_CHECKING:
    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

RUN = "window.hacked = true"
HOSTILE = [
    f"</script><img src=x onerror='{RUN}'><script>{RUN}</script>",
    f"<svg onload={RUN}>",
    f"'\"><iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"javascript:{RUN}",
    f"${{{RUN}}} {{{{constructor.constructor('{RUN}')()}}}}",
    "<meta http-equiv=refresh content='0;url=http://attacker.example'>",
    "<style>body { display: none }</style><base href=//attacker.example>",
    "<!-- ]]> &lt;b&gt; \u2028 \u202e \x00 \\",
]
LONG = "ft:gpt-4.1-mini-2025-04-14:a-very-long-organization-name:a-very-long-suffix-of-a-model:AbCdEfGh:ckpt-step-{}"


def report_of(steps: int, label: str = "support-bot") -> str:
    changes = {
        "rows": rows_of(steps),
        "checkpoints": (checkpoint(steps // 2, LONG), checkpoint(steps, LONG)),
        "events": (event("The job has started. " * 10), event("a" * 300)),
    }
    return written(job_report(label, **changes)).html


def test_the_page_reports_no_problem_and_requests_nothing(browser: Browser) -> None:
    browser.show(
        written(job_report("a", checkpoints=(checkpoint(10),)), job_report("b", rows=rows_of(300))).html
    )

    assert browser.messages() == []
    assert {address.split("/")[-1] for address in browser.requests()} == {"report.html"}


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_is_wider_than_a_phone(browser: Browser, count: int) -> None:
    reports = [
        job_report(
            f"{'w' * 60}{n}",
            job={"metadata": {"k" * 64: "v" * 512}},
            checkpoints=(checkpoint(5, LONG),),
            events=(event("a" * 300),),
        )
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
    browser.point_at("loss", 0.5)

    shown = browser.run("return document.querySelector('#vg-tooltip-element.visible').innerText")
    assert "step" in shown
    assert "training" in shown


def test_texts_of_the_service_do_not_run(browser: Browser) -> None:
    reports = [
        job_report(
            one_line(text),
            job={"model": text, "metadata": {text: text}, "status": text, "error": {"message": text}},
            events=(event(text, level=text),),
            checkpoints=(checkpoint(10, text.replace("{", "").replace("}", "")),),
            missing=(text,),
        )
        for text in HOSTILE
    ]

    browser.show(written(*reports, title=HOSTILE[0]).html)
    for chart in ("loss", "accuracy"):
        for share in (0.1, 0.34, 0.5):  # a checkpoint is at 0.3
            browser.point_at(chart, share)

    assert browser.run("return window.hacked") is None
    assert browser.run("return document.querySelectorAll('iframe, img, base, script').length") == 3
    assert browser.messages() == []
    assert {address.split("/")[-1] for address in browser.requests()} == {"report.html"}
    assert browser.driver.title == HOSTILE[0]


@pytest.mark.parametrize(
    "lengths", [(1,), (2,), (30,), (10_000,), (1, 2, 300), (0, 40), (1000, 0, 12)], ids=str
)
def test_each_curve_has_a_point_for_each_step(browser: Browser, lengths: tuple[int, ...]) -> None:
    """The jobs differ in length. A job without steps has failed."""
    reports = [
        job_report(f"job {n}", rows=rows_of(steps), job={} if steps else {"status": "failed"})
        for n, steps in enumerate(lengths)
    ]

    browser.show(written(*reports).html)

    for kind, splits in (("loss", (1, 10)), ("accuracy", (1,))):
        drawn = browser.run(
            f"return [...document.querySelectorAll('#chart-{kind} .mark-line path')]"
            ".map(path => path.getAttribute('d'))"
        )
        averages = lengths if max(lengths) >= SMOOTHED_FROM else ()
        expected = [
            *(steps // every for steps in lengths for every in splits if steps // every),
            *filter(None, averages),
        ]
        assert sorted(path.count("L") + 1 for path in drawn) == sorted(expected)
    assert browser.messages() == []


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("count", [1, 2])
def test_failed_jobs_have_a_page_without_charts(browser: Browser, count: int, size: tuple[int, int]) -> None:
    error = {"code": "invalid_training_file", "message": "Line 3 is not valid: " + "x" * 200}
    job = {"status": "failed", "error": error, "finished_at": None}
    reports = [
        job_report(f"failed {n}", rows=(), job=job, missing=("the service does not support job events",))
        for n in range(count)
    ]

    browser.show(written(*reports).html, size)

    assert browser.run("return document.querySelectorAll('svg, .chart').length") == 0
    assert "There are no metrics of training steps" in browser.run("return document.body.innerText")
    assert browser.run("return document.documentElement.scrollWidth") == size[0]
    assert browser.messages() == []
