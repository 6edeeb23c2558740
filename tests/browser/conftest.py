from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tools.headless_browser import chromium, resize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PHONE, DESKTOP = (360, 780), (1100, 800)
SECONDS_TO_DRAW = 30.0


@dataclass(frozen=True)
class Browser:
    """A browser that shows pages from files.

    Attributes:
        driver: The browser.
        folder: Folder of the pages.
    """

    driver: Any
    folder: Path

    def show(self, html: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        """Show a report, and wait until its charts are drawn."""
        file = self.folder / "report.html"
        file.write_text(html, encoding="utf-8")
        resize(self.driver, *size, scheme=scheme)
        self.driver.get(file.as_uri())
        deadline = time.monotonic() + SECONDS_TO_DRAW
        while not self.run("return document.body.classList.contains('drawn')"):
            assert time.monotonic() < deadline, self.messages()
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """Run a script in the page and return its result."""
        return self.driver.execute_script(script)

    def point_at(self, chart: str, share: float) -> None:
        """Move the pointer to a share of the width of a chart, in the middle of its height."""
        left, width, y = self.run(
            f"const chart = document.querySelector('#chart-{chart} svg.marks');"
            "chart.scrollIntoView();"
            "const box = chart.getBoundingClientRect();"
            "return [box.left, box.width, box.top + box.height / 2]"
        )
        for offset in (0, 2):
            event = {"type": "mouseMoved", "x": left + width * share + offset, "y": y}
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def messages(self) -> list[str]:
        """Return the messages of the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> set[str]:
        """Return the addresses of the requests since the last call."""
        log = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return {e["params"]["request"]["url"] for e in log if e["method"] == "Network.requestWillBeSent"}


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def browser(_chromium: Any, tmp_path: Path) -> Browser:
    found = Browser(_chromium, tmp_path)
    found.messages()
    found.requests()
    return found
