"""One specification per rule, and the properties of all of them together."""
