import json
import os
from pathlib import Path


def note(method, **arguments):
    """Record a call; an unknown value is recorded as its type."""
    line = json.dumps([method, arguments], sort_keys=True, default=lambda value: type(value).__name__)
    with Path(os.environ["RECORDS"], "calls").open("a") as calls:
        calls.write(line + "\n")


def world():
    """Return the objects outside of Pulumi, by id; tests change them."""
    try:
        with Path(os.environ["RECORDS"], "world.json").open() as found:
            return json.load(found)
    except FileNotFoundError:
        return {}
