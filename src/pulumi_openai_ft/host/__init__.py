"""A host for dynamic providers. The engine runs `python -m pulumi_openai_ft.host` instead of Pulumi's stock host.

For this package's resources, the host supports features that other dynamic providers lack: import, partially created
resources, Ctrl-C, live progress, functions, and as many parallel operations as the engine requests. For third-party
dynamic resources, it behaves like the stock host.
"""
