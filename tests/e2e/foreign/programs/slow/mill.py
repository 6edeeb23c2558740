import os
import time
from pathlib import Path

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Mill(ResourceProvider):
    def create(self, props):
        print("grinding", flush=True)  # noqa: T201 - other people do
        while not Path(os.environ["RECORDS"], "enough").exists():
            time.sleep(0.05)
        return CreateResult("flour", {"ground": True})


class Slow(Resource, module="mill", name="Slow"):
    def __init__(self, name, provider):
        super().__init__(provider, name, {"ground": None})
