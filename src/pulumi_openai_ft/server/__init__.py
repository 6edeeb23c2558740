"""The service's HTTP routes, store and lifecycle of jobs. `emulator` and `serve` are built from them."""
