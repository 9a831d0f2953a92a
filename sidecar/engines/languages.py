"""Language codes: from the ISO 639 codes people write to those a model was trained with. Data and look-up only."""

from __future__ import annotations

import re

# ISO 639-1, ISO 639-3 as translation models use it (the individual language where 639-1 names a group), English name.
TABLE = """
af afr Afrikaans;am amh Amharic;ar arb Arabic;as asm Assamese;az azj Azerbaijani;ba bak Bashkir;be bel Belarusian
bg bul Bulgarian;bm bam Bambara;bn ben Bengali;bo bod Tibetan;bs bos Bosnian;ca cat Catalan;cs ces Czech;cy cym Welsh
da dan Danish;de deu German;dz dzo Dzongkha;el ell Greek;en eng English;eo epo Esperanto;es spa Spanish;et est Estonian
eu eus Basque;fa pes Persian;ff fuv Fulah;fi fin Finnish;fj fij Fijian;fo fao Faroese;fr fra French;fy fry Frisian
ga gle Irish;gd gla Gaelic;gl glg Galician;gn grn Guarani;gu guj Gujarati;ha hau Hausa;he heb Hebrew;hi hin Hindi
hr hrv Croatian;ht hat Haitian;hu hun Hungarian;hy hye Armenian;id ind Indonesian;ig ibo Igbo;is isl Icelandic
it ita Italian;ja jpn Japanese;jv jav Javanese;ka kat Georgian;kk kaz Kazakh;km khm Khmer;kn kan Kannada;ko kor Korean
ku kmr Kurdish;ky kir Kyrgyz;lb ltz Luxembourgish;lg lug Ganda;ln lin Lingala;lo lao Lao;lt lit Lithuanian
lv lvs Latvian;mg plt Malagasy;mi mri Maori;mk mkd Macedonian;ml mal Malayalam;mn khk Mongolian;mr mar Marathi
ms zsm Malay;mt mlt Maltese;my mya Burmese;nb nob Norwegian;ne npi Nepali;nl nld Dutch;nn nno Nynorsk;no nob Norwegian
ns nso Sotho;ny nya Nyanja;oc oci Occitan;om gaz Oromo;or ory Odia;pa pan Punjabi;pl pol Polish;ps pbt Pashto
pt por Portuguese;qu quy Quechua;rn run Rundi;ro ron Romanian;ru rus Russian;rw kin Kinyarwanda;sa san Sanskrit
sd snd Sindhi;si sin Sinhala;sk slk Slovak;sl slv Slovenian;sm smo Samoan;sn sna Shona;so som Somali;sq als Albanian
sr srp Serbian;ss ssw Swati;st sot Sotho;su sun Sundanese;sv swe Swedish;sw swh Swahili;ta tam Tamil;te tel Telugu
tg tgk Tajik;th tha Thai;ti tir Tigrinya;tk tuk Turkmen;tl tgl Tagalog;tn tsn Tswana;tr tur Turkish;ts tso Tsonga
tt tat Tatar;ug uig Uyghur;uk ukr Ukrainian;ur urd Urdu;uz uzn Uzbek;vi vie Vietnamese;wo wol Wolof;xh xho Xhosa
yi ydd Yiddish;yo yor Yoruba;yue yue Cantonese;zh zho Chinese;zu zul Zulu
"""
ROWS = [entry.split() for entry in re.split(r"[;\n]", TABLE.strip())]
THREE = {two: three for two, three, _ in ROWS}
NAMES = {two: name for two, _, name in ROWS}
TWO = {three: two for two, three, _ in reversed(ROWS)}
# Other three-letter codes for the same languages: groups, bibliographic codes, and those of some models.
SYNONYMS = {
    "ara": "arb", "aze": "azj", "chi": "zho", "cmn": "zho", "cze": "ces", "dut": "nld", "est": "est", "fas": "pes",
    "fre": "fra", "ger": "deu", "gre": "ell", "ice": "isl", "kur": "kmr", "lav": "lvs", "mlg": "plt", "mon": "khk",
    "msa": "zsm", "nep": "npi", "nor": "nob", "ori": "ory", "per": "pes", "pus": "pbt", "rum": "ron", "sqi": "als",
    "swa": "swh", "uzb": "uzn", "yid": "ydd",
}  # fmt: skip


def find(asked: str, known: list[str]) -> str | None:
    """The one of the model's codes that `asked` means: itself, else the first for the same language (and region or script)."""
    exact = [code for code in known if code.lower() == asked.lower()]
    if exact:
        return exact[0]
    language, *detail = _parts(asked)
    same = [code for code in known if _parts(code)[0] == language]
    if detail:
        same = [code for code in same if _parts(code)[1:] == detail]
    return same[0] if same else None


def english_name(code: str) -> str | None:
    """`de`, `deu` or `de_DE` → `German`; None for a language that is not in the table."""
    return NAMES.get(TWO.get(_parts(code)[0], ""))


def _parts(code: str) -> list[str]:
    """The language as a three-letter code, then region or script: `zh-Hans` → `["zho", "hans"]`."""
    language, *detail = re.split(r"[-_]", code.lower())
    return [SYNONYMS.get(language) or THREE.get(language) or language, *detail]
