"""Links that would go out."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.guard.making import NOW, draft, facts
from xdm_mcp.guard.links import Links
from xdm_mcp.models.verdicts import Finding, Verdict


def judge(text: str, *allowed: str) -> Finding | None:
    """Return what the rule says of `text`."""
    rule = Links.model_validate({"allow_hosts": list(allowed)})
    finding = rule.judge(draft(text), facts(), NOW)
    assert finding is None or finding.verdict is Verdict.HOLD
    return finding


@pytest.mark.parametrize("text", ["Good morning", "At 9.30 or 10.15?", "me@example.com"])
def test_text_without_links_passes(text: str) -> None:
    """Times and mail addresses are no links."""
    assert judge(text) is None


@pytest.mark.parametrize(
    "text", ["https://example.com/a?b", "see example.com", "HTTP://EXAMPLE.COM"]
)
def test_a_link_waits_for_a_person_who_reads_its_host(text: str) -> None:
    """With or without a scheme."""
    finding = judge(text)

    assert finding is not None
    assert finding.says == "It holds a link to example.com."


def test_an_international_host_is_spelled_in_punycode() -> None:
    """A Cyrillic look-alike cannot pass for a known name."""
    finding = judge("https://\u0435\u0445\u0430mple.com")

    assert finding is not None
    assert finding.says.startswith("It holds a link to xn--")


def test_three_hosts_are_named_and_the_rest_counted() -> None:
    """Each once, in order."""
    finding = judge("c.com b.com a.com b.com e.com d.com")

    assert finding is not None
    assert finding.says == "It holds a link to a.com, b.com, c.com and 2 more."


def test_an_allowed_host_needs_no_asking_but_only_for_itself() -> None:
    """Neither its subdomains nor names that end alike are covered."""
    assert judge("https://example.com/x", "Example.COM") is None
    assert judge("www.example.com", "example.com") is not None
    assert judge("notexample.com", "example.com") is not None
    assert judge("example.com.evil.net", "example.com") is not None


def test_one_unknown_host_among_allowed_ones_is_enough() -> None:
    """And it alone is named."""
    finding = judge("a.com b.com", "a.com")

    assert finding is not None
    assert finding.says == "It holds a link to b.com."


def test_an_allowed_international_host_may_be_written_either_way() -> None:
    """In its own letters or in punycode."""
    assert judge("https://münchen.de", "münchen.de") is None
    assert judge("https://münchen.de", "xn--mnchen-3ya.de") is None


@pytest.mark.parametrize(
    "wrong", ["", "https://a.com", "a.com/path", "a.com:80", "*.a.com", "a b.com", "me@a.com"]
)
def test_an_allowed_host_is_a_host_alone(wrong: str) -> None:
    """No scheme, port, path or pattern."""
    with pytest.raises(ValidationError, match="must hold hosts such as"):
        Links.model_validate({"allow_hosts": [wrong]})
