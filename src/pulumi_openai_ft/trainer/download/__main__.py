"""The command line of the download."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.trainer.download.selection import DownloadError, present_size, select
from pulumi_openai_ft.trainer.offline import OFFLINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft.trainer.download.hub import Repository
    from pulumi_openai_ft.trainer.download.selection import RemoteFile, Selection

ONLINE = {**OFFLINE, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
"""Environment of this process, the only one that reaches a hub. Downloads with Xet could not be continued."""
_SECONDS_BETWEEN_REPORTS = 5.0


def main() -> int:
    """Download the files of a repository, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_openai_ft.trainer.download", description=__doc__)
    parser.add_argument("--repository", required=True, help="name of the model on the hub")
    parser.add_argument("--revision", required=True, help="branch, tag or commit")
    parser.add_argument("--folder", required=True, type=Path, help="folder for the files of each commit")
    arguments = parser.parse_args()
    os.umask(0o077)
    os.environ.update(ONLINE)
    Thread(target=_end_with_input, daemon=True).start()
    from pulumi_openai_ft.trainer.download.hub import Repository  # noqa: PLC0415  # reads the environment

    repository = Repository(arguments.repository, arguments.revision, os.environ.get("HF_TOKEN", "").strip())
    try:
        commit, files = repository.files()
        folder = _only_folder(arguments.folder, commit)
        _download(repository, commit, select(arguments.repository, files), folder)
    except DownloadError as error:
        _report("error", message=str(error))
        return 1
    _report("done", folder=str(folder), commit=commit)
    return 0


def _only_folder(root: Path, commit: str) -> Path:
    """Return the folder of a commit, and remove those of other commits, which a revision named earlier."""
    folder = root / commit
    folder.mkdir(parents=True, exist_ok=True)
    for other in root.iterdir():
        if other != folder:
            shutil.rmtree(other)
    return folder


def _download(repository: Repository, commit: str, selection: Selection, folder: Path) -> None:
    ended = Event()
    _report("plan", total=selection.size, missing=_missing(selection, folder))
    reporter = Thread(target=_report_progress, args=(selection, folder, ended), daemon=True)
    reporter.start()
    try:
        _fetch(repository, commit, selection.settings, folder)
        _report("configured", folder=str(folder))
        _fetch(repository, commit, selection.weights, folder)
    finally:
        ended.set()
        reporter.join()


def _fetch(repository: Repository, commit: str, files: Sequence[RemoteFile], folder: Path) -> None:
    for file in files:
        repository.fetch(file, commit, folder)


def _missing(selection: Selection, folder: Path) -> int:
    return selection.size - sum(
        present_size(folder, file) for file in (*selection.settings, *selection.weights)
    )


def _report_progress(selection: Selection, folder: Path, ended: Event) -> None:
    while not ended.wait(_SECONDS_BETWEEN_REPORTS):
        _report("progress", missing=_missing(selection, folder))


def _report(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)  # noqa: T201  # the service reads this line


def _end_with_input() -> None:
    """End this process with the service, also if that is killed."""
    while os.read(0, 1):  # `sys.stdin` has a lock, which the interpreter waits for at its end
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
