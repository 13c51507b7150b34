"""The wire of X API v1.1, as its reference tells it."""
