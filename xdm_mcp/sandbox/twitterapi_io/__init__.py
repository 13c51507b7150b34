"""The pretend twitterapi.io: the wire of an unofficial service over the sandbox's world."""
