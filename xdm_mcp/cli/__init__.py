"""The command line: the only part that prints. `main.py` is the place to start."""
