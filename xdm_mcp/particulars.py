"""Particulars: what may be secret though it is short. Codes, keys, addresses, amounts of money.

Patterns are narrow on purpose: a year, a time, ten percent and a round sum are said to everybody.
What they miss but has 24 characters is found by its words all the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

Particular = Literal["code", "key", "address", "amount"]
"""What something short is."""

AT_MOST = 100
"""Particulars of one text that are looked at."""

YEARS = range(1900, 2100)

LABEL = 64
"""Characters before a number that are looked at."""

CODE = re.compile(
    r"(?<![\w.,/+@-])(?<!\d )(?:[A-Za-z]-)?(\d{3}[ -]\d{3}|\d{4}[ -]\d{4}|\d{4,8})"
    r"(?!\w|[.,:/@-]\w| ?\d| ?[%‰°€$£¥₹₽₺₩]| ?(?:EUR|USD|GBP|CHF|km|kg|m|ml|g)\b)",
    re.ASCII,
)
"""One-time codes, PINs: `4471`, `123 456`, `G-123456`; `OTP:4471` too, if `NO_LABEL` does not end
before the colon."""

NO_LABEL = re.compile(r"(?:[\d\]]|\blocalhost|(?:[.@:]|//)[\w./-]*)\Z", re.ASCII | re.IGNORECASE)
"""What stands before the colon of a time, a score or a port, and before the # of a place in a page:
a digit, or the end of an address or of a host's name."""

SECRET = re.compile(
    r"(?:password|passwd|passcode|passwort|kennwort|contrase[nñ]a|mot de passe|senha|wachtwoord"
    r"|l[oö]senord|has[lł]o|heslo|пароль|şifre|parola|密码|密碼|パスワード|비밀번호|كلمة المرور)"
    r"(?: is| ist| es| est| jest)?\s*[:=：]?\s*[\"'“‘«]?([^\s\"'”’»]{6,80})",
    re.IGNORECASE,
)
"""What is said to be a password."""

TOKEN = re.compile(r"(?<![\w@./-])[A-Za-z0-9][A-Za-z0-9_+=-]{7,120}(?![\w@]|[./]\w)")
"""What may be a key, if it looks like nothing that anybody would say."""

CARD = re.compile(r"(?<![\d.+-])\d(?:[ -]?\d){12,18}(?!\d)")

EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")

PHONE = re.compile(r"(?<![\w.,-])(?:\+|00)?\(?\d[\d ()./-]{6,20}\d(?!\w)", re.ASCII)

IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}\b")

WALLET = re.compile(
    r"\b(?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25,60}|[13][1-9A-HJ-NP-Za-km-z]{25,34}"
    r"|T[1-9A-HJ-NP-Za-km-z]{33})\b"
)

STREET = re.compile(
    r"\b\d{1,5}[A-Za-z]? (?:[A-Z][\w'’.-]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr"
    r"|Court|Ct|Boulevard|Blvd|Square|Terrace|Close)\b"
    r"|\b[A-ZÄÖÜ][\wäöüß-]+(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|laan|straat|gatan|vej)"
    r" ?\d{1,4}"
    r"|\b\d{1,4},? (?:bis |ter )?(?:rue|avenue|boulevard|chemin|impasse)(?: [\w'’-]+){1,4}"
    r"|\b(?:Calle|Avenida|Via|Viale|Corso|Piazza|Rua|ul\.|ulica|ул\.) (?:[\w'’-]+ ){0,3}"
    r"[\w'’-]+,? \d{1,4}\b"
)

CURRENCIES = {
    "€": "eur", "$": "usd", "£": "gbp", "¥": "jpy", "₹": "inr", "₽": "rub", "₺": "try", "₩": "krw",
    "₴": "uah", "₿": "btc", "euro": "eur", "euros": "eur", "dollar": "usd", "dollars": "usd",
    "pounds": "gbp", "kr": "kr", "zł": "pln", "kč": "czk", "руб": "rub", "元": "cny", "円": "jpy",
}  # fmt: skip
"""What stands beside an amount, and its short name; codes of three letters are their own."""

_CURRENCY = (
    r"(?:[€$£¥₹₽₺₩₴₿元円]|(?:EUR|USD|GBP|CHF|JPY|CNY|INR|RUB|TRY|KRW|UAH|SEK|NOK|DKK|PLN|CZK|HUF|BRL"
    r"|MXN|CAD|AUD|NZD|AED|SAR|ILS|THB|VND|IDR|MYR|PHP|ZAR|BTC|ETH|USDT|euros?|dollars?|pounds|kr|zł"
    r"|Kč|руб)(?![A-Za-z]))"
)

_NUMBER = r"(?:\d{1,3}(?:[.,' ]\d{3})+|\d+)(?:[.,]\d{1,2})?(?!\d)"

AMOUNT = re.compile(
    rf"(?<![\w.,])(?:(?P<before>{_CURRENCY}) ?(?P<first>{_NUMBER})"
    rf"|(?P<second>{_NUMBER}) ?(?P<after>{_CURRENCY}))",
    re.IGNORECASE | re.ASCII,
)

TELLING = 3
"""Digits that an amount has at least, less the zeros at its end: 450 tells nothing, 451 does."""


def particulars(text: str) -> Iterator[tuple[Particular, str]]:
    """Yield what may be secret in `text`, each in one spelling whatever the text's, at most
    `AT_MOST`."""
    shown = unicodedata.normalize("NFKC", text)
    if not any(map(str.isdigit, shown)) and "@" not in shown and ":" not in shown:
        return
    for number, found in enumerate(_found(_in_ascii_digits(shown))):
        if number == AT_MOST:
            return
        yield found


def _found(text: str) -> Iterator[tuple[Particular, str]]:
    for kind, pattern, spell in FINDERS:
        for hit in pattern.finditer(text):
            if spelled := spell(hit):
                yield kind, spelled


def _in_ascii_digits(text: str) -> str:
    """Return the text with the digits of every script as 0 to 9."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _folded(hit: re.Match[str]) -> str:
    return "".join(filter(str.isalnum, hit[0].casefold()))


def _email(hit: re.Match[str]) -> str:
    return hit[0].casefold()


def _password(hit: re.Match[str]) -> str:
    return hit[1].rstrip(".,;!?").casefold()


def _code(hit: re.Match[str]) -> str | None:
    """Return a code's digits, None for a year, for a round number and for a port."""
    before = hit.string[max(0, hit.start() - LABEL) : hit.start()]
    label = before.rstrip(":#")
    if label != before and NO_LABEL.search(label):
        return None
    digits = _digits(hit[1])
    year = len(digits) == 4 and int(digits) in YEARS
    return None if year or digits.endswith("00") else digits


def _phone(hit: re.Match[str]) -> str | None:
    """Return the last nine digits of a telephone number: a country code comes and goes."""
    written, digits = hit[0], _digits(hit[0])
    apart = written.startswith(("+", "00")) or not written.isdigit()
    date = re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?: .*)?", written.strip())
    return digits[-9:] if apart and date is None and 9 <= len(digits) <= 15 else None


def _card(hit: re.Match[str]) -> str | None:
    """Return a card's number if its check digit is right (ISO/IEC 7812-1)."""
    digits = _digits(hit[0])
    doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
    right = sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
    return digits if right and len(set(digits)) > 1 else None


def _iban(hit: re.Match[str]) -> str | None:
    """Return an account's number if its check digits are right (ISO 13616), whatever follows."""
    written = _folded(hit)
    for length in range(min(len(written), 34), 14, -1):
        turned = written[4:length] + written[:4]
        if int("".join(str(int(c, 36)) for c in turned)) % 97 == 1:
            return written[:length]
    return None


def _token(hit: re.Match[str]) -> str | None:
    """Return what may be a key: letters and digits alternate as in no word, time or product."""
    token = _folded(hit)
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(token))
    figures = sum(map(str.isdigit, token))
    mixed = changes >= 3 and 2 <= figures <= len(token) - 2
    return token if mixed and len(set(token)) >= 7 else None


def _amount(hit: re.Match[str]) -> str | None:
    """Return an amount in hundredths, whatever parts its groups, None where it tells nothing."""
    named, written = hit["before"] or hit["after"], (hit["first"] or hit["second"]).strip(".,' ")
    parts = re.split(r"[.,' ]+", written)
    last = re.search(r"[.,]\d{1,2}\Z", written)
    whole = "".join(parts[:-1] if last else parts)
    cents = parts[-1].ljust(2, "0") if last else "00"
    hundredths = (whole + cents).lstrip("0")
    if len(hundredths.rstrip("0")) < TELLING:
        return None
    return f"{CURRENCIES.get(named.casefold(), named.casefold())} {hundredths}"


FINDERS: tuple[tuple[Particular, re.Pattern[str], Callable[[re.Match[str]], str | None]], ...] = (
    ("address", EMAIL, _email),
    ("address", IBAN, _iban),
    ("address", WALLET, _folded),
    ("address", STREET, _folded),
    ("address", PHONE, _phone),
    ("key", CARD, _card),
    ("key", SECRET, _password),
    ("key", TOKEN, _token),
    ("code", CODE, _code),
    ("amount", AMOUNT, _amount),
)
"""Every particular: its pattern, and how a hit is spelled, None where it is none after all."""
