"""What every backend keeps, run over each entry of the registry against the sandbox."""
