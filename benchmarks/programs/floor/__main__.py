# ruff: noqa: INP001 - a Pulumi program is a script
import os

from floor import Nothing

for number in range(int(os.environ["RESOURCES"])):
    Nothing(f"nothing-{number}")
