"""The command line, through its real entry points."""
