"""The wire of X API v1.1's direct messages, as far as its reference and its users tell."""
