"""How people say stop, language by language: what means it as the whole message, and what means it
wherever it stands.

Spelling is brought together before anything is compared (`optout.plain`): case, accents of Latin,
Greek and Cyrillic letters, punctuation, spacing and emoji do not matter. A word that also means
something else stands among `whole` only. What even alone is often an ordinary answer is left out: a
plain `enough` (`хватит`, `chega`), `wait` (`रुको`, `dur`), `out` (`keluar`), and words that are
ordinary in another language (`seis`, `alto`). Where words are not parted by blanks, or seldom
alike, `joined` is True: then blanks do not count, and a phrase may stand within a longer word.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language's ways to say stop."""

    whole: tuple[str, ...]
    contained: tuple[str, ...]
    joined: bool = False


def _said(*phrases: str) -> tuple[str, ...]:
    """Return phrases that are written as one text each, parted by semicolons."""
    return tuple(p.strip() for text in phrases for p in text.split(";") if p.strip())


ENGLISH = Phrases(
    _said(
        "stop; stop it; unsubscribe; opt out; optout; cancel; end; quit; remove me; stop all",
        "stop please; please stop; stop now; stopall; no more messages; go away",
    ),
    _said(
        "unsubscribe me; stop messaging me; don't message me; do not message me",
        "do not contact me; don't contact me; remove me from; leave me alone; opt me out",
        "stop contacting me; stop writing to me; stop writing me; stop texting me; stop dming me",
        "don't dm me; do not dm me; don't write to me; do not write to me; don't text me",
        "take me off your list; take me off this list; never contact me; stop sending me messages",
    ),
)

LANGUAGES: dict[str, Phrases] = {
    "en": ENGLISH,
    "de": Phrases(
        _said(
            "stopp; stop bitte; bitte stoppen; abmelden; abbestellen; austragen; aufhören",
            "hör auf; hören sie auf; bitte aufhören; schluss; keine nachrichten mehr; abmeldung",
        ),
        _said(
            "schreib mir nicht mehr; schreiben sie mir nicht mehr; schreibt mir nicht mehr",
            "keine nachrichten mehr schicken; keine nachrichten mehr senden; lass mich in ruhe",
            "lassen sie mich in ruhe; lasst mich in ruhe; kontaktieren sie mich nicht",
            "kontaktiere mich nicht; hör auf mir zu schreiben; hören sie auf mir zu schreiben",
            "melden sie mich ab; ich will keine nachrichten mehr",
            "ich möchte keine nachrichten mehr; nehmen sie mich aus dem verteiler",
            "nimm mich aus dem verteiler",
        ),
    ),
    "fr": Phrases(
        _said(
            "arrêt; arrêtez; arrête; stop svp; désabonner; désabonnement; me désabonner",
            "désinscription; désinscrire; plus de messages; stoppez",
        ),
        _said(
            "ne m'écrivez plus; ne m'écris plus; ne me contactez plus; ne me contacte plus",
            "laissez-moi tranquille; laisse-moi tranquille; arrêtez de m'écrire",
            "arrête de m'écrire; arrêtez de me contacter; arrête de me contacter",
            "désabonnez-moi; désinscrivez-moi; retirez-moi de; ne m'envoyez plus de messages",
            "ne plus recevoir de messages; foutez-moi la paix; fous-moi la paix",
        ),
    ),
    "es": Phrases(
        _said(
            "basta; basta ya; parar; para ya; pare; cancelar; darme de baja; baja",
            "dar de baja; no más mensajes; detener; salir de la lista; ya basta",
        ),
        _said(
            "no me escribas más; no me escriba más; no me escriban más; dame de baja",
            "deme de baja; denme de baja; quiero darme de baja; no me contactes; no me contacte",
            "no me contacten; déjame en paz; déjeme en paz; déjenme en paz; deja de escribirme",
            "deje de escribirme; dejen de escribirme; no quiero recibir más mensajes",
            "no me mandes más mensajes; no me envíes más mensajes; no me envíen más mensajes",
        ),
    ),
    "pt": Phrases(
        _said(
            "pare; parar; parem; pára; cancelar; sair; descadastrar; remover; chega de mensagens",
            "cancelar inscrição; sem mais mensagens",
        ),
        _said(
            "não me escreva mais; não me escrevas mais; não me contate; não me contacte",
            "não me contactes; me deixe em paz; deixe-me em paz; deixa-me em paz; me deixa em paz",
            "pare de me escrever; pare de me mandar mensagens; pare de me enviar mensagens",
            "para de me mandar mensagem; não me mande mais mensagens; não me envie mais mensagens",
            "me descadastre; me remova da lista; não quero receber mais mensagens",
        ),
    ),
    "it": Phrases(
        _said(
            "basta; fermati; fermatevi; smettila; smettetela; cancellami; disiscrivimi; annulla",
            "disiscrizione; cancellazione; basta messaggi; niente più messaggi",
        ),
        _said(
            "non scrivermi più; non mi scriva più; non scrivetemi più; non contattarmi",
            "non mi contatti più; non contattatemi; lasciami in pace; mi lasci in pace",
            "lasciatemi in pace; smetti di scrivermi; smettila di scrivermi; smettete di scrivermi",
            "non voglio più ricevere messaggi; toglimi dalla lista; rimuovimi dalla lista",
        ),
    ),
    "nl": Phrases(
        _said(
            "stop aub; stop ermee; stop alsjeblieft; afmelden; uitschrijven; ophouden; hou op",
            "geen berichten meer; stoppen; hou ermee op",
        ),
        _said(
            "stuur me geen berichten meer; stuur mij geen berichten meer; laat me met rust",
            "laat mij met rust; schrijf me niet meer; schrijf mij niet meer; meld me af",
            "schrijf me uit; neem geen contact meer met mij op; neem geen contact meer met me op",
            "stop met berichten sturen; stop met me te schrijven; ik wil geen berichten meer",
        ),
    ),
    "sv": Phrases(
        _said(
            "stopp; sluta; sluta nu; avsluta; avregistrera; avprenumerera; inga fler meddelanden"
        ),
        _said(
            "sluta skriva till mig; skriv inte till mig; lämna mig ifred; lämna mig i fred",
            "kontakta mig inte; låt mig vara ifred; ta bort mig från; sluta kontakta mig",
            "skicka inga fler meddelanden; sluta skicka meddelanden; avregistrera mig",
        ),
    ),
    "no": Phrases(
        _said(
            "stopp; slutt; slutt nå; avslutt; meld meg av; avmeld; ingen flere meldinger",
            "la meg være",
        ),
        _said(
            "slutt å skrive til meg; ikke skriv til meg; ikke kontakt meg; la meg være i fred",
            "slutt å sende meg meldinger; ikke send meg flere meldinger",
            "fjern meg fra; slutt å kontakte meg; meld meg av listen",
        ),
    ),
    "da": Phrases(
        _said(
            "stop nu; hold op; afmeld; frameld; afmeld mig; ikke flere beskeder; stop venligst",
            "lad mig være",
        ),
        _said(
            "hold op med at skrive til mig; skriv ikke til mig; kontakt mig ikke",
            "lad mig være i fred; stop med at skrive til mig; fjern mig fra",
            "send mig ikke flere beskeder; stop med at sende mig beskeder; frameld mig",
        ),
    ),
    "fi": Phrases(
        _said("lopeta; lopettakaa; peruuta; peru tilaus; ei enää viestejä; poista minut"),
        _said(
            "älä kirjoita minulle; älkää kirjoittako minulle; jätä minut rauhaan",
            "jättäkää minut rauhaan; älä ota minuun yhteyttä; älkää ottako minuun yhteyttä",
            "lopeta viestien lähettäminen; en halua enää viestejä; älä lähetä minulle viestejä",
            "poistakaa minut listalta; poista minut listalta",
        ),
    ),
    "pl": Phrases(
        _said("przestań; przestańcie; wypisz; wypisz mnie; rezygnuję; anuluj; koniec"),
        _said(
            "nie pisz do mnie; nie piszcie do mnie; proszę do mnie nie pisać; daj mi spokój",
            "dajcie mi spokój; zostaw mnie w spokoju; proszę się ze mną nie kontaktować",
            "nie kontaktuj się ze mną; przestań do mnie pisać; przestańcie do mnie pisać",
            "proszę mnie wypisać; nie chcę więcej wiadomości; wypisz mnie z",
        ),
    ),
    "cs": Phrases(
        _said("přestaň; přestaňte; odhlásit; odhlaste mě; zrušit; konec; už nepište"),
        _said(
            "nepište mi; nepiš mi; už mi nepište; už mi nepiš; nekontaktujte mě; nekontaktuj mě",
            "nechte mě být; nech mě být; nechte mě na pokoji; nech mě na pokoji",
            "přestaňte mi psát; přestaň mi psát; vyřaďte mě z; nechci další zprávy",
        ),
    ),
    "ru": Phrases(
        _said(
            "стоп; хватит писать; прекрати; прекратите; отписаться; отпишите; отмена; отписка",
            "перестань",
            "перестаньте; стоп пожалуйста; больше не надо писать",
        ),
        _said(
            "не пишите мне; не пиши мне; больше не пишите; больше не пиши; отстаньте от меня",
            "отстань от меня; оставьте меня в покое; оставь меня в покое; отпишите меня",
            "не связывайтесь со мной; перестаньте мне писать; перестань мне писать",
            "хватит мне писать; прекратите мне писать; уберите меня из; удалите меня из",
        ),
    ),
    "uk": Phrases(
        _said("стоп; годі; припини; припиніть; відписатися; відпишіть; скасувати"),
        _said(
            "не пишіть мені; не пиши мені; більше не пишіть; дайте мені спокій; дай мені спокій",
            "залиште мене в спокої; залиш мене в спокої; відпишіть мене; припиніть мені писати",
            "припини мені писати; не зв'язуйтеся зі мною; видаліть мене з",
        ),
    ),
    "tr": Phrases(
        _said("iptal; çık; aboneliği iptal et; üyelikten çık; son ver; durdur"),
        _said(
            "bana yazma; bana yazmayın; bana mesaj atma; bana mesaj atmayın; beni rahat bırak",
            "beni rahat bırakın; benimle iletişime geçmeyin; bana mesaj göndermeyin",
            "bana mesaj gönderme; beni listeden çıkar; beni listeden çıkarın; mesaj istemiyorum",
        ),
    ),
    "el": Phrases(
        _said("σταμάτα; σταματήστε; στοπ; διακοπή; διαγραφή; απεγγραφή"),
        _said(
            "μη μου γράφεις; μη μου γράφετε; μην μου γράφετε; αφήστε με ήσυχο; αφήστε με ήσυχη",
            "άσε με ήσυχο; άσε με ήσυχη; σταματήστε να μου γράφετε; σταμάτα να μου γράφεις",
            "μην επικοινωνείτε μαζί μου; μη μου στέλνετε μηνύματα; μην μου στέλνεις μηνύματα",
            "διαγράψτε με από",
        ),
    ),
    "ar": Phrases(
        _said("توقف; قف; كفى; إلغاء; الغاء; إلغاء الاشتراك; الغاء الاشتراك; أوقف; توقفوا"),
        _said(
            "لا تراسلني; لا تراسلوني; لا ترسل لي رسائل; لا ترسلوا لي رسائل; لا تتواصل معي",
            "لا تتواصلوا معي",
            "اتركني وشأني; اتركوني وشأني; دعني وشأني; دعوني وشأني; توقف عن مراسلتي",
            "توقفوا عن مراسلتي; لا تكتب لي; ألغ اشتراكي; الغ اشتراكي; احذفني من; أزلني من",
        ),
    ),
    "he": Phrases(
        _said("עצור; עצרי; עצרו; די כבר; הסר; הסירו; הסרה; תפסיק; תפסיקי; תפסיקו; ביטול"),
        _said(
            "אל תכתוב לי; אל תכתבי לי; אל תכתבו לי; אל תשלח לי הודעות; אל תשלחו לי הודעות",
            "תעזוב אותי; תעזבו אותי; תעזבי אותי; הסירו אותי; הסר אותי; תפסיק לכתוב לי",
            "תפסיקו לכתוב לי",
            "אל תיצרו איתי קשר; אל תיצור איתי קשר; תפסיקו לשלוח לי הודעות",
        ),
    ),
    "fa": Phrases(
        _said("توقف; بس کن; بس کنید; لغو; لغو اشتراک; انصراف; دیگه پیام نده"),
        _said(
            "به من پیام نده; به من پیام ندهید; دیگر پیام ندهید; دیگه به من پیام نده",
            "برای من پیام نفرست; برای من پیام نفرستید; دست از سرم بردار; دست از سرم بردارید",
            "با من تماس نگیر; با من تماس نگیرید; راحتم بگذار; راحتم بگذارید; مرا حذف کنید",
        ),
    ),
    "hi": Phrases(
        _said("बंद करो; बंद करें; बंद कीजिए; बस करो; बस कीजिए; सदस्यता रद्द करें; स्टॉप"),
        _said(
            "मुझे मैसेज मत करो; मुझे मैसेज मत कीजिए; मुझे मैसेज न करें; मुझे संदेश मत भेजो",
            "मुझे संदेश न भेजें; मुझसे संपर्क न करें; मुझसे संपर्क मत करो; मुझे अकेला छोड़ दो",
            "मुझे अकेला छोड़ दीजिए; मैसेज भेजना बंद करो; मैसेज भेजना बंद करें; mujhe message mat karo",
        ),
    ),
    "bn": Phrases(
        _said("থামো; থামুন; বন্ধ করো; বন্ধ করুন; বন্ধ কর; আর মেসেজ না; স্টপ; বাতিল করুন"),
        _said(
            "আমাকে মেসেজ করবেন না; আমাকে মেসেজ করো না; আমাকে মেসেজ দেবেন না; আমাকে আর লিখবেন না",
            "আমাকে বার্তা পাঠাবেন না; আমার সাথে যোগাযোগ করবেন না; আমাকে একা থাকতে দিন",
            "আমাকে একা থাকতে দাও; মেসেজ পাঠানো বন্ধ করুন; মেসেজ দেওয়া বন্ধ করুন",
        ),
    ),
    "ur": Phrases(
        _said("بند کرو; بند کریں; بس کرو; بس کریں; اسٹاپ; منسوخ کریں"),
        _said(
            "مجھے میسج مت کرو; مجھے میسج نہ کریں; مجھے پیغام نہ بھیجیں; مجھے پیغام مت بھیجو",
            "مجھ سے رابطہ نہ کریں; مجھ سے رابطہ مت کرو; مجھے اکیلا چھوڑ دو; مجھے اکیلا چھوڑ دیں",
            "میسج بھیجنا بند کریں; میسج کرنا بند کریں; میسج کرنا بند کرو",
        ),
    ),
    "id": Phrases(
        _said("berhenti; hentikan; batal; batalkan; setop; berhenti berlangganan"),
        _said(
            "jangan kirim pesan lagi; jangan kirimi saya pesan; jangan hubungi saya",
            "jangan hubungi aku; jangan chat saya; jangan dm saya; berhenti mengirim pesan",
            "berhenti menghubungi saya; jangan ganggu saya; biarkan saya sendiri; hapus saya dari",
        ),
    ),
    "ms": Phrases(
        _said("berhenti; hentikan; batal; batalkan langganan; berhenti melanggan"),
        _said(
            "jangan hantar mesej lagi; jangan mesej saya; jangan hubungi saya; jangan ganggu saya",
            "berhenti hantar mesej; berhenti menghantar mesej; biarkan saya bersendirian",
            "keluarkan saya dari; keluarkan saya daripada; jangan hantar mesej kepada saya",
        ),
    ),
    "vi": Phrases(
        _said("dừng lại; ngừng lại; ngừng; hủy đăng ký; huỷ đăng ký; thôi đi; hủy; đừng nhắn nữa"),
        _said(
            "đừng nhắn tin cho tôi; đừng nhắn cho tôi; đừng liên lạc với tôi; đừng liên hệ với tôi",
            "đừng làm phiền tôi; để tôi yên; ngừng nhắn tin; đừng gửi tin nhắn cho tôi",
            "đừng nhắn tin nữa; xóa tôi khỏi; xoá tôi khỏi",
        ),
    ),
    "th": Phrases(
        _said("หยุด; หยุดเถอะ; ยกเลิก; ยกเลิกการสมัคร; เลิกส่ง; หยุดส่ง; ยกเลิกการติดตาม"),
        _said(
            "อย่าส่งข้อความมา; อย่าส่งข้อความหา; หยุดส่งข้อความ; เลิกส่งข้อความ; อย่าทักมา",
            "อย่าติดต่อฉัน; อย่าติดต่อผม; อย่าติดต่อมาอีก; ปล่อยฉันไว้คนเดียว; อย่ามายุ่งกับฉัน",
        ),
        joined=True,
    ),
    "zh": Phrases(
        _said(
            "停; 停止; 停下; 退订; 退訂; 取消订阅; 取消訂閱; 取消; 别发了; 別發了",
            "不要再发了; 不要再發了; 结束; 結束; td",
        ),
        _said(
            "不要再给我发; 不要再給我發; 别再给我发; 別再給我發; 不要给我发消息; 不要給我發消息",
            "不要再联系我; 不要再聯繫我; 不要再聯絡我; 别再联系我; 別再聯絡我",
            "请勿联系我; 請勿聯絡我",
            "不要打扰我; 不要打擾我; 别再打扰我; 別再打擾我",
            "不要再傳訊息給我; 別再傳訊息給我; 停止给我发; 停止給我發",
            "不要再私信我; 别再私信我; 別再私訊我",
        ),
        joined=True,
    ),
    "ja": Phrases(
        _said(
            "停止; 配信停止; やめて; やめてください; 止めて; 止めてください; ストップ; 解除",
            "退会; 登録解除; もうやめて; もう送らないで; 終了; キャンセル",
        ),
        _said(
            "連絡しないで; もう送らないで; メッセージを送らないで; dmしないで",
            "dmを送らないで; 連絡をやめて; 連絡はやめて; 放っておいて; ほっといて; 配信を停止して",
            "配信停止してください; 関わらないで",
        ),
        joined=True,
    ),
    "ko": Phrases(
        _said(
            "그만; 그만해; 그만하세요; 멈춰; 중지; 정지; 수신거부; 구독취소",
            "구독해지; 해지; 취소; 스톱",
        ),
        _said(
            "연락하지마; 연락하지 마세요; 메시지 보내지 마; 메시지 보내지마세요; 메세지 보내지 마",
            "문자 보내지 마; 디엠 보내지 마; dm 보내지 마; 메시지 보내지 말아주세요",
            "연락하지 말아주세요",
            "날 내버려둬; 저 좀 내버려 두세요; 그만 보내; 그만 연락; 수신거부합니다",
        ),
        joined=True,
    ),
}
"""By ISO 639-1 code; a new language is one more item here."""
