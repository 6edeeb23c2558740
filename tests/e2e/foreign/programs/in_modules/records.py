import json
import os
from pathlib import Path


def note(method, **arguments):
    """Records a call; a value that is not known yet by its type."""
    line = json.dumps([method, arguments], sort_keys=True, default=lambda value: type(value).__name__)
    with Path(os.environ["RECORDS"], "calls").open("a") as calls:
        calls.write(line + "\n")


def world():
    """What there is outside, by id: tests change it behind Pulumi's back."""
    try:
        with Path(os.environ["RECORDS"], "world.json").open() as found:
            return json.load(found)
    except FileNotFoundError:
        return {}
