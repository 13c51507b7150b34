"""Particulars: what may be secret though it is short. Codes, keys, addresses, amounts of money.

Patterns are narrow on purpose: a year, a time, ten percent and a round sum are said to everybody.
What they miss but has 24 characters is found by its words all the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

Particular = Literal["code", "key", "address", "amount"]
"""What something short is."""

AT_MOST = 100
"""Particulars of one text that are looked at."""

YEARS = range(1900, 2100)

CODE = re.compile(
    r"(?<![\w.,:/+@#-])(?<!\d )(?:[A-Za-z]-)?(\d{3}[ -]\d{3}|\d{4}[ -]\d{4}|\d{4,8})"
    r"(?!\w|[.,:/@-]\w| ?\d| ?[%‰°€$£¥₹₽₺₩]| ?(?:EUR|USD|GBP|CHF|km|kg|m|ml|g)\b)"
)
"""One-time codes, PINs: `4471`, `123 456`, `G-123456`."""

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

PHONE = re.compile(r"(?<![\w.,-])(?:\+|00)?\(?\d[\d ()./-]{6,20}\d(?!\w)")

IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}\b")

WALLET = re.compile(
    r"\b(?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25,60}|[13][1-9A-HJ-NP-Za-km-z]{25,34}"
    r"|T[1-9A-HJ-NP-Za-km-z]{33})\b"
)

STREET = re.compile(
    r"\b\d{1,5}[A-Za-z]? (?:[A-Z][\w'’.-]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr"
    r"|Court|Ct|Boulevard|Blvd|Square|Terrace|Close)\b"
    r"|\b[A-ZÄÖÜ][\wäöüß-]+(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|laan|straat|gatan|vej) ?\d{1,4}"
    r"|\b\d{1,4},? (?:bis |ter )?(?:rue|avenue|boulevard|chemin|impasse)(?: [\w'’-]+){1,4}"
    r"|\b(?:Calle|Avenida|Via|Viale|Corso|Piazza|Rua|ul\.|ulica|ул\.) (?:[\w'’-]+ ){0,3}[\w'’-]+,? \d{1,4}\b"
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
    r"|Kč|руб)(?![^\W\d_]))"
)

AMOUNT = re.compile(
    rf"(?<![\w.,])(?:(?P<before>{_CURRENCY}) ?(?P<first>\d[\d.,' ]*)"
    rf"|(?P<second>\d[\d.,' ]*) ?(?P<after>{_CURRENCY}))",
    re.IGNORECASE,
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
    for hit in EMAIL.finditer(text):
        yield "address", hit[0].casefold()
    for pattern in (IBAN, WALLET):
        for hit in pattern.finditer(text):
            what = hit[0].replace(" ", "")
            if pattern is WALLET or _is_iban(what):
                yield "address", what.casefold()
    for hit in STREET.finditer(text):
        yield "address", "".join(filter(str.isalnum, hit[0].casefold()))
    for hit in PHONE.finditer(text):
        if number := _phone(hit[0]):
            yield "address", number
    for hit in CARD.finditer(text):
        if _is_card(digits := _digits(hit[0])):
            yield "key", digits
    for hit in SECRET.finditer(text):
        yield "key", hit[1].rstrip(".,;!?").casefold()
    for hit in TOKEN.finditer(text):
        if _is_key(hit[0]):
            yield "key", hit[0].casefold()
    for hit in CODE.finditer(text):
        digits = _digits(hit[1])
        if not digits.endswith("00") and not (len(digits) == 4 and int(digits) in YEARS):
            yield "code", digits
    for hit in AMOUNT.finditer(text):
        named, written = hit["before"] or hit["after"], hit["first"] or hit["second"]
        if amount := _amount(written):
            yield "amount", f"{CURRENCIES.get(named.casefold(), named.casefold())} {amount}"


def _in_ascii_digits(text: str) -> str:
    """Return the text with the digits of every script as 0 to 9."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _phone(written: str) -> str | None:
    """Return the last nine digits of a telephone number: a country code comes and goes."""
    digits = _digits(written)
    apart = written.startswith(("+", "00")) or not written.isdigit()
    date = re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?: .*)?", written.strip())
    return digits[-9:] if apart and date is None and 9 <= len(digits) <= 15 else None


def _is_card(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1)."""
    doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0 and len(set(digits)) > 2


def _is_iban(written: str) -> bool:
    """Whether the check digits are right (ISO 13616)."""
    if not 15 <= len(written) <= 34:
        return False
    turned = written[4:] + written[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _is_key(token: str) -> bool:
    """Whether letters and digits alternate in it as in no word, time or name of a thing."""
    letters = "".join(filter(str.isalnum, token))
    changes = sum(a.isdigit() != b.isdigit() for a, b in zip(letters, letters[1:], strict=False))
    figures = sum(map(str.isdigit, letters))
    return changes >= 3 and 2 <= figures <= len(letters) - 2 and len(set(letters.casefold())) >= 7


def _amount(written: str) -> str | None:
    """Return an amount in hundredths, whatever parts its groups, None where it tells nothing."""
    parts = re.split(r"[.,' ]+", written.strip(".,' "))
    last = re.search(r"[.,]\d{1,2}\Z", written.strip(".,' "))
    whole = "".join(parts[:-1] if last else parts)
    cents = parts[-1].ljust(2, "0") if last else "00"
    hundredths = (whole + cents).lstrip("0")
    return hundredths if len(hundredths.rstrip("0")) >= TELLING else None
