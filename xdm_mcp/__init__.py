"""An MCP server through which agents read and send X direct messages without hurting their
owner."""

__version__ = "0.1.0"
