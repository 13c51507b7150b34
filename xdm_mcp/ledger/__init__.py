"""Durable memory: what was asked, decided, sent, counted and spent. `base.py` is the contract."""
