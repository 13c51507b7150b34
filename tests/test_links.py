"""What becomes a link in a text, and where it leads."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp import links as module
from xdm_mcp.domains import INTERNATIONAL, TOP_LEVEL
from xdm_mcp.links import links

CYRILLIC_PA = "\u0440\u0430"

FOUND = [
    ("http://example.com", [("http://example.com", "example.com")]),
    ("HTTPS://Example.COM/Path", [("HTTPS://Example.COM/Path", "example.com")]),
    ("see example.com/a, then", [("example.com/a", "example.com")]),
    ("(example.com/a).", [("example.com/a", "example.com")]),
    ("example.com/Film_(1998)!", [("example.com/Film_(1998)", "example.com")]),
    ("(see example.com/Film_(1998))", [("example.com/Film_(1998)", "example.com")]),
    ("example.com/a)(", [("example.com/a", "example.com")]),
    ("http://a.example/?q=1&r=[2]#top.", [("http://a.example/?q=1&r=[2]#top", "a.example")]),
    (
        "example.com?q=1 example.com#a",
        [("example.com?q=1", "example.com"), ("example.com#a", "example.com")],
    ),
    ("example.com:8080/x", [("example.com:8080/x", "example.com")]),
    ("www.example.unheard", [("www.example.unheard", "www.example.unheard")]),
    ("example.unheard/path", [("example.unheard/path", "example.unheard")]),
    ("one.com two.net", [("one.com", "one.com"), ("two.net", "two.net")]),
    ("x...one.com..two.net/a", [("one.com", "one.com"), ("two.net/a", "two.net")]),
    ("bit.ly/abc t.co/abc.def", [("bit.ly/abc", "bit.ly"), ("t.co/abc", "t.co")]),
    ("a_b.c-d.example.com", [("a_b.c-d.example.com", "a_b.c-d.example.com")]),
    ("hidden.onion", [("hidden.onion", "hidden.onion")]),
    ("xn--e1afmkfd.xn--p1ai", [("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai")]),
    # hosts that X would not link, after a scheme
    ("http://localhost:80/x", [("http://localhost:80/x", "localhost")]),
    ("http://127.0.0.1/", [("http://127.0.0.1/", "127.0.0.1")]),
    ("http://[::1]:8/a", [("http://[::1]:8/a", "[::1]")]),
    ("(http://intranet)", [("http://intranet", "intranet")]),
    # beside scripts without spaces
    ("\u8a73\u7d30example.com\u3067\u3059", [("example.com", "example.com")]),
    ("http://example.com\u3068\u3059", [("http://example.com", "example.com")]),
    ("http://example.com/\u4e2d\u6587", [("http://example.com/", "example.com")]),
    ("http://example.com\u3002\u6b21", [("http://example.com", "example.com")]),
    ("t.co/abc\ud55c\uad6done.com", [("t.co/abc", "t.co"), ("one.com", "one.com")]),
    # international names
    ("example.\u4e2d\u56fd", [("example.\u4e2d\u56fd", "example.xn--fiqs8s")]),
    (
        "\u0442\u0435\u0441\u0442.\u0440\u0444",
        [("\u0442\u0435\u0441\u0442.\u0440\u0444", "xn--e1aybc.xn--p1ai")],
    ),
    ("http://\u4f8b.jp/", [("http://\u4f8b.jp/", "xn--fsq.jp")]),
    ("http://stra\u00dfe.de", [("http://stra\u00dfe.de", "xn--strae-oqa.de")]),
    # made to deceive
    (f"{CYRILLIC_PA}ypal.com", [(f"{CYRILLIC_PA}ypal.com", "xn--ypal-43d9g.com")]),
    ("http://good.com@evil.com/x", [("http://good.com@evil.com/x", "evil.com")]),
    (
        "http://evil.com,a@good.com/",
        [("http://evil.com", "evil.com"), (",a@good.com/", "good.com")],
    ),
    (
        "http://good.com:80@evil.com",
        [("http://good.com:80", "good.com"), ("@evil.com", "evil.com")],
    ),
    ("http://evil.com\\@good.com", [("http://evil.com\\@good.com", "evil.com")]),
    ("http://good.com.evil.com", [("http://good.com.evil.com", "good.com.evil.com")]),
    ("http://evil\u3002com", [("http://evil\u3002com", "evil.com")]),
    ("http://evil\u3002com\u3068", [("http://evil\u3002com", "evil.com")]),
    (
        "http://x.com\u043f.\u0440\u0444",
        [("http://x.com\u043f.\u0440\u0444", "x.xn--com-yed.xn--p1ai")],
    ),
    ("http://%65vil.com/", [("http://%65vil.com/", "evil.com")]),
    ("http://ev\u00adil.com", [("http://ev\u00adil.com", "evil.com")]),
    ("http://\uff45\uff56\uff49\uff4c.com", [("http://\uff45\uff56\uff49\uff4c.com", "evil.com")]),
    ("http://a%0Ab.com/", [("http://a%0Ab.com/", "a%0Ab.com")]),
    ("xhttp://evil.com", [("evil.com", "evil.com")]),
]

NOT_LINKS = [
    "",
    "Nothing here. Or here.",
    "e.g. this, i.e. that, and so on...",
    "3.14 and v1.2.3",
    "report.pdf",
    "ann@example.com",
    "first.me@example.com",
    "@example.com",
    "1.1.1.1",
    "http://",
    "http:// x",
    "http://-",
    "a.b/c",
]

HOSTILE = {
    "schemes": "http://",
    "user names": "http://a@",
    "at signs": "a@",
    "dots": ".",
    "short labels": "a.",
    "one label": "a",
    "cut names": "a.co-",
    "names and ideographs": "http://a.co\u6f22",
    "names and commas": "http://a.co\uff0c",
    "brackets": "a.co/((((",
    "closing brackets": "a.co/))))",
    "percent signs": "http://%41",
    "long ligatures": "http://\ufdfa",
    "slashes": "www.a/",
}


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text for text, _ in FOUND])
def test_a_link_is_found_with_its_real_host(text: str, expected: list[tuple[str, str]]) -> None:
    """Each link is found as far as it reaches, and its host is the one a browser would open."""
    assert [(link.url, link.host) for link in links(text)] == expected


@pytest.mark.parametrize("text", NOT_LINKS)
def test_what_nobody_can_click_is_no_link(text: str) -> None:
    """Sentences, numbers, file names and addresses are not taken for links."""
    assert links(text) == ()


@pytest.mark.parametrize("host", ["\u6f22" * 64 + ".com", "\u6f22." * 127 + "com"])
def test_a_host_too_long_to_lead_anywhere_is_not_made_punycode(host: str) -> None:
    """Its characters are escaped, which takes no more time the longer it is."""
    assert [link.host for link in links(f"http://{host}/")] == [host.replace("\u6f22", "%E6%BC%A2")]


def test_every_top_level_domain_makes_a_bare_name_a_link() -> None:
    """All of IANA's list is known, in its own script too."""
    assert len(TOP_LEVEL) > 1_400
    assert len(INTERNATIONAL) > 150
    missed = [
        name for name in TOP_LEVEL if [one.url for one in links(f"ab.{name}")] != [f"ab.{name}"]
    ]
    assert missed == []


NAMES = st.sampled_from(
    ["a.com", "http://", "@", "/", ".", "www.", "\u6f22", "\u3002", "\u0440\u0444", " "]
)


@given(st.lists(NAMES | st.characters(), max_size=30).map("".join))
def test_links_lie_in_the_text_in_order_and_apart(text: str) -> None:
    """A link is a span of the text and begins where the one before it has ended, or later."""
    end = 0
    for link in links(text):
        assert end <= link.start < link.end
        assert link.url == text[link.start : link.end]
        end = link.end


@given(st.lists(NAMES | st.characters(), max_size=30).map("".join))
def test_a_host_is_safe_to_show(text: str) -> None:
    """Whatever a link holds, its host is printable ASCII in lower case, without blanks."""
    for link in links(text):
        assert re.fullmatch(r"([\[\]a-z0-9._:~-]|%[0-9A-F]{2}|%)*", link.host), link.host


@given(st.text(max_size=50))
def test_a_link_among_spaces_is_found_whatever_surrounds_it(text: str) -> None:
    """No text before or after it hides a link that stands between blanks."""
    urls = [link.url for link in links(f"{text} https://example.com/x {text}")]
    assert "https://example.com/x" in urls


def _work(call: Callable[[], Any]) -> int:
    """Count the lines of Python that `call` runs."""
    lines = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_work_grows_with_the_length_and_no_faster(unit: str) -> None:
    """Four times the text takes at most about four times the steps, however hostile it is."""
    short, long = (unit * (size // len(unit)) for size in (2_500, 10_000))
    afresh = links.__wrapped__  # what was asked before costs nothing
    assert _work(lambda: afresh(long)) <= 4.2 * _work(lambda: afresh(short)) + 200


def test_no_pattern_can_backtrack() -> None:
    """Each repeat without an end repeats one class of characters and gives nothing back."""
    from re import _constants, _parser  # type: ignore[attr-defined]

    def loose(items: Any) -> list[Any]:
        found = []
        for operation, argument in items:
            if operation in (
                _constants.MAX_REPEAT,
                _constants.MIN_REPEAT,
                _constants.POSSESSIVE_REPEAT,
            ):
                _, most, body = argument
                endless = most == _constants.MAXREPEAT
                single = body.getwidth() == (1, 1)
                if endless and not (single and operation is _constants.POSSESSIVE_REPEAT):
                    found.append(operation)
                found += loose(body)
            elif operation is _constants.SUBPATTERN:
                found += loose(argument[-1])
            elif operation is _constants.BRANCH:
                found += [bad for branch in argument[1] for bad in loose(branch)]
        return found

    patterns = [value for value in vars(module).values() if isinstance(value, re.Pattern)]
    assert len(patterns) >= 6
    assert [pattern.pattern for pattern in patterns if loose(_parser.parse(pattern.pattern))] == []
