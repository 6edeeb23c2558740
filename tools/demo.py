"""Demo of the complete workflow: `pulumi up` of the root project against the emulator.

The demo ignores OPENAI_* and PULUMI_* variables of the shell, uses made-up keys, and writes all files to a single folder.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from env import LOCAL, ROOT, engine, path

from pulumi_openai_ft.emulator.settings import DEFAULT_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK = "demo"
STACK_FILE = ROOT / f"Pulumi.{STACK}.yaml"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SETTINGS = ("OPENAI_", "PULUMI_")
SHARING = (
    "--plaintext=complete-workflow:use_admin_key=true",
    "--plaintext=complete-workflow:project_ids[0]=proj_partner_team",
)


class DemoError(Exception):
    """The demo failed. The message states the reason."""


@dataclass(frozen=True)
class Demo:
    """A demo.

    Attributes:
        folder: Folder for all files of the demo.
    """

    folder: Path

    @property
    def pid_file(self) -> Path:
        """Return the file that contains the process ID of the emulator."""
        return self.folder / "emulator.pid"

    def environment(self, base_url: str) -> dict[str, str]:
        """Return the environment of the demo's commands, with made-up keys."""
        keys = ("sk-demo-made-up-project-key", "sk-admin-demo-made-up-key")
        return {
            **program_environment(self.folder, base_url, *keys),
            "OPENAI_FT_TODAY": str(DEFAULT_DAY),
        }

    def start_emulator(self) -> str:
        """Start the emulator in a new session, which Ctrl-C does not reach, and return its base URL."""
        command = [
            sys.executable,
            "-m",
            "pulumi_openai_ft.emulator",
            "--speed",
            "60",
            "--today",
            str(DEFAULT_DAY),
        ]
        with (self.folder / "emulator.log").open("a") as log:
            emulator = subprocess.Popen(
                [*command, "--data", str(self.folder / "emulator")],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.pid_file.write_text(str(emulator.pid))
        assert emulator.stdout is not None
        base_url = emulator.stdout.readline().strip()
        if not base_url:
            raise DemoError(f"the emulator did not start; see {log.name}")
        print(f"The emulator serves the API at {base_url}", flush=True)
        return base_url

    def run(self) -> None:
        """Run the workflow, then destroy the stack and stop the emulator."""
        try:
            env = self.environment(self.start_emulator())
            make_stack(self.folder, env)
            with destroyed_at_the_end(env):
                show(env)
        finally:
            self.clear()

    def keep(self) -> None:
        """Run the workflow, and keep the stack and the emulator."""
        base_url = self.start_emulator()
        env = self.environment(base_url)
        make_stack(self.folder, env)
        show(env)
        env_file = self.folder / "env.sh"
        names = [name for name in env if name.startswith(SETTINGS) or name == "PATH"]
        env_file.write_text("".join(f"export {name}={shlex.quote(env[name])}\n" for name in names))
        print(NEXT_STEPS.format(base_url=base_url, env=os.path.relpath(env_file, ROOT)))

    def clear(self) -> None:
        """Stop the emulator and remove the folder, even if a previous demo was interrupted."""
        if self.pid_file.exists():
            end_emulator(int(self.pid_file.read_text()))
        if self.folder.exists():
            shutil.rmtree(self.folder)


def inherited_environment() -> dict[str, str]:
    """Return the environment of the shell without its settings of services and stacks."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}


def program_environment(folder: Path, base_url: str, key: str, admin_key: str) -> dict[str, str]:
    """Return the environment of a demo's `pulumi` commands: the engine, the keys, and a separate backend."""
    if urlsplit(base_url).hostname not in LOOPBACK:
        raise DemoError(f"the demo uses only services on this machine, and {base_url} is not on this machine")
    return {
        **inherited_environment(),
        "PATH": path(engine(), Path(sys.prefix)),
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": key,
        "OPENAI_ADMIN_KEY": admin_key,
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "demo",
        "PULUMI_OPTION_CONFIG_FILE": str(folder / STACK_FILE.name),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_STACK": STACK,
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
    }


def make_stack(folder: Path, env: dict[str, str], *settings: str) -> None:
    """Create the demo's stack, and move its settings file from the project to the demo's folder."""
    (folder / "state").mkdir()
    try:
        pulumi(env, "stack", "init", STACK, "--non-interactive", quiet=True)
        shutil.move(STACK_FILE, folder / STACK_FILE.name)
    finally:
        STACK_FILE.unlink(missing_ok=True)
    pulumi(env, "config", "set-all", "--path", *SHARING, *settings, quiet=True)


NEXT_STEPS = """
The stack and the emulator are still running. To use them in this shell:

  . {env}
  pulumi stack output
  pulumi preview
  curl -H "Authorization: Bearer $OPENAI_API_KEY" {base_url}/fine_tuning/jobs

To stop them, run `make demo STOP=1`.

To use the real API, in a new shell (this costs money):

  eval "$(make -s env)"
  pulumi stack init real
  pulumi config set --secret openai-ft:apiKey
  pulumi up
"""


def show(env: dict[str, str]) -> None:
    """Run `pulumi up`, print the outputs, and check that a preview has no changes."""
    pulumi(env, "up", "--yes", "--skip-preview")
    pulumi(env, "stack", "output")
    pulumi(env, "preview", "--expect-no-changes")


@contextlib.contextmanager
def destroyed_at_the_end(env: dict[str, str]) -> Iterator[None]:
    """Destroy the stack on exit, also after an error or an interruption."""
    try:
        yield
    finally:
        pulumi(env, "destroy", "--yes", "--skip-preview", "--remove", shielded=True)


def pulumi(env: dict[str, str], *arguments: str, quiet: bool = False, shielded: bool = False) -> None:
    """Print and run a `pulumi` command.

    Ctrl-C reaches the engine, which stops gracefully, unless the command is shielded.
    """
    if not quiet:
        print(f"\n$ pulumi {shlex.join(arguments)}", flush=True)
    engine_process = subprocess.Popen(
        ["pulumi", *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        start_new_session=shielded,
    )
    with interruption_goes_to(engine_process):
        output, _ = engine_process.communicate()
    if engine_process.returncode:
        raise DemoError(
            f"{output or ''}`pulumi {shlex.join(arguments)}` ended with {engine_process.returncode}"
        )


@contextlib.contextmanager
def interruption_goes_to(engine_process: subprocess.Popen[str]) -> Iterator[None]:
    """Wait until the engine has stopped if the demo is interrupted, then raise KeyboardInterrupt."""
    interrupted = False

    def note(number: int, _frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        if number == signal.SIGTERM:
            engine_process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:
        raise KeyboardInterrupt


def end_emulator(pid: int) -> None:
    """Stop the emulator and wait until it has ended. Another process with its reused ID is not affected."""
    command = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], stdout=subprocess.PIPE, text=True, check=False
    )
    if "pulumi_openai_ft.emulator" not in command.stdout:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)


def main() -> int:
    """Run the demo, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="keep the stack and the emulator running")
    parser.add_argument(
        "--stop", action="store_true", help="stop the emulator of a demo with --keep, and remove its files"
    )
    parser.add_argument("--folder", type=Path, default=LOCAL / "demo", help="folder for all files")
    arguments = parser.parse_args()
    demo = Demo(arguments.folder.resolve())
    demo.clear()
    if arguments.stop:
        return 0
    demo.folder.mkdir(parents=True)
    started = time.monotonic()
    try:
        demo.keep() if arguments.keep else demo.run()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(
        f"\nDone in {time.monotonic() - started:.0f} s. To train a real model with the same program, run `make demo-train`."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
