"""Draw docs/report.png: the top of a page that `openai-ft report` writes about two jobs at the emulator.

Run `make test-browser` once, which installs the browser and the packages, then `python -m tools.picture_of_report` after
a change of the page, and commit the file.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
from base64 import b64decode
from contextlib import closing
from pathlib import Path
from typing import Any

from tools.headless_browser import chromium, resize

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.cli.main import main as openai_ft
from pulumi_openai_ft.emulator import Clock, Emulator

PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
WIDTH, HEIGHT, SCALE = 960, 1030, 0.8
EXAMPLES, VALIDATION_EXAMPLES = 160, 12
JOBS = {"support": 1.0, "support-fast": 4.0}
"""Suffix and learning rate multiplier of each job."""
SECONDS = 600
"""Simulated duration, after which the jobs have ended."""
SECONDS_TO_DRAW = 30.0


def main() -> None:
    """Train the jobs, write their report, and take a picture of it."""
    with Emulator(clock=Clock.manual(), seed=2) as emulator, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {"OPENAI_API_KEY": "sk-picture", "OPENAI_BASE_URL": emulator.url}
        jobs = _trained(emulator)
        if code := openai_ft(["report", *jobs, "--output", "report.html"]):
            sys.exit(code)
        PICTURE.write_bytes(_picture(Path("report.html")))


def _trained(emulator: Emulator) -> list[str]:
    with closing(Client(Settings(api_key="sk-picture", base_url=emulator.url))) as client:
        files = [_file(client, count) for count in (EXAMPLES, VALIDATION_EXAMPLES)]
        jobs = [client.create_job(_body(suffix, rate, *files)).id for suffix, rate in JOBS.items()]
        while not all(client.job(job).is_terminal for job in jobs):
            emulator.advance(SECONDS)
    return jobs


def _body(suffix: str, rate: float, training: str, validation: str) -> dict[str, Any]:
    hyperparameters = {"n_epochs": 3, "batch_size": 2, "learning_rate_multiplier": rate}
    return {
        "model": "gpt-4o-mini-2024-07-18",
        "suffix": suffix,
        "training_file": training,
        "validation_file": validation,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    }


def _file(client: Client, examples: int) -> str:
    answer = {"role": "assistant", "content": "You can change it under Account, then Security."}
    rows = (
        {"messages": [{"role": "user", "content": f"How do I change it? ({n})"}, answer]}
        for n in range(examples)
    )
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    return client.upload_file("support.jsonl", io.BytesIO(content), purpose="fine-tune").id


def _picture(page: Path) -> bytes:
    with chromium() as driver:
        resize(driver, WIDTH, HEIGHT, scale=SCALE)
        driver.get(page.resolve().as_uri())
        deadline = time.monotonic() + SECONDS_TO_DRAW
        while not driver.execute_script("return document.body.classList.contains('drawn')"):
            if time.monotonic() > deadline:
                sys.exit("the charts were not drawn")
            time.sleep(0.1)
        return b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])


if __name__ == "__main__":
    main()
