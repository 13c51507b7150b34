"""The two vocabularies of X API v2: which parameters and values each accepts.

`a` is that of OpenAPI 2.130 to 2.166 (until July 2026), `b` that of 2.167 and later. Production
took both on post endpoints in 2026-08; what it takes on the endpoints of direct messages is not
known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

VocabularyName = Literal["a", "b", "both"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVENT = _words("attachments created_at dm_conversation_id entities event_type id text")
_EVENT_A = _EVENT | _words("participant_ids referenced_tweets sender_id")

_EXPANSIONS = _words("attachments.media_keys participant_ids sender_id")

_USER = _words(
    "connection_status created_at description entities id is_identity_verified location name parody"
    " profile_banner_url profile_image_url protected public_metrics receives_your_dm subscription"
    " subscription_type url username verified verified_followers_count verified_type withheld"
)
_USER_A = _USER | _words("affiliation most_recent_tweet_id pinned_tweet_id")
_USER_B = _USER | _words("subscribes_to_you")

_MEDIA = _words(
    "alt_text duration_ms height media_key non_public_metrics organic_metrics preview_image_url"
    " promoted_metrics public_metrics type url variants width"
)

_POST = _words(
    "article attachments author_id card_uri community_id context_annotations conversation_id"
    " created_at display_text_range edit_controls edit_history_tweet_ids entities geo id"
    " in_reply_to_user_id lang media_metadata non_public_metrics note_tweet organic_metrics"
    " possibly_sensitive promoted_metrics public_metrics referenced_tweets reply_settings scopes"
    " source suggested_source_links text withheld"
)

Parameters = Mapping[str, frozenset[str]]
"""The lists that an endpoint takes, by parameter, with the values each accepts."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one world accepts. `problems` is the host in the types of its errors."""

    events: Parameters
    users: Parameters
    flat_entities: bool
    problems: str


_A = Vocabulary(
    events={
        "dm_event.fields": _EVENT_A,
        "expansions": _EXPANSIONS | {"referenced_tweets.id"},
        "user.fields": _USER_A,
        "media.fields": _MEDIA,
        "tweet.fields": _POST,
    },
    users={
        "user.fields": _USER_A,
        "expansions": _words("affiliation.user_id most_recent_tweet_id pinned_tweet_id"),
        "tweet.fields": _POST,
    },
    flat_entities=True,
    problems="https://api.twitter.com/2/problems/",
)

_B = Vocabulary(
    events={
        "dm_event.fields": _EVENT,
        "expansions": _EXPANSIONS | {"referenced_posts"},
        "user.fields": _USER_B,
        "media.fields": _MEDIA,
        "post.fields": _POST,
    },
    users={"user.fields": _USER_B, "post.fields": _POST},
    flat_entities=False,
    problems="https://api.x.com/2/problems/",
)


def _either(one: Parameters, other: Parameters) -> Parameters:
    none: frozenset[str] = frozenset()
    return {name: one.get(name, none) | other.get(name, none) for name in {**one, **other}}


VOCABULARIES: Mapping[VocabularyName, Vocabulary] = {
    "a": _A,
    "b": _B,
    "both": Vocabulary(
        events=_either(_A.events, _B.events),
        users=_either(_A.users, _B.users),
        flat_entities=False,
        problems=_B.problems,
    ),
}
