"""One replica, as the program is, but for one figure: `python -m tests.fleet.replica serve …`.

GetXAPI names no limit of reads, and the small one that we chose is used up by ten restarts within
two minutes. It is the only service whose sends leave room for a crowd.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from xdm_mcp.__main__ import main
from xdm_mcp.backends.getxapi import GetXApiBackend

GetXApiBackend.capabilities = replace(GetXApiBackend.capabilities, reads={})

if __name__ == "__main__":
    sys.exit(main())
