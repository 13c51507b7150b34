"""The wire: one file per service behind the port of `base.py`. Backends know no policy."""
