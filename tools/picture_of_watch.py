"""Draw docs/watch.svg: the picture that `openai-ft watch` shows of a job at the emulator.

Run `python -m tools.picture_of_watch` after a change of the picture, and commit the file.
"""

from __future__ import annotations

import io
import json
import re
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.cli.look.following import JobFollower
from pulumi_openai_ft.cli.look.snapshot import History
from pulumi_openai_ft.cli.look.view import JobView
from pulumi_openai_ft.emulator import Clock, Emulator

PICTURE = Path(__file__).parents[1] / "docs" / "watch.svg"
COLUMNS, ROWS = 100, 26
EXAMPLES, VALIDATION_EXAMPLES, BATCH = 120, 12, 4
SECONDS = 25
"""Simulated seconds between two reads."""
READS = 4
_FONT_FROM_NETWORK = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def main(path: Path = PICTURE) -> None:
    """Train a job at the emulator until most of its steps are done, and write the picture."""
    with Emulator(clock=Clock.manual(), seed=2) as emulator:
        settings = Settings(api_key="sk-picture", base_url=emulator.url)
        with closing(Client(settings)) as client:
            view = _watched(emulator, client)
    console = Console(
        record=True,
        width=COLUMNS,
        height=ROWS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(view)
    template = _FONT_FROM_NETWORK.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code", "monospace")
    svg = console.export_svg(title="openai-ft watch support", code_format=template, unique_id="watch")
    path.write_text(svg.rstrip() + "\n", "utf-8")


def _watched(emulator: Emulator, client: Client) -> JobView:
    files = [_file(client, count) for count in (EXAMPLES, VALIDATION_EXAMPLES)]
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": BATCH}}}
    body: dict[str, Any] = {"model": "gpt-4o-mini-2024-07-18", "suffix": "support", "method": method}
    job = client.create_job({**body, "training_file": files[0], "validation_file": files[1]})
    began = float(job.created_at or 0)
    now = [began]

    def sleep(_seconds: float) -> None:
        emulator.advance(SECONDS)
        now[0] += SECONDS

    timing = TimeSource(clock=lambda: now[0], sleep=sleep, wall=lambda: now[0])
    follower, history = JobFollower(client, job, timing), History.of(client, job, timing)
    for read, update in enumerate(follower.updates(), 1):
        snapshot = history.add(update)
        if read == READS:
            return JobView(snapshot)
    sys.exit("the job ended before the picture was taken: lower READS")


def _file(client: Client, examples: int) -> str:
    answer = {"role": "assistant", "content": "You can change it under Account, then Security."}
    rows = (
        {"messages": [{"role": "user", "content": f"How do I change it? ({n})"}, answer]}
        for n in range(examples)
    )
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return client.upload_file("data.jsonl", io.BytesIO(content), purpose="fine-tune").id


if __name__ == "__main__":
    main()
