import atexit
import os
from pathlib import Path

from pulumi import Output
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult
from records import note


class BoxProvider(ResourceProvider):
    """Reads the stack's configuration, and a file in the program's folder."""

    def configure(self, request):
        config = request.config
        note(
            "Box.configure",
            bare=config.get("region"),
            full=config.get("other:region"),
            missing=config.get("nothing"),
        )
        atexit.register(Path(os.environ["RECORDS"], "exited").touch)
        self.region = config.require("region")
        self.other = config.get("other:region")
        self.token = config.get("shop:token")
        self.shelves = config.get("shelves")

    def create(self, props):
        found = {"region": self.region, "other": self.other, "token": self.token, "shelves": self.shelves}
        return CreateResult("box", {**props, **found, "file": Path("label.txt").read_text()})

    def diff(self, id_, olds, news):
        note("Box.diff", olds=olds, news=news)
        return DiffResult(olds["size"] != news["size"] or olds["region"] != self.region)

    def update(self, id_, olds, news):
        note("Box.update", region=self.region)
        return UpdateResult({**olds, **news, "region": self.region})


class Box(Resource, name="Box"):
    region: Output[str]
    token: Output[str]

    def __init__(self, name, size, opts=None):
        super().__init__(BoxProvider(), name, {"size": size, "region": None, "token": None}, opts)
