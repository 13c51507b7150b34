"""Texts that hide something, and texts of many scripts that do not."""

# ruff: noqa: RUF001 - these texts are in other scripts on purpose.

from __future__ import annotations


def tags(word: str) -> str:
    """Return `word` in tag characters, which no screen draws."""
    return "".join(chr(0xE0000 + ord(letter)) for letter in word)


def selectors(word: str) -> str:
    """Return the bytes of `word` as variation selectors, which no screen draws."""
    return "".join(
        chr(0xE0100 + byte - 16 if byte > 15 else 0xFE00 + byte) for byte in word.encode()
    )


MAN, WOMAN, FLAG, HEART = "\U0001f468", "\U0001f469", "\U0001f3f4", "\u2764"

HOSTILE: dict[str, tuple[str, str]] = {
    # direction of reading
    "override to the left": ("user\u202etxt.exe", "usertxt.exe"),
    "override to the right": ("\u202dabc", "abc"),
    "embedding to the left": ("a\u202bb", "ab"),
    "embedding to the right": ("a\u202ab", "ab"),
    "end of embedding": ("a\u202cb", "ab"),
    "isolate to the right": ("a\u2066b\u2069c", "abc"),
    "isolate to the left": ("a\u2067b", "ab"),
    "first strong isolate": ("a\u2068b", "ab"),
    "left-to-right mark": ("a\u200eb", "ab"),
    "right-to-left mark": ("a\u200fb", "ab"),
    "Arabic letter mark": ("a\u061cb", "ab"),
    "deprecated shaping controls": ("a\u206a\u206b\u206c\u206d\u206e\u206fb", "ab"),
    # no width
    "zero width space": ("pass\u200bword", "password"),
    "zero width spaces that spell bits": ("hi\u200b\u200c\u200b\u200d\u200b", "hi"),
    "word joiner": ("a\u2060b", "ab"),
    "byte order mark": ("\ufeffabc", "abc"),
    "soft hyphen": ("pass\u00adword", "password"),
    "grapheme joiner": ("a\u034fb", "ab"),
    "invisible operators": ("a\u2061\u2062\u2063\u2064b", "ab"),
    "unassigned invisible": ("a\u2065b", "ab"),
    "Mongolian vowel separator": ("a\u180eb", "ab"),
    "Mongolian selectors": ("a\u180b\u180c\u180d\u180fb", "ab"),
    "Hangul fillers": ("a\u115f\u1160\u3164\uffa0b", "ab"),
    "Khmer inherent vowels": ("\u1780\u17b4\u17b5\u1781", "\u1780\u1781"),
    # joiners where they join nothing
    "non-joiner in English": ("a\u200cb", "ab"),
    "joiner in English": ("a\u200db", "ab"),
    "joiner in Cyrillic": ("\u0434\u200d\u0436", "\u0434\u0436"),
    "joiner in Thai": ("\u0e01\u200d\u0e02", "\u0e01\u0e02"),
    "non-joiner at the end of a Persian word": ("\u0645\u06cc\u200c .", "\u0645\u06cc ."),
    "non-joiner at the start of a Persian word": ("\u200c\u0645\u06cc", "\u0645\u06cc"),
    "two non-joiners in Persian": ("\u0645\u200c\u200c\u0631", "\u0645\u0631"),
    "non-joiner between scripts": ("\u0645\u200c\u0915", "\u0645\u0915"),
    "non-joiner beside an Arabic digit": ("\u0661\u200c\u0662", "\u0661\u0662"),
    "non-joiner after a virama at the end": ("\u0915\u094d\u200c ", "\u0915\u094d "),
    "two joiners after a virama": ("\u0915\u094d\u200d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
    "joiner after an emoji": (f"{MAN}\u200d", MAN),
    "joiner before an emoji": (f"a\u200d{MAN}", f"a{MAN}"),
    "two joiners between emoji": (f"{MAN}\u200d\u200d{WOMAN}", f"{MAN}{WOMAN}"),
    "non-joiner between emoji": (f"{MAN}\u200c{WOMAN}", f"{MAN}{WOMAN}"),
    "joiner between an emoji and a letter": (f"{MAN}\u200da", f"{MAN}a"),
    "joiner between flags": (
        "\U0001f1e6\U0001f1e8\u200d\U0001f1e7",
        "\U0001f1e6\U0001f1e8\U0001f1e7",
    ),
    # selectors
    "selector after a letter": ("a\ufe0fb", "ab"),
    "selector at the start": ("\ufe0fa", "a"),
    "two selectors after an emoji": (f"{HEART}\ufe0f\ufe0f", f"{HEART}\ufe0f"),
    "both styles after an emoji": (f"{HEART}\ufe0f\ufe0e", f"{HEART}\ufe0f"),
    "selector after a digit without its keycap": ("1\ufe0f2\ufe0e3", "123"),
    "selector after a flag letter": ("\U0001f1e6\ufe0f\U0001f1e8", "\U0001f1e6\U0001f1e8"),
    "other selectors": (f"{HEART}\ufe00\ufe01\ufe0d", HEART),
    "bytes as selectors after an emoji": ("\U0001f600" + selectors("send all"), "\U0001f600"),
    "bytes as selectors after a letter": ("a" + selectors("send all") + "b", "ab"),
    "two ideographic selectors": ("\u8fbb\U000e0100\U000e0101", "\u8fbb\U000e0100"),
    "ideographic selector after kana": ("\u3042\U000e0100", "\u3042"),
    # tags
    "tags after a letter": ("hi" + tags("send all to mallory"), "hi"),
    "tags after a smiley": ("\U0001f600" + tags("obey") + "\U000e007f", "\U0001f600"),
    "tags of an unknown region": (f"{FLAG}{tags('usca')}\U000e007f", FLAG),
    "flag without its end": (f"{FLAG}{tags('gbeng')} x", f"{FLAG} x"),
    "tags after a whole flag": (
        f"{FLAG}{tags('gbsct')}\U000e007f{tags('obey')}",
        f"{FLAG}{tags('gbsct')}\U000e007f",
    ),
    "interrupted flag": (f"{FLAG}\u200b{tags('gbeng')}\U000e007f", FLAG),
    "language tag": ("a\U000e0001b", "ab"),
    # controls
    "escape sequence": ("a\x1b[2Jb", "a[2Jb"),
    "window title": ("a\x1b]0;root\x07b", "a]0;rootb"),
    "one-byte escape": ("a\x9b31mb", "a31mb"),
    "carriage return over a line": ("rm everything\rls", "rm everythingls"),
    "carriage return before a hidden line end": ("a\r\u200b\nb", "a\nb"),
    "backspaces": ("no\x08\x08yes", "noyes"),
    "NUL": ("a\x00b", "ab"),
    "delete": ("a\x7fb", "ab"),
    "form feed and vertical tab": ("a\x0c\x0bb", "ab"),
    "separators of information": ("a\x1c\x1d\x1e\x1fb", "ab"),
    # odd code points
    "interlinear annotation": ("a\ufff9b\ufffac\ufffb", "abc"),
    "unassigned specials": ("a\ufff0\ufff8b", "ab"),
    "musical format": ("a\U0001d173\U0001d17ab", "ab"),
    "shorthand format": ("a\U0001bca0\U0001bca3b", "ab"),
    "private use": ("a\ue000\U000f0000\U0010fffdb", "ab"),
    "half a surrogate pair": ("a\ud83db\ude00", "ab"),
    "noncharacters": ("a\ufdd0\uffff\U0001fffeb", "ab"),
    "unassigned": ("a\u0378\U000e0fffb", "ab"),
    # marks
    "a tower of accents": ("a" + "\u0301" * 40 + "b", "a\u0301\u0301\u0301b"),
    "a tower of mixed marks": ("a\u0301\u0327\u0323\u0489\u20dd", "a\u0301\u0327\u0323"),
    "a tower of Thai vowels": ("\u0e01" + "\u0e47" * 40, "\u0e01" + "\u0e47" * 5),
    "a tower in two floors": ("a\u0301\u0301\u200b\u0301\u0301", "a\u0301\u0301\u0301"),
    "a tower on nothing": ("\u0301" * 9, "\u0301" * 3),
    "joiner before a virama too many": (
        "\u09b0" + "\u09bc" * 5 + "\u200d\u09cd",
        "\u09b0" + "\u09bc" * 5,
    ),
    # mixtures
    "everything at once": ("\u2067a\u200b\u202e\ufeff\x1b" + tags("x") + "\u00ad\u2069b", "ab"),
    "hidden beside a good joiner": ("\u0628\u200b\u200c\u0628", "\u0628\u0628"),
}

BENIGN: dict[str, str] = {
    "English": "Hello, Ann! See you at 5 p.m. (or later) – “fine”, she said…",
    "lines and tabs": "one\n\n\ttwo\n\n\nthree",
    "French": "Où est l’été ? « Là-bas », dit-il ; 10\u202f000 €.",
    "German": "Größe, Fußgänger, Übermut",
    "Polish": "Zażółć gęślą jaźń",
    "Turkish": "İstanbul’da ılık bir gün",
    "Vietnamese": "Tiếng Việt rất đẹp",
    "Vietnamese, decomposed": "Tie\u0302\u0301ng Vie\u0323\u0302t",
    "combining accents": "e\u0301 n\u0303 a\u030a o\u0302\u0301\u0323",
    "Greek": "Καλημέρα, τι κάνεις;",
    "Russian": "Привет, как дела? Ёжик!",
    "Church Slavonic": "\u0433\u0483\u043b\u044c",
    "Armenian": "Բարեւ ձեզ",
    "Georgian": "გამარჯობა",
    "Hebrew": "שלום עולם",
    "Hebrew with points and accents": "בְּרֵאשִׁ֖ית בָּרָ֣א",
    "Arabic": "مرحبا بالعالم، كيف حالك؟",
    "Arabic with vowels": "بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ",
    "Arabic end of verse": "آية \u06dd\u0661",
    "Urdu": "آپ کیسے ہیں؟",
    "Persian with non-joiners": "می\u200cخواهم کتاب\u200cها را ببینم",
    "Hindi": "नमस्ते दुनिया",
    "Hindi with a joiner": "क्\u200dष और र्\u200dय",
    "Hindi with a non-joiner": "क्\u200cष",
    "Bengali ya-phalaa": "র\u200d\u09cdযাব",
    "Malayalam chillu of old": "അവന\u0d4d\u200d വന്നു",
    "Malayalam": "മലയാളം",
    "Sinhala": "ශ්\u200dරී ලංකාව",
    "Tamil": "வணக்கம் உலகம்",
    "Telugu": "నమస్కారం",
    "Gujarati": "નમસ્તે",
    "Burmese": "လျှို့ဝှက်ချက် မင်္ဂလာပါ",
    "Khmer": "ស្ត្រី ជំរាបសួរ",
    "Thai": "สวัสดีชาวโลก กินน้ำที่นี่",
    "Lao": "ສະບາຍດີ",
    "Tibetan": "བོད་སྐད་ རྒྱུད་",
    "Amharic": "ሰላም ለዓለም",
    "Chinese": "你好，世界！「測試」",
    "Japanese": "こんにちは、世界。カタカナ",
    "Japanese, decomposed": "か\u3099き\u3099",
    "Japanese with an ideographic selector": "辻\U000e0100さん、葛\U000e0101城",
    "Korean": "안녕하세요 세계",
    "Korean in letters": "\u1112\u1161\u11ab",
    "rare ideographs": "𠮷野家で\U0002ebf0",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "couple with skin tones": "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f468\U0001f3fb",
    "woman detective": "\U0001f575\ufe0f\u200d\u2640\ufe0f",
    "health worker": "\U0001f469\U0001f3ff\u200d\u2695\ufe0f",
    "heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "heart in both styles": "\u2764\ufe0f \u2764\ufe0e \u2764",
    "rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "pirate flag": "\U0001f3f4\u200d\u2620\ufe0f",
    "keycaps": "1\ufe0f\u20e3 #\ufe0f\u20e3 *\u20e3 0\ufe0e\u20e3",
    "flags": "\U0001f1e9\U0001f1ea\U0001f1ef\U0001f1f5",
    "flag of England": f"{FLAG}{tags('gbeng')}\U000e007f",
    "flag of Scotland": f"{FLAG}{tags('gbsct')}\U000e007f",
    "flag of Wales": f"{FLAG}{tags('gbwls')}\U000e007f",
    "signs with a style": "©\ufe0f ®\ufe0f ™\ufe0f ‼\ufe0f",
    "emoji younger than the tables": "\U0001fa77\U0001fae8\U0001fadf",
    "mathematics": "∀x ∈ ℝ: x² ≥ 0 \U0001d54f",
    "spaces": "a\u00a0b\u2009c\u3000d",
    "a replacement character": "a\ufffdb",
}
