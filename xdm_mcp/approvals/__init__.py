"""Where a person decides: what is shown, who may say so, and what became of it."""
