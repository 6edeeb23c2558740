# ruff: noqa: INP001 - a Pulumi program is a script; the benchmark replaces it
