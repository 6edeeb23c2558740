"""Record the state and the service objects that a version creates, and restore them.

The folder of a version contains its program and data (`__main__.py`, `*.jsonl`), the exported stack (`stack.json`),
and the objects of the emulator (`service.json`). In the stack, `@BASE_URL@` replaces the address of the service. To
add a version, write its program to a new folder, and run `python -m tests.e2e.states.record 0.2.0` with the engine
and the virtual environment on PATH. Never change the folder of a version afterwards.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import PROJECT, Stack, environment
from tests.support import REINFORCEMENT_DAY

from pulumi_openai_ft.emulator import Clock, Emulator
from pulumi_openai_ft.server import records

if TYPE_CHECKING:
    from pulumi_openai_ft.server.store import Table

STATES = Path(__file__).parent
BASE_URL = "@BASE_URL@"
KINDS = {
    "files": records.File,
    "jobs": records.Job,
    "models": records.Model,
    "checkpoints": records.Checkpoint,
    "permissions": records.Permission,
}


def service_of(version: str) -> Emulator:
    """Make an emulator on the day when the state was recorded, because files expire."""
    now = float(json.loads((STATES / version / "service.json").read_text())["now"])
    return Emulator(today=REINFORCEMENT_DAY, clock=Clock(per_read=math.inf, source=lambda: now))


def restore(version: str, service: Emulator, stack: Stack) -> None:
    """Restore the recorded contents of the service and state of the stack."""
    held = json.loads((STATES / version / "service.json").read_text())
    for name, kind in KINDS.items():
        for row in held[name]:
            _table(service, name).add(kind(**row))
    exported = (STATES / version / "stack.json").read_text().replace(BASE_URL, service.url)
    imported = stack.folder / "stack.json"
    imported.write_text(exported)
    stack.pulumi("stack", "import", "--file", str(imported))


def record(version: str) -> None:
    """Run the program of the version with the current code, and record the state and the objects."""
    folder = STATES / version
    with TemporaryDirectory() as temporary, Emulator(today=REINFORCEMENT_DAY) as service:
        stack = _stack(folder, service, Path(temporary))
        stack.up()
        stack.refresh()
        _write(folder / "stack.json", _without_places(stack.export().replace(service.url, BASE_URL)))
        held = {name: [asdict(row) for row in _table(service, name).find({})] for name in KINDS}
        _write(folder / "service.json", {"now": int(service.backend.clock.now()), **held})


def _stack(program: Path, service: Emulator, temporary: Path) -> Stack:
    folder = temporary / "program"
    shutil.copytree(program, folder)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (temporary / "state").mkdir()
    engine = str(Path(shutil.which("pulumi") or "").parent)
    stack = Stack(folder, environment(engine, service, temporary, {}))
    stack.pulumi("stack", "init", "dev")
    return stack


def _without_places(exported: str) -> Any:
    """Return the stack without the source positions of its resources, which contain paths of this machine."""
    stack = json.loads(exported)
    for resource in stack["deployment"]["resources"]:
        resource.pop("sourcePosition", None)
        resource.pop("stackTrace", None)
    return stack


def _table(service: Emulator, name: str) -> Table[Any]:
    table: Table[Any] = getattr(service.backend.store, name)
    return table


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])
