"""The MCP side: tools, resources, prompts and transports over one `App`; only it imports `mcp`."""
