"""Count habits of bad English in prose. `python -m tools.prose --help` describes the commands."""

from __future__ import annotations

import argparse
import math
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tools.prose.sources import Passage, passages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
AREAS = {
    "documentation": ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "examples", "templates"],
    "source": ["src", "policies"],
    "tests and tools": ["tests", "tools", "benchmarks"],
}
"""Parts of the repository that keep the limits each on its own."""
AREAS_WITH_MESSAGES = ("source",)
"""Parts whose strings are messages for users. The strings of tests are data."""
SUFFIXES = (".md", ".py")
KINDS = ("text", "docstring", "module docstring", "other docstring", "comment", "message")


@dataclass(frozen=True)
class Pattern:
    """A habit. See `patterns.toml`."""

    name: str
    regex: str
    advice: str
    limit: float = math.inf
    at_least: float = 0.0
    per: Literal["words", "passage"] = "words"
    kinds: tuple[str, ...] = KINDS
    areas: tuple[str, ...] = tuple(AREAS)
    except_paths: tuple[str, ...] = ()

    def covers(self, passage: Passage) -> bool:
        """Return whether the pattern applies to a passage."""
        path = passage.path.relative_to(ROOT) if passage.path.is_relative_to(ROOT) else passage.path
        return passage.kind in self.kinds and not any(map(path.is_relative_to, self.except_paths))

    def matches(self, passage: Passage) -> Iterator[re.Match[str]]:
        """Yield the occurrences in a passage."""
        if self.covers(passage):
            yield from re.finditer(self.regex, passage.text, re.IGNORECASE)

    def rate(self, found: list[Passage]) -> float:
        """Return the occurrences in 10,000 words, or in 100 passages."""
        mine = [passage for passage in found if self.covers(passage)]
        occurrences = sum(1 for passage in mine for _ in self.matches(passage))
        whole = len(mine) / 100 if self.per == "passage" else sum(one.words for one in mine) / 10_000
        return occurrences / whole if whole else 0.0


def load_patterns() -> list[Pattern]:
    """Return the patterns of `patterns.toml`."""
    data = tomllib.loads((Path(__file__).parent / "patterns.toml").read_text(encoding="utf-8"))
    return [Pattern(**entry) for entry in data["pattern"]]


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the Markdown and Python files at the paths and below."""
    for path in paths:
        if path.is_dir():
            yield from (
                one
                for suffix in SUFFIXES
                for one in sorted(path.rglob(f"*{suffix}"))
                if "venv" not in str(one)
            )
        elif path.suffix in SUFFIXES and path.exists():
            yield path


def check() -> int:
    """Print each pattern that is beyond its limit, with its occurrences. Return the exit code."""
    code = 0
    for area, names in AREAS.items():
        found = [
            passage
            for file in files(ROOT / name for name in names)
            for passage in passages(file)
            if area in AREAS_WITH_MESSAGES or passage.kind != "message"
        ]
        for pattern in load_patterns():
            if (
                area not in pattern.areas
                or pattern.at_least <= (rate := pattern.rate(found)) <= pattern.limit
            ):
                continue
            code = 1
            bound = f"limit {pattern.limit}" if rate > pattern.limit else f"at least {pattern.at_least}"
            print(f"{area}: {pattern.name} {rate:.1f} ({bound}): {pattern.advice}")
            if rate > pattern.limit:
                show(found, [pattern])
    return code


def show(found: Iterable[Passage], patterns: list[Pattern]) -> None:
    """Print each occurrence on a line."""
    for passage in found:
        for pattern in patterns:
            for match in pattern.matches(passage):
                line = passage.line + passage.text.count("\n", 0, match.start())
                before, after = (
                    passage.text[max(0, match.start() - 30) : match.start()],
                    passage.text[match.end() :][:40],
                )
                context = " ".join(f"{before}[{match[0]}]{after}".split())
                path = passage.path.relative_to(ROOT) if passage.path.is_relative_to(ROOT) else passage.path
                print(f"  {path}:{line}: {pattern.name}: {context}")


def counts(paths: list[Path]) -> None:
    """Print how often each pattern occurs in 10,000 words or 100 passages."""
    found = [one for file in files(paths) for one in passages(file)]
    print(f"{sum(one.words for one in found)} words")
    for pattern in load_patterns():
        print(f"  {pattern.name:20} {pattern.rate(found):6.1f}")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.prose", description="Count habits of bad English in prose."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="fail where the repository exceeds a limit of patterns.toml")
    for name, text in (("show", "print the occurrences in files"), ("counts", "print the rates of files")):
        commands.add_parser(name, help=text).add_argument("paths", nargs="+", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "check":
        return check()
    if arguments.command == "counts":
        counts(arguments.paths)
    else:
        show(
            (one for file in files(arguments.paths) for one in passages(file)),
            [p for p in load_patterns() if p.limit < math.inf],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
