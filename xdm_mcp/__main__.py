"""The way in. Serving on stdio, which clients start again and again, takes the short way."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the command line of the process and return its exit code.

    0 is success; 1 is a failure that nobody foresaw, logged without private text; 2 is a setting,
    argument or state that the owner must correct, said in one sentence on stderr.
    """
    arguments = sys.argv[1:]
    if arguments in ([], ["serve"]):
        return _serve()
    from xdm_mcp.cli.main import main as command_line

    return command_line(arguments)


def _serve() -> int:
    """Serve on stdio with the settings of the environment and the policy file.

    What is imported lives until the end, so the garbage collector neither watches the imports nor
    ever looks at them again: that saves a fifth of the start and most of the exit.
    """
    gc.disable()
    import anyio

    from xdm_mcp.config import load
    from xdm_mcp.errors import XdmError
    from xdm_mcp.server.logs import report
    from xdm_mcp.server.stdio import run_stdio

    gc.freeze()
    gc.enable()
    code = 0
    try:
        anyio.run(run_stdio, load())
    except* XdmError as group:
        sys.stderr.write(f"xdm-mcp: {_first(group)}\n")
        code = 2
    except* Exception as group:  # noqa: BLE001 - a traceback would quote private text
        report(_first(group), "serving")
        code = 1
    return code


def _first(error: BaseException) -> BaseException:
    """Return what a group of failures began with: each of ours is one sentence."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


if __name__ == "__main__":
    sys.exit(main())
