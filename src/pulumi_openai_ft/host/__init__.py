"""Our host of dynamic providers, `python -m pulumi_openai_ft.host`, which the engine starts instead of the stock one.

For our resources it does what dynamic providers could not do so far: import, partly created resources, Ctrl-C, live
progress, functions, as many operations at a time as the engine asks for. For everybody else's it is the stock host.
"""
