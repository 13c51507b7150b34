"""The read path: what came in, what needs an answer, what cannot be seen. `reading.py` is the
place to start."""
