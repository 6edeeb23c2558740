from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.benchmark import BenchmarkError
from benchmarks.processes import cpu_seconds, forget_peak, peak_megabytes, run, serving

ROOT = Path(__file__).parents[2]
RUNS = "import sys; from benchmarks.processes import forget_peak, peak_megabytes, run; run([sys.executable, *sys.argv[1:]], patience=0.1)"
STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
subprocess.run([sys.executable, "-c", sys.argv[1], sys.argv[2]], process_group=0)
"""
PLUGIN = """
import signal, sys
alive = open(sys.argv[1], "w")
print("alive", file=alive, flush=True)
signal.pause()
"""


def test_the_output_of_a_command_is_returned() -> None:
    ran = run(
        [sys.executable, "-c", "import sys; print('out'); sys.stdout.flush(); print('err', file=sys.stderr)"]
    )

    assert ran.text == "out\nerr\n"
    assert ran.seconds > 0


def test_processor_time_counts_only_this_command() -> None:
    busy = run([sys.executable, "-c", "sum(range(10_000_000))"])
    idle = run([sys.executable, "-c", "pass"])

    assert 0 < idle.cpu_seconds < busy.cpu_seconds


def test_processor_time_is_read_while_a_command_runs() -> None:
    busy = "print(sum(range(10_000_000)) and 'done', flush=True); input()"
    with serving([sys.executable, "-c", busy]) as process:
        assert process.first_line == "done"
        assert 0 < cpu_seconds(process.pid) < 60


def test_the_first_line_of_a_server_is_timed() -> None:
    slow = "import time; time.sleep(0.2); print(4711, flush=True); input()"
    with serving([sys.executable, "-c", slow]) as process:
        assert process.first_line == "4711"
        assert process.seconds > 0.2


def test_a_server_ends_with_the_processes_that_it_started(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    wrapper = ["sh", "-c", f"echo port; {sys.executable} -c '{PLUGIN}' {pipe}; true"]
    with serving(wrapper), pipe.open() as plugin:
        assert plugin.readline() == "alive\n"
        rest = plugin
        left = os.dup(rest.fileno())

    with os.fdopen(left) as plugin:
        assert plugin.read() == ""


def test_a_server_that_ends_early_is_reported_with_stderr() -> None:
    mute = "import sys; sys.exit('no port is free')"
    with pytest.raises(BenchmarkError, match="ended with 1") as caught, serving([sys.executable, "-c", mute]):
        pass

    assert "no port is free" in str(caught.value)


def test_peak_memory_is_reported_and_reset() -> None:
    greedy = "import sys; held = b'x' * 50_000_000; del held; print('done', flush=True); sys.stdin.read()"
    with serving([sys.executable, "-c", greedy]) as server:
        peak = peak_megabytes(server.pid)
        forget_peak(server.pid)

        assert peak - peak_megabytes(server.pid) > 40


def test_a_failure_names_command_exit_code_and_last_output() -> None:
    with pytest.raises(BenchmarkError) as caught:
        run([sys.executable, "-c", "print('\\n'.join(map(str, range(40)))); raise SystemExit(3)"])

    assert "ended with 3" in str(caught.value)
    assert str(caught.value).endswith("    38\n    39")
    assert "    20\n" not in str(caught.value)


def test_a_missing_command_is_reported_with_its_fix() -> None:
    with pytest.raises(BenchmarkError, match="no-such-engine is not on PATH; run `make bench`"):
        run(["no-such-engine"])


def test_an_interruption_kills_a_command_that_ignores_signals(tmp_path: Path) -> None:
    """Kill even a process in its own group, such as a plugin of the engine: its end of the pipe closes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNS, "-c", STUBBORN, PLUGIN, pipe],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pipe.open() as plugin:
        assert plugin.readline() == "alive\n"
        runner.send_signal(signal.SIGINT)
        assert plugin.read() == ""
    _, output = runner.communicate()

    assert "KeyboardInterrupt" in output
