"""Providers that fail in each method in turn."""

import os

from fragile import Moody, Vase

STAGE = os.environ["STAGE"]
METHODS = ["fine", "diff", "read", "reads nothing", "update", "delete"]
AT_CREATE = ["create", "number", "object", "no id", "nothing"]

if STAGE == "configure":
    Vase("configure", provider=Moody())
elif STAGE.startswith("check"):
    Vase(STAGE)
else:
    for fails in [*METHODS, *(AT_CREATE if STAGE == "create" else [])]:
        Vase(fails, size=2 if STAGE in {"diff", "update"} else 1)
