"""The command line: what each command takes, and how every foreseen failure ends in one sentence.

Exit codes: 0 done, 1 not done (the sentence says why), 2 asked for or set up wrongly, 130
interrupted.
"""

from __future__ import annotations

import os
import sys

from xdm_mcp.cli.options import parser
from xdm_mcp.cli.paint import screen, tolerate_any_encoding
from xdm_mcp.errors import BadInput, ConfigError, XdmError

WRONG = 2
INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Run one command (the arguments without the program's name) and return the exit code."""
    tolerate_any_encoding()
    try:
        args = parser().parse_args(argv)
        code: int = args.run(args)
        sys.stdout.flush()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else WRONG
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left: nothing more to tell it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except XdmError as error:
        return complain(error)
    except BaseExceptionGroup as group:
        return _end_of_group(group)
    return code


def complain(error: XdmError) -> int:
    """Print a foreseen failure as one sentence on stderr and return its exit code."""
    screen(stderr=True).print(f"xdm-mcp: {error}", style="red")
    return WRONG if isinstance(error, (BadInput, ConfigError)) else 1


def _end_of_group(group: BaseExceptionGroup[BaseException]) -> int:
    """End as what a task group wrapped would have ended; raise what nobody foresaw."""
    if group.subgroup(KeyboardInterrupt) is not None:
        return INTERRUPTED
    foreseen, rest = group.split(XdmError)
    if foreseen is None or rest is not None:
        raise group
    first: BaseException = foreseen
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return complain(first) if isinstance(first, XdmError) else 1
