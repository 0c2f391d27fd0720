"""One module per kind of work. Each has `run(stage)`, which answers a Section."""
