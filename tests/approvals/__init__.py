"""Where a person decides: the view, the desk, and the factors."""
