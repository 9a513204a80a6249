"""Detects the language of a text by its letters, and names it as BCP 47 does."""

from __future__ import annotations

from turbohtml.detect import LanguageDetection, detect_language

_ENOUGH = 600
"""Characters that are looked at: more bring nothing on public sets."""
_LEAST = 40
"""Shorter texts are taken for too many languages."""
_OPTIONS = LanguageDetection(threshold=0.15)
_SHORT = dict(
    pair.split("=")
    for pair in """
    afr=af aka=ak amh=am ara=ar aze=az bel=be ben=bn bul=bg cat=ca ces=cs cmn=zh cym=cy dan=da deu=de ell=el eng=en
    epo=eo est=et eus=eu fas=fa fin=fi fra=fr gle=ga glg=gl guj=gu heb=he hin=hi hrv=hr hun=hu hye=hy ind=id isl=is
    ita=it jav=jv jpn=ja kan=kn kat=ka kaz=kk khm=km kor=ko lao=lo lat=la lav=lv lit=lt mal=ml mar=mr mkd=mk mon=mn
    msa=ms mya=my nep=ne nld=nl nno=nn nob=nb ori=or pan=pa pes=fa pol=pl por=pt ron=ro rus=ru sin=si slk=sk slv=sl
    sna=sn som=so spa=es sqi=sq srp=sr swa=sw swe=sv tam=ta tel=te tgl=tl tha=th tuk=tk tur=tr ukr=uk urd=ur uzb=uz
    vie=vi yid=yi yor=yo zul=zu
    """.split()  # noqa: SIM905 - a table of as many texts is hard to read
)
"""ISO 639-3 to ISO 639-1, as BCP 47 wants it where there is one."""


def detect(text: str) -> str:
    """Returns the language of a text, such as `de`; empty: the text is too short, or could be of several."""
    start = " ".join(text[: 4 * _ENOUGH].split())[:_ENOUGH]
    if len(start) < _LEAST:
        return ""
    found = detect_language(start, _OPTIONS).language or ""
    return _SHORT.get(found, found)
