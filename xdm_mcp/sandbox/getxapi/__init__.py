"""The pretend GetXAPI: the wire of an unofficial service over the sandbox's world."""
