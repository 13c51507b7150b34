"""Tests of the pretend twitterapi.io."""
