"""The write path: the only way by which anything leaves. `sending.py` is the place to start."""
