# ruff: noqa: INP001 - a Pulumi program is a script
import os

import pulumi_openai_ft as openai_ft

for number in range(int(os.environ["RESOURCES"])):
    openai_ft.File(f"file-{number}", file="training.jsonl")
