"""The wire of X API v2 over the world. Begin with `endpoints`."""
