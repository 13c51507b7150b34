"""Who is told of a change."""

from __future__ import annotations

from xdm_mcp.bus import Bus, Changed


def test_every_listener_hears_every_change_in_order() -> None:
    """Two listeners hear the same two changes, first things first."""
    bus, first, second = Bus(), list[Changed](), list[Changed]()
    bus.subscribe(first.append)
    bus.subscribe(second.append)

    bus.publish(Changed("inbox"), Changed("conversation", "1-2"))

    assert first == second == [Changed("inbox"), Changed("conversation", "1-2")]


def test_who_unsubscribed_hears_nothing_more() -> None:
    """Ending a subscription twice is harmless, and others go on."""
    bus, heard = Bus(), list[Changed]()
    end = bus.subscribe(heard.append)

    end()
    end()
    bus.publish(Changed("quota"))

    assert heard == []


def test_one_listener_may_subscribe_twice_and_leave_once() -> None:
    """Subscriptions are told apart although the listener is the same."""
    bus, heard = Bus(), list[Changed]()
    end = bus.subscribe(heard.append)
    bus.subscribe(heard.append)

    end()
    bus.publish(Changed("inbox"))

    assert heard == [Changed("inbox")]
