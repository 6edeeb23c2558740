"""Each limit of the code that hides an interrupt by the language host, in a separate program."""

from __future__ import annotations

import signal
import subprocess
import sys
from textwrap import dedent

import pytest

RUN_BY_HOST = """
import atexit, os, signal, sys, threading, weakref
import pulumi
from pulumi.runtime.settings import Settings, configure
from pulumi_openai_ft._program.interrupts import hide_interrupts_by_host

configure(Settings(project="shop", stack="dev", monitor="127.0.0.1:1", engine="127.0.0.1:1"))

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

"""
REGISTERED = RUN_BY_HOST + "hide_interrupts_by_host()\n"
INTERRUPTED = -signal.SIGINT


def run(program: str, before: str = REGISTERED) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_an_interrupt_by_the_host_prints_nothing() -> None:
    done = run("interrupt()")

    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")


def test_a_second_interrupt_during_the_first_prints_nothing() -> None:
    done = run("""
        try:
            interrupt()
        finally:
            interrupt()
    """)

    assert (done.returncode, done.stderr) == (INTERRUPTED, "")


def test_cleanup_runs_and_buffered_output_is_written() -> None:
    done = run("""
        atexit.register(print, "at exit")
        sys.stdout.write("buffered\\n")
        try:
            interrupt()
        finally:
            print("finally")
    """)

    assert done.stdout == "buffered\nfinally\nat exit\n"


def test_an_interrupt_of_an_exit_handler_prints_nothing() -> None:
    done = run("""
        atexit.register(print, "at exit")
        atexit.register(interrupt)
    """)

    assert (done.returncode, done.stdout, done.stderr) == (0, "at exit\n", "")


def test_a_program_can_catch_the_interrupt() -> None:
    done = run("""
        try:
            interrupt()
        except KeyboardInterrupt:
            print("caught")
    """)

    assert (done.returncode, done.stdout) == (0, "caught\n")


def test_an_interrupt_that_the_program_raises_is_shown() -> None:
    done = run("raise KeyboardInterrupt('by the program')")

    assert "KeyboardInterrupt: by the program" in done.stderr


@pytest.mark.parametrize(
    "program",
    [
        """
        try:
            interrupt()
        finally:
            raise ValueError("of the program")
        """,
        """
        try:
            raise ValueError("of the program")
        except ValueError:
            interrupt()
        """,
        """
        try:
            raise ValueError("of the program")
        finally:
            interrupt()
        """,
        """
        try:
            interrupt()
        except KeyboardInterrupt as error:
            raise ValueError("of the program") from error
        """,
        """
        try:
            raise ValueError("of the program")
        except ValueError as error:
            try:
                interrupt()
            except KeyboardInterrupt as interrupted:
                raise interrupted from error
        """,
        """
        class Breaks:
            def __del__(self):
                raise ValueError("of the program")
        try:
            interrupt()
        finally:
            Breaks()
        """,
        """
        thread = threading.Thread(target=lambda: int("of the program"))
        thread.start()
        thread.join()
        interrupt()
        """,
    ],
    ids=["in finally", "handled", "on the way out", "from interrupt", "cause", "unraisable", "thread"],
)
def test_an_exception_of_the_program_is_shown_in_full(program: str) -> None:
    done = run(program)

    assert "Traceback (most recent call last)" in done.stderr
    assert "ValueError" in done.stderr
    assert "of the program" in done.stderr


def test_another_exception_hook_stays_in_use() -> None:
    hook = "sys.excepthook = lambda kind, error, traceback: print(f'hook: {error!r}', file=sys.stderr)\n"
    done = run("raise ValueError('of the program')", RUN_BY_HOST + hook + "hide_interrupts_by_host()\n")

    assert done.stderr == "hook: ValueError('of the program')\n"


def test_a_handler_of_the_program_stays_in_use() -> None:
    handler = "handler = lambda *_: print('handled')\nsignal.signal(signal.SIGINT, handler)\n"
    done = run(
        "interrupt()\nprint(signal.getsignal(signal.SIGINT) is handler, sys.excepthook is sys.__excepthook__)",
        RUN_BY_HOST + handler + "hide_interrupts_by_host()\n",
    )

    assert done.stdout == "handled\nTrue True\n"


def test_a_second_resource_changes_nothing() -> None:
    done = run("""
        before = signal.getsignal(signal.SIGINT), sys.excepthook, sys.unraisablehook
        hide_interrupts_by_host()
        print(before == (signal.getsignal(signal.SIGINT), sys.excepthook, sys.unraisablehook))
    """)

    assert done.stdout == "True\n"


UNCHANGED = """
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print(sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__)
"""


@pytest.mark.parametrize(
    "program",
    [
        "import signal, sys\nimport pulumi_openai_ft\nfrom pulumi_openai_ft import *\n",
        RUN_BY_HOST + "import pulumi_openai_ft\nfrom pulumi_openai_ft import *\n",
        RUN_BY_HOST
        + "thread = threading.Thread(target=hide_interrupts_by_host)\nthread.start()\nthread.join()\n",
        """
import signal, sys
import pulumi
import pulumi_openai_ft
class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        return "file-1", args.inputs
    def call(self, args):
        return {}
pulumi.runtime.set_mocks(Mocks())
pulumi_openai_ft.File("data", file="data.jsonl")
""",
    ],
    ids=["no Pulumi run", "no resource", "inline program", "mocks"],
)
def test_elsewhere_no_handler_changes(program: str) -> None:
    done = run(UNCHANGED, program)

    assert done.stdout == "True\nTrue True\n", done.stderr
