"""A headless Chromium, for tests and pictures of pages. Needs the packages of the group `browser`."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
PACKAGES = ("chromium", "chromium-driver")
"""Debian's packages of the browser and its driver."""


def browser_path() -> str | None:
    """Return the browser on PATH, or None if it or its driver is missing."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found if shutil.which(DRIVER) else None


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a headless browser, and stop it."""
    from selenium.webdriver import Chrome, ChromeOptions  # noqa: PLC0415 - in the group `browser`
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415

    options = ChromeOptions()
    options.binary_location = browser_path() or ""
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    if os.geteuid() == 0:  # Chromium does not start its sandbox as root
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def resize(driver: Any, width: int, height: int, *, scheme: str = "light", scale: float = 1) -> None:
    """Set the size of the window and the preferred color scheme, `light` or `dark`."""
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < height}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
