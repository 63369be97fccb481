"""How telephone numbers are dialled in a country.

Source: ITU-T E.164 annex (calling codes), ITU Operational Bulletin 1201 (prefixes), the national numbering plans that
ITU-T E.129 has countries present (lengths).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """code: of E.164. international, national: what is dialled before a number of abroad, of another area; or ""."""

    code: str
    international: str = "00"
    national: str = "0"


# How many digits follow the code of a country, where that is the same for nearly all of its numbers.
_DIGITS = (
    "1:10 7:10 30:10 31:9 32:8-9 33:9 34:9 36:8-9 40:9 41:9 44:9-10 45:8 47:8 48:9 52:10 55:10-11 61:9 65:8 81:9-10 "
    "86:10-11 90:10 91:10 351:9 353:7-9 370:8 371:8 380:9 420:9 421:9 852:8 886:8-9 972:8-9"
)
_AS_MOST = (
    "AE971 AL355 AT43 BA387 BD880 BE32 BG359 CH41 CN86 DE49 DZ213 EG20 FI358 FR33 GB44 GH233 HR385 IE353 IL972 IN91 "
    "IR98 JO962 LK94 LT370 MA212 MD373 ME382 MK389 MY60 NG234 NL31 NP977 NZ64 PE51 PH63 PK92 RO40 RS381 SA966 SE46 "
    "SI386 SK421 TR90 UA380 VN84 XK383 ZA27"
)
_WITHOUT_AREAS = (
    "BH973 CL56 CO57 CR506 CY357 CZ420 DK45 EE372 ES34 GR30 GT502 IS354 IT39 KW965 LI423 LU352 LV371 MC377 MT356 MX52 "
    "NO47 OM968 PA507 PL48 PT351 QA974 SM378 SV503 TN216 UY598 VA39"
)
_OTHERS = {
    "AR": Country("54", "00", "0"),
    "AU": Country("61", "0011", "0"),
    "BR": Country("55", "00", "0"),
    "BY": Country("375", "810", "8"),
    "CA": Country("1", "011", "1"),
    "HK": Country("852", "001", ""),
    "HU": Country("36", "00", "06"),
    "ID": Country("62", "001", "0"),
    "JP": Country("81", "010", "0"),
    "KE": Country("254", "000", "0"),
    "KR": Country("82", "001", "0"),
    "KZ": Country("7", "810", "8"),
    "PR": Country("1", "011", "1"),
    "RU": Country("7", "810", "8"),
    "SG": Country("65", "001", ""),
    "TH": Country("66", "001", "0"),
    "TW": Country("886", "002", "0"),
    "US": Country("1", "011", "1"),
}
COUNTRIES = {
    **{each[:2]: Country(each[2:]) for each in _AS_MOST.split()},
    **{each[:2]: Country(each[2:], national="") for each in _WITHOUT_AREAS.split()},
    **_OTHERS,
}


def _read_digits(text: str) -> tuple[int, int]:
    fewest, _, most = text.partition("-")
    return int(fewest), int(most or fewest)


_DIGITS_BEHIND = {code: _read_digits(digits) for code, _, digits in (each.partition(":") for each in _DIGITS.split())}


def may_exist(full: str) -> bool:
    """Whether a number in full, such as "+33123456789", is as long as those of its country; True where they differ."""
    for code_digits in (1, 2, 3):
        code, rest = full[1 : 1 + code_digits], full[1 + code_digits :]
        if code in _DIGITS_BEHIND:
            fewest, most = _DIGITS_BEHIND[code]
            return fewest <= len(rest) <= most
    return True
