"""Build of the engine, and the name of its result in the cache."""

import hashlib
import os
import platform
import re
import shutil
import sys
from pathlib import Path

import cache
import golang
import progress
from problem import ProblemError

# Increase this if the build changes without a change in the Go sources.
RECIPE = "1"
PULUMI = "github.com/pulumi/pulumi"
COMMANDS = (f"{PULUMI}/pkg/v3/cmd/pulumi", "./pulumi-language-python")
SDK_SCRIPTS = ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python")
WHY = (
    "There is no official pulumi on PATH, so its engine is built from source, once per machine. "
    "With pulumi 3.216 or newer on PATH, this step takes no time."
)
FETCH_SECONDS = 40
BUILD_CPU_SECONDS = 360


def target() -> Path:
    """Return the folder of the engine that is built from the current sources. It may not exist."""
    return cache.root() / f"engine-{_fingerprint()}"


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{RECIPE} {platform.system()} {platform.machine()}".encode())
    for source in _sources():
        content = source.read_bytes()
        digest.update(f"\n{source.relative_to(golang.MODULE)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _sources() -> list[Path]:
    code = [path for path in golang.MODULE.rglob("*.go") if not path.name.endswith("_test.go")]
    embedded = golang.MODULE.glob("pulumi-language-python/*.py")
    return sorted([*golang.MODULE.rglob("go.mod"), golang.MODULE / "go.sum", *code, *embedded])


def ensure() -> Path:
    """Return the folder of the engine, and build the engine if it does not exist."""
    return cache.made_once(target(), _build)


def _build(folder: Path) -> None:
    print(WHY, file=sys.stderr, flush=True)
    go = golang.executable()
    log = target().with_suffix(".log")
    log.unlink(missing_ok=True)
    place = progress.Workplace(log, golang.MODULE, golang.environment())
    packages = [line for line in place.run(_fetch(go)) if not line.startswith("go: ")]
    place.run(_compile(go, folder, total=len(packages)))
    _copy_scripts(folder)


def _fetch(go: Path) -> progress.Step:
    """Return the command that downloads the sources and prints the packages that are not compiled yet."""
    stale = "{{if .Stale}}{{.ImportPath}}{{end}}"
    modules = sum("/go.mod " not in line for line in (golang.MODULE / "go.sum").read_text().splitlines())
    return progress.Step(
        "downloading the Pulumi engine's sources",
        FETCH_SECONDS,
        [go, "list", *golang.FLAGS, "-deps", "-f", stale, *COMMANDS],
        item=re.compile(r"go: downloading (\S+)"),
        unit="modules",
        total=modules,
    )


def _compile(go: Path, folder: Path, total: int) -> progress.Step:
    linker = f"-s -w -X {PULUMI}/sdk/v3/go/common/version.Version={_pulumi_version()}"
    return progress.Step(
        "building the Pulumi engine, once per machine",
        BUILD_CPU_SECONDS / (os.cpu_count() or 1),
        [go, "build", "-v", *golang.FLAGS, "-ldflags", linker, "-o", folder, *COMMANDS],
        unit="packages",
        total=total,
    )


def _pulumi_version() -> str:
    found = re.search(rf"^\s*{PULUMI}/pkg/v3 (\S+)", (golang.MODULE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise ProblemError(f"{golang.MODULE / 'go.mod'} does not list a version of {PULUMI}/pkg/v3")
    return found[1]


def _copy_scripts(folder: Path) -> None:
    sdk = Path(golang.output("list", "-m", "-f", "{{.Dir}}", f"{PULUMI}/sdk/v3"))
    for script in SDK_SCRIPTS:
        copy = folder / Path(script).name
        shutil.copyfile(sdk / "python" / script, copy)
        copy.chmod(0o755)
