"""Tests of the wire of X API v2 over the sandbox's world."""
