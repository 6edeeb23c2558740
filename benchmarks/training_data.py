"""Training data, and ways to process it: this package's check, the baseline, and parts of the work.

`python -m benchmarks.training_data WAY FILE CORES` runs a way in a separate process and prints its duration in seconds.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import sys
import sysconfig
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from pydoc_data import topics
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks import processes
from benchmarks.benchmark import BenchmarkError
from pulumi_openai_ft import training_data
from pulumi_openai_ft._training_data.cache import Cache
from pulumi_openai_ft._training_data.row_types import TYPES
from pulumi_openai_ft._training_data.tokens import BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENCODING = "o200k_base"
PEERS = ("tiktoken", "bpe-openai")
PIECE = 2**20
VARIETY = 4000
"""Number of rows with different texts. Later rows repeat these texts with another number."""
OTHER_LANGUAGES = (
    "Где моя посылка? Она вышла со склада сегодня утром и будет у вас завтра. ",  # noqa: RUF001 - Russian
    "请问我的包裹在哪里？它今天早上已经离开我们的仓库，明天会送到。 ",  # noqa: RUF001 - Chinese
    "¿Dónde está mi paquete? Salió de nuestro almacén esta mañana. ",
)


def write(file: Path, megabytes: int) -> Path:
    """Write chats of about 2 kB: a common system prompt, prose, code in every fourth row, and some other languages."""
    dice = random.Random(7)  # noqa: S311 - the same data each time
    words = " ".join(topics.topics.values()).split()
    sources = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    code = "".join(source.read_text("utf-8", "replace") for source in sources[:60])
    variety = [_chat(dice, words, code, number) for number in range(VARIETY)]
    written = number = 0
    with file.open("wb") as content:
        while written < megabytes * 1_000_000:
            messages = [dict(message) for message in variety[number % VARIETY]]
            messages[1]["content"] = f"{number}. {messages[1]['content']}"
            row = json.dumps({"messages": messages}, ensure_ascii=number % 2 == 0)
            written += content.write(f"{row}\n".encode())
            number += 1
    return file


def _chat(dice: random.Random, words: list[str], code: str, number: int) -> list[dict[str, Any]]:
    question, answer = _prose(dice, words, 10, 80), _prose(dice, words, 30, 200)
    if number % 4 == 0:
        start = dice.randrange(len(code) - 1500)
        answer += f"\n```python\n{code[start : start + dice.randrange(200, 1500)]}\n```"
    if number % 20 == 1:
        answer += dice.choice(OTHER_LANGUAGES) * 8
    system = f"You are the assistant of a shop. {' '.join(words[:40])}"
    texts = {"system": system, "user": question, "assistant": answer}
    return [{"role": role, "content": text} for role, text in texts.items()]


def _prose(dice: random.Random, words: list[str], least: int, most: int) -> str:
    start = dice.randrange(len(words) - most)
    return " ".join(words[start : start + dice.randrange(least, most)])


def ours(file: Path) -> None:
    """Check and hash the file, and count its tokens."""
    report = training_data.check(file, part="training", cache=Cache(training_data.Report, None))
    if report.problems:
        raise BenchmarkError(f"the generated file is invalid: {report.problems[0]}")


def peer(file: Path) -> None:
    """Check the file like OpenAI's cookbook, with `json` and tiktoken line by line, and hash it."""
    digest, count, tokens, faults = hashlib.sha256(), _by_tiktoken(), 0, 0
    with file.open("rb") as content:
        for line in content:
            digest.update(line)
            messages = json.loads(line)["messages"]
            faults += not any(message["role"] == "assistant" for message in messages)
            for message in messages:
                text = message.get("content")
                faults += message.get("role") not in ("system", "user", "assistant", "tool")
                faults += not isinstance(text, str)
                tokens += 3 + count(message["role"]) + count(text)
    if faults:
        raise BenchmarkError("the generated file is invalid")


def parsing(file: Path) -> None:
    """Only parse each line into this package's types."""
    decode = msgspec.json.Decoder(TYPES["supervised"]).decode
    with file.open("rb") as content:
        for line in content:
            decode(line)


def reading(file: Path) -> None:
    """Only read the file."""
    with file.open("rb", buffering=0) as content:
        while content.read(PIECE):
            pass


def hashing(file: Path) -> None:
    """Read and hash the file."""
    with file.open("rb") as content:
        hashlib.file_digest(content, "sha256")


def counting(file: Path) -> None:
    """Only read and parse the file, and count its tokens with this package's tokenizer."""
    for texts in _batches(file):
        _by_toktok(texts)


def _batches(file: Path) -> Iterator[list[str]]:
    with file.open("rb") as content:
        rows = map(msgspec.json.Decoder(TYPES["supervised"]).decode, content)
        while batch := list(islice(rows, BATCH // 2000)):
            yield [message.content for row in batch for message in row.messages]  # type: ignore[union-attr, misc]


WAYS: dict[str, Callable[[Path], None]] = {
    way.__name__: way for way in (ours, peer, parsing, reading, hashing, counting)
}
WITHOUT_TOKENS = "ours_without_tokens"


def _by_toktok(texts: list[str]) -> int:
    from toktok import batch_count  # type: ignore[import-untyped]  # noqa: PLC0415 - part of an extra

    return sum(batch_count(texts, ENCODING, threads=1))


@cache
def _by_tiktoken() -> Callable[[str], int]:
    """Return tiktoken with the vocabulary in bpe-openai, so that tiktoken does not download it."""
    import bpe_openai  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    import tiktoken  # noqa: PLC0415 - optional
    from tiktoken_ext import openai_public  # type: ignore[import-untyped]  # noqa: PLC0415 - optional

    vocabulary = Path(bpe_openai.__file__).parent / "data" / f"{ENCODING}.tiktoken.gz"
    openai_public.load_tiktoken_bpe = lambda _address, **_hash: _ranks(vocabulary)
    encode = tiktoken.Encoding(**openai_public.o200k_base()).encode_ordinary
    return lambda text: len(encode(text))


def _ranks(vocabulary: Path) -> dict[bytes, int]:
    from base64 import b64decode  # noqa: PLC0415 - not needed by the other ways

    with gzip.open(vocabulary, "rt") as lines:
        pairs = (line.split() for line in lines if line.strip())
        return {b64decode(token): int(rank) for token, rank in pairs}


def seconds(way: str, file: Path, cores: int) -> float:
    """Run a way in a new process on a number of cores, and return its duration in seconds.

    Raises:
        BenchmarkError: The process failed.
    """
    command = [sys.executable, "-m", "benchmarks.training_data", way, str(file), str(cores)]
    return float(processes.run(command).text.split()[-1])


def require_peers() -> None:
    """Raise BenchmarkError, with the packages to install, if a baseline is missing."""
    missing = [name for name in PEERS if find_spec(name.replace("-", "_")) is None]
    if missing:
        raise BenchmarkError(f"a baseline is missing: run pip install {' '.join(missing)}")


def require_cores(number: int) -> None:
    """Raise BenchmarkError if the process can use fewer cores."""
    if len(os.sched_getaffinity(0)) < number:
        raise BenchmarkError(f"the benchmark requires {number} cores, but this process can use fewer")


def peer_versions() -> dict[str, str]:
    """Return the versions of the baselines and of this package's dependencies, or `missing`."""
    found = {}
    for name in ("msgspec", "toktok-rs", *PEERS):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def main(way: str, file: str, cores: str) -> None:
    """Run a way, and print its duration in seconds."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    if way == WITHOUT_TOKENS:
        sys.modules["toktok"] = None  # type: ignore[assignment]
    elif way in ("ours", "counting"):
        _by_toktok(["loads the vocabulary"])
    elif way == "peer":
        _by_tiktoken()
    go = ours if way == WITHOUT_TOKENS else WAYS[way]
    started = time.perf_counter()
    go(Path(file))
    sys.stdout.write(f"{time.perf_counter() - started}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
