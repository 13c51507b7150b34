"""Tests of the approval page: its gate, its routes, and the page in a real browser."""
