"""The smallest server over HTTP that one can write with the SDK: what throughput is measured
against.

Its tools `quota_status` and `list_dms` return one constant, an answer of ours read from a file, as
a pydantic model: structured content and text, validated by the SDK as anybody's would be. It reads
nothing, counts nothing and asks for no token.

    python benchmarks/bare_server.py FOLDER

It prints its address; FOLDER holds `quota_status.json` and `list_dms.json`.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from xdm_mcp.models.results import QuotaStatus
from xdm_mcp.server.gate import LARGEST_BODY
from xdm_mcp.server.http import MOST_REQUESTS
from xdm_mcp.server.packing import PackedPage
from xdm_mcp.server.tenants import MOST_SESSIONS


def main(folder: Path) -> None:
    """Serve the two answers of `folder` on a free port of the loopback until killed."""
    quota = QuotaStatus.model_validate_json((folder / "quota_status.json").read_text())
    page = PackedPage.model_validate_json((folder / "list_dms.json").read_text())
    server = MCPServer("bare", log_level="WARNING")

    @server.tool()
    async def quota_status() -> QuotaStatus:
        """Return a constant."""
        return quota

    @server.tool()
    async def list_dms(limit: int = 20) -> PackedPage:
        """Return a constant."""
        return page

    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    where = f"127.0.0.1:{listener.getsockname()[1]}"
    app = server.streamable_http_app(
        max_request_body_size=LARGEST_BODY,
        max_sessions=MOST_SESSIONS,
        transport_security=TransportSecuritySettings(allowed_hosts=[where], allowed_origins=[]),
    )
    print(f"http://{where}/mcp", flush=True)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        limit_concurrency=MOST_REQUESTS,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
