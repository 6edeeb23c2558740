"""Demo with real training: the program of `make demo`, unchanged, against `openai-ft serve` on this machine.

The demo trains SmolLM2-135M-Instruct, a model with 135 million weights, on the chats in examples/data, and asks the base model
and the tuned model the same questions. It ignores OPENAI_* and PULUMI_* variables of the shell.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import tomlkit
from demo import (
    DemoError,
    destroyed_at_the_end,
    inherited_environment,
    make_stack,
    program_environment,
    pulumi,
)
from env import LOCAL, ROOT

from pulumi_openai_ft.serve.engines.interface import Attempt
from pulumi_openai_ft.serve.engines.local import LocalEngine
from pulumi_openai_ft.serve.job_folder import JobFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BASE_MODEL = "smollm2-135m-instruct"
ALIAS = "gpt-4o-mini-2024-07-18"
"""The model in the program. `serve.toml` maps it to the base model."""
LEARNING_RATE = 1e-3
MAX_LENGTH = 1024
MAX_TOKENS = 60
COLUMN = 56
SYSTEM = (
    "You are the support assistant of Tavendry, an online shop for home coffee gear and fresh beans. Answer in at most 90 words "
    "of plain text: the answer first, then one next step. Keep to Tavendry's policies and hand over to a colleague when a case "
    "needs a person."
)


@dataclass(frozen=True)
class Question:
    """A question of the training data, and a pattern of the fact in its answer."""

    text: str
    fact: str


QUESTIONS = (
    Question("How long does standard shipping take?", r"3 to 5 business days"),
    Question("How much is a return label?", r"\$6\b"),
    Question("can i pay in 3 installments", r"\bcredit and debit cards\b"),
)


@dataclass(frozen=True)
class Service:
    """A running `openai-ft serve` and its keys."""

    url: str
    key: str
    admin_key: str


def training_environment() -> Path:
    """Return the Python of the training environment. Create it if necessary, with progress on stderr."""
    return Path(output_of(sys.executable, ROOT / "tools" / "training_env.py", "ensure"))


def base_model(python: Path) -> Path:
    """Return the folder of the base model. Download and convert it if necessary."""
    return Path(output_of(python, ROOT / "tools" / "base_models.py", "smollm2"))


def output_of(*command: str | Path) -> str:
    """Return the output of a command. Its errors and progress go to the terminal."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise DemoError(f"`{' '.join(map(str, command))}` ended with {done.returncode}")
    return done.stdout.strip().splitlines()[-1]


def write_config(config: Path, python: Path, model: Path) -> tuple[str, str]:
    """Write `serve.toml` with `openai-ft serve init`, and set the model's settings. Return both keys."""
    options: list[str | Path] = ["--config", config, "--model", model, "--id", BASE_MODEL, "--alias", ALIAS]
    done = openai_ft("serve", "init", *options, stdout=subprocess.PIPE).communicate()[0]
    settings = tomlkit.parse(config.read_text("utf-8"))
    settings["base"][0].update({"learning_rate": LEARNING_RATE, "max_length": MAX_LENGTH})
    settings["training"]["python"] = str(python)
    config.write_text(tomlkit.dumps(settings), "utf-8")
    project, admin = (re.search(rf"{kind}-\S+", done) for kind in ("sk-proj", "sk-admin"))
    assert project is not None
    assert admin is not None
    return project[0], admin[0]


def openai_ft(*arguments: str | Path, **options: object) -> subprocess.Popen[str]:
    """Start the command line of this checkout. The trainer, which is in another environment, finds the package too."""
    command = [str(Path(sys.prefix) / "bin" / "openai-ft"), *map(str, arguments)]
    environment = {**inherited_environment(), "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(command, text=True, env=environment, **options)  # type: ignore[call-overload,no-any-return]


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """Run the service in a folder, in a session that Ctrl-C does not reach."""
    python = training_environment()
    model = base_model(python)
    config = folder / "serve.toml"
    key, admin_key = write_config(config, python, model)
    with (folder / "serve.log").open("a") as log:
        process = openai_ft(
            "serve",
            "--config",
            config,
            "--port",
            "0",
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise DemoError(f"the service did not start; see {log.name}")
        print(f"`openai-ft serve` serves {BASE_MODEL} at {url}, with training on this machine", flush=True)
        yield Service(url, key, admin_key)
    finally:
        process.terminate()
        process.wait()
        for job in folder.glob("data/jobs/*"):
            LocalEngine(python, ()).stop(Attempt(JobFolder(job), 1), kill=True)


def train(folder: Path, service: Service) -> None:
    """Run the workflow's program, ask both models, then destroy the stack."""
    env = program_environment(folder, service.url, service.key, service.admin_key)
    make_stack(folder, env, "--plaintext=openai-ft:service=self-hosted")
    with destroyed_at_the_end(env), cancelled_on_error(service):
        pulumi(env, "up", "--yes", "--skip-preview")
        pulumi(env, "stack", "output")
        pulumi(env, "preview", "--expect-no-changes")
        compare(service, output_of_stack(env, "fine_tuned_model"))


@contextmanager
def cancelled_on_error(service: Service) -> Iterator[None]:
    """Cancel the job on an error or interruption: its files cannot be deleted while it trains."""
    try:
        yield
    except BaseException:
        jobs = openai.OpenAI(base_url=service.url, api_key=service.key).fine_tuning.jobs
        for job in jobs.list():
            if job.finished_at is None:
                jobs.cancel(job.id)
        raise


def output_of_stack(env: dict[str, str], name: str) -> str:
    """Return an output of the stack."""
    command = ["pulumi", "stack", "output", name]
    return subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


def compare(service: Service, tuned: str) -> None:
    """Print the answers of both models. Raise DemoError unless a tuned answer has a fact that the base model lacks."""
    client = openai.OpenAI(base_url=service.url, api_key=service.key, timeout=600)
    names = {model.id for model in client.models.list()}
    if tuned not in names or BASE_MODEL not in tuned:
        raise DemoError(f"the service does not list {tuned}")
    print(
        f"\nBoth models get the same questions from the training data. Left: {BASE_MODEL}. Right: {tuned}\n"
    )
    learned = 0
    for question in QUESTIONS:
        answers = [ask(client, model, question.text) for model in (ALIAS, tuned)]
        print_side_by_side(question.text, answers)
        knows = [re.search(question.fact, answer) is not None for answer in answers]
        learned += knows == [False, True]
    print(
        f"{learned} of {len(QUESTIONS)} tuned answers contain the fact of the training data that the base model lacks. A model with "
        "135 million weights learns a style and some facts in minutes; expect wrong answers, and use a larger base model for real work."
    )
    if not learned:
        raise DemoError("the tuned model has learned none of the facts")


def ask(client: openai.OpenAI, model: str, question: str) -> str:
    """Return the most likely answer of a model."""
    answer = client.chat.completions.create(
        model=model,
        temperature=0,
        max_tokens=MAX_TOKENS,
        messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}],
    )
    return (answer.choices[0].message.content or "").strip()


def print_side_by_side(title: str, texts: Sequence[str]) -> None:
    """Print two texts in two columns."""
    left, right = (textwrap.wrap(text, COLUMN) or [""] for text in texts)
    print(f"  {title}")
    for number in range(max(len(left), len(right))):
        cells = [lines[number] if number < len(lines) else "" for lines in (left, right)]
        print(f"    {cells[0]:<{COLUMN}}  |  {cells[1]}".rstrip())
    print()


def main() -> int:
    """Run the demo, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=LOCAL / "demo-train", help="folder for all files")
    folder: Path = parser.parse_args().folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.monotonic()
    try:
        with serving(folder) as service:
            ready = time.monotonic()
            train(folder, service)
            done = time.monotonic()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nDone in {done - ready:.0f} s, after {ready - started:.0f} s of setup.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
