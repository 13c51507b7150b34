"""Tests of the pretend GetXAPI."""
