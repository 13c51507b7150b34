"""`xdm-mcp sandbox`: the pretend X of a home, served over HTTP, looked into, spoken in."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio

from xdm_mcp.cli.opening import loaded
from xdm_mcp.cli.paint import gutter, plain, print_json, room_of, screen
from xdm_mcp.cli.world import HomeWorld
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import Settings
from xdm_mcp.errors import ConfigError
from xdm_mcp.sandbox import SANDBOX_TOKEN

T = TypeVar("T")


def serve(args: Namespace) -> int:
    """Serve the world over HTTP until interrupted."""
    _with_world(args, partial(_serve, args), args.story)
    return 0


def deliveries(args: Namespace) -> int:
    """List what the account really sent, oldest first."""
    delivered = _with_world(args, HomeWorld.deliveries)
    if args.json:
        print_json([each.row for each in delivered])
        return 0
    console = screen()
    console.print(f"{len(delivered)} delivered.")
    for each in delivered:
        console.print(f"{each.row['created_at']}  {each.row['id']}  to {plain(each.recipients)}")
        for line in gutter(each.text, room_of(console)):
            console.print(line)
    return 0


def say(args: Namespace) -> int:
    """Have somebody of the world write to the account."""
    message_id = _with_world(args, lambda world: world.say(args.who, args.text))
    screen().print(f"They wrote message {message_id}.", style="green")
    return 0


def reset(args: Namespace) -> int:
    """Begin the home's world anew; ledger and policy stay as they are."""
    _with_world(args, HomeWorld.reset)
    screen().print("The sandbox's world begins anew.", style="green")
    return 0


def _with_world(
    args: Namespace, work: Callable[[HomeWorld], Awaitable[T]], story: str | None = None
) -> T:
    return anyio.run(_use, loaded(args), work, story)


async def _use(
    settings: Settings, work: Callable[[HomeWorld], Awaitable[T]], story: str | None
) -> T:
    return await work(HomeWorld(settings, SystemClock(), story))


async def _serve(args: Namespace, world: HomeWorld) -> None:
    from xdm_mcp.sandbox import serve as wire

    await world.deliveries()  # makes the world's file, or says why it cannot
    bound = partial(_announce, world)
    try:
        await wire.serve(args.host, args.port, world.journal, SystemClock(), on_bound=bound)
    except (wire.NotLoopback, wire.PortTaken) as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(
            f"Nobody can listen on {args.host} port {args.port} ({error.strerror}); choose another."
        ) from None


def _announce(world: HomeWorld, host: str, port: int) -> None:
    """Say where the pretend X listens, and how a server is pointed at it."""
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    console = screen(stderr=True)
    console.print(f"The sandbox of {world.path} serves every service on {url}", style="green")
    console.print(f"Its token is {SANDBOX_TOKEN}; its controls are under {url}/_sandbox/")
    console.print("Point a server at it:")
    console.print(
        f"  XDM_BACKEND=x-api-v2 XDM_BASE_URL={url} XDM_X_ACCESS_TOKEN={SANDBOX_TOKEN} xdm-mcp"
    )
    console.print("The other services' settings are in docs/sandbox.md.")
    console.print("Stop with Ctrl-C.", style="dim")
