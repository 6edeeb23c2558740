"""Benchmarks of this package, each relative to a baseline: `make bench`.

A benchmark is a module of `suite` that implements `benchmark.Benchmark` and is listed in `suite.SUITE`.
"""
