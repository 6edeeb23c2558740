"""What the package costs and how fast it is, each figure beside that of a peer: `make bench`.

A benchmark is one module of `suite` that satisfies `benchmark.Benchmark`, and a line in `suite.SUITE`.
"""
