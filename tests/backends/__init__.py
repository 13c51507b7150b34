"""The wire: what leaves, what comes back, and what is made of it."""
