import threading
import time

from pulumi import ResourceOptions
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

FOUR = threading.Barrier(4)
COUNTING = threading.Lock()
inside = 0
threads = set()


class Guest(ResourceProvider):
    """Waits for three other creates in parallel, and then for a fifth."""

    def create(self, props):
        global inside  # noqa: PLW0603
        with COUNTING:
            inside += 1
            threads.add(threading.get_ident())
        FOUR.wait(timeout=20)
        time.sleep(0.2)
        with COUNTING:
            at_once = inside
        FOUR.wait(timeout=20)
        with COUNTING:
            inside -= 1
        return CreateResult("guest", {"at_once": at_once, "threads": len(threads)})


class OtherGuest(Guest):
    """A second provider, which shares the limit of four."""

    def diff(self, id_, olds, news):
        return DiffResult(changes=False)


class Crowd(Resource, module="crowd", name="Guest"):
    def __init__(self, name, provider, opts=None):
        super().__init__(provider, name, {}, opts or ResourceOptions())
