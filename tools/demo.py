"""The whole workflow, shown: a real `pulumi up` of the root project against the emulator.

Nothing of the shell's OPENAI_* and PULUMI_* settings is used, keys are made up, and everything that is written lies
in `.local/demo`.
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
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from env import LOCAL, ROOT, engine, path

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = LOCAL / "demo"
STACK = "demo"
STACK_FILE = ROOT / f"Pulumi.{STACK}.yaml"
PID_FILE, ENV_FILE = FOLDER / "emulator.pid", FOLDER / "env.sh"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SETTINGS = ("OPENAI_", "PULUMI_")


class DemoError(Exception):
    """The demo cannot go on; its text says why."""


def environment(base_url: str) -> dict[str, str]:
    """What the demo's commands see: the engine, made-up keys, a backend of its own."""
    if urlsplit(base_url).hostname not in LOOPBACK:
        raise DemoError(f"the demo talks to this machine alone, and {base_url} is not on it")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return {
        **inherited,
        "PATH": path(engine()),
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": "sk-demo-made-up-project-key",
        "OPENAI_ADMIN_KEY": "sk-admin-demo-made-up-key",
        "PULUMI_BACKEND_URL": (FOLDER / "state").as_uri(),
        "PULUMI_HOME": str(FOLDER / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "demo",
        "PULUMI_OPTION_CONFIG_FILE": str(FOLDER / STACK_FILE.name),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_STACK": STACK,
        "PYTHONPYCACHEPREFIX": str(FOLDER / "pycache"),
    }


def start_emulator() -> tuple[subprocess.Popen[str], str]:
    """Starts the emulator in a session of its own, so that Ctrl-C in the terminal does not reach it first."""
    command = [
        sys.executable,
        "-m",
        "pulumi_openai_ft.emulator",
        "--speed",
        "60",
        "--data",
        str(FOLDER / "emulator"),
    ]
    log = (FOLDER / "emulator.log").open("a")
    emulator = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    )
    PID_FILE.write_text(str(emulator.pid))
    assert emulator.stdout is not None
    base_url = emulator.stdout.readline().strip()
    if not base_url:
        raise DemoError(f"the emulator did not start: see {log.name}")
    return emulator, base_url


def stop_emulator(pid: int) -> None:
    """Ends the emulator and waits until it has gone. A process that took over its id is left alone."""
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


def pulumi(env: dict[str, str], *arguments: str, quiet: bool = False, shielded: bool = False) -> None:
    """Runs one command of the engine, shown as it would be typed.

    Ctrl-C reaches the engine, which ends in good order, unless the command is shielded from it.
    """
    if not quiet:
        print(f"\n$ pulumi {shlex.join(arguments)}", flush=True)
    output = subprocess.DEVNULL if quiet else None
    engine_process = subprocess.Popen(
        ["pulumi", *arguments], cwd=ROOT, env=env, stdout=output, start_new_session=shielded
    )
    with interruption_goes_to(engine_process):
        code = engine_process.wait()
    if code:
        raise DemoError(f"`pulumi {shlex.join(arguments)}` ended with exit code {code}")


@contextlib.contextmanager
def interruption_goes_to(engine_process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Waits for the engine's own end when the demo is interrupted, then ends too."""
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


def make_stack(env: dict[str, str]) -> None:
    """Makes the demo's stack. Its settings file is moved out of the project's folder."""
    (FOLDER / "state").mkdir(parents=True, exist_ok=True)
    try:
        pulumi(env, "stack", "init", STACK, "--non-interactive", quiet=True)
        shutil.move(STACK_FILE, FOLDER / STACK_FILE.name)
    finally:
        STACK_FILE.unlink(missing_ok=True)
    pulumi(env, "config", "set", "--path", "complete-workflow:shareWith[0]", "proj_partner_team", quiet=True)


@contextlib.contextmanager
def removed_at_the_end(env: dict[str, str]) -> Iterator[None]:
    """Destroys the stack whatever happens, an interruption included."""
    try:
        yield
    finally:
        pulumi(env, "destroy", "--yes", "--skip-preview", shielded=True)
        pulumi(env, "stack", "rm", "--yes", quiet=True, shielded=True)


def show(env: dict[str, str]) -> None:
    """The main job, and the proof that it has converged."""
    pulumi(env, "up", "--yes", "--skip-preview")
    pulumi(env, "stack", "output")
    pulumi(env, "preview", "--expect-no-changes")


def run() -> None:
    """Shows the workflow and takes everything down again."""
    emulator, base_url = start_emulator()
    try:
        print(f"The emulator serves the API at {base_url}", flush=True)
        env = environment(base_url)
        make_stack(env)
        with removed_at_the_end(env):
            show(env)
    finally:
        stop_emulator(emulator.pid)
        shutil.rmtree(FOLDER)


def keep() -> None:
    """Shows the workflow and leaves stack and emulator up."""
    _, base_url = start_emulator()
    env = environment(base_url)
    make_stack(env)
    show(env)
    names = [name for name in env if name.startswith(SETTINGS) or name == "PATH"]
    ENV_FILE.write_text("".join(f"export {name}={shlex.quote(env[name])}\n" for name in names))
    print(GO_ON.format(base_url=base_url, env=ENV_FILE.relative_to(ROOT)))


def stop() -> None:
    """Ends what `--keep` left, and what a killed demo left."""
    if PID_FILE.exists():
        stop_emulator(int(PID_FILE.read_text()))
    if FOLDER.exists():
        shutil.rmtree(FOLDER)


GO_ON = """
Stack and emulator are still up. To go on in this shell:

  . {env}
  pulumi stack output
  pulumi preview
  curl -H "Authorization: Bearer $OPENAI_API_KEY" {base_url}/fine_tuning/jobs

`make demo STOP=1` ends them.

To use the real API, in a shell of its own (this costs money):

  eval "$(make -s env)"
  pulumi stack init real
  pulumi config set --secret openai-ft:apiKey
  pulumi up
"""


def main() -> int:
    """Runs the demo and gives its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="leave stack and emulator up")
    parser.add_argument("--stop", action="store_true", help="end what --keep left")
    arguments = parser.parse_args()
    stop()
    if arguments.stop:
        return 0
    FOLDER.mkdir(parents=True)
    started = time.monotonic()
    try:
        keep() if arguments.keep else run()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\nDone in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
