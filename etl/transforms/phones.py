"""Phone numbers as E.164 and in national form: what phonenumbers says, at the speed of columns.

A number costs phonenumbers about 40 µs. Its rules are regular expressions per region, so numbers
written in a usual way are settled for a whole column at once with those very expressions; the
others are asked one by one. Both ways give the same answer (test).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers import PhoneMetadata
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE as REGIONS_OF_CODE

from etl.transforms.frames import on_distinct

_USUAL = r"^[( ]{0,2}(?:\+[0-9]|[0-9])[0-9 ().-]{4,30}$"
_TYPES = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number",
    "pager", "uan", "voicemail", "fixed_line", "mobile",
)  # fmt: skip
_SEPARATOR = "\x1f"
_CODES = "|".join(str(code) for code in REGIONS_OF_CODE)
_NO_TRUNK = "x"
_NULL = pa.scalar(None, pa.string())


def e164(numbers: pa.Array, regions: pa.Array) -> pa.Array:
    """Each number as E.164, NULL where it is not valid in its region; regions are upper-case codes."""
    usual = pc.if_else(pc.match_substring_regex(numbers, _USUAL), numbers, _NULL)
    written = pa.nulls(len(numbers), pa.string())
    is_open = pc.is_valid(numbers)
    for chosen, digits, rule in _groups(pc.replace_substring_regex(usual, "[^0-9+]+", ""), regions):
        valid, invalid = rule.settle(digits)
        written = pc.replace_with_mask(written, chosen, valid)
        is_open = pc.replace_with_mask(is_open, chosen, pc.and_not(pc.is_null(valid), invalid))
    pairs = pc.binary_join_element_wise(numbers.filter(is_open), regions.filter(is_open), _SEPARATOR)
    return pc.replace_with_mask(written, is_open, on_distinct(pairs, _ask))


def national_form(numbers: pa.Array) -> pa.Array:
    """E.164 numbers as they are written in their own country, as phonenumbers does; NULL stays NULL."""
    codes = pc.struct_field(pc.extract_regex(numbers, rf"^\+(?P<c>{_CODES})"), "c")
    written = pa.nulls(len(numbers), pa.string())
    for code in pc.drop_null(pc.unique(codes)).to_pylist():
        chosen = pc.fill_null(pc.equal(codes, code), False)
        digits = pc.utf8_slice_codeunits(numbers.filter(chosen), len(code) + 1)
        written = pc.replace_with_mask(written, chosen, _grouped(digits, _formats(int(code))))
    return written


@dataclass(frozen=True, slots=True)
class _Rule:
    """When digits are for certain a valid, or an invalid, number of one region.

    Attributes:
        code: Country calling code.
        valid: Expression for national numbers that are valid wherever the code is shared.
        general: Expression that every national number of the region matches as a whole.
        lengths: How many digits it may have.
        anywhere: Expression for the valid numbers of all regions that share the code.
        refused: Expression for digits that phonenumbers reads in another way.
        trunk: The trunk prefix, which a national number must not begin with.
    """

    code: int
    valid: str
    general: str
    lengths: tuple[int, ...]
    anywhere: str
    refused: str
    trunk: str

    def settle(self, digits: pa.Array) -> tuple[pa.Array, pa.Array]:
        """E.164 of the valid ones, and which ones are invalid; what is neither is open."""
        is_plain = pc.invert(pc.match_substring_regex(digits, self.refused))
        has_trunk = pc.starts_with(digits, self.trunk)
        national = pc.if_else(has_trunk, pc.utf8_slice_codeunits(digits, len(self.trunk)), digits)
        is_certain = pc.and_(is_plain, self._is_national(national))
        is_valid = pc.and_(is_certain, pc.match_substring_regex(national, self.valid))
        is_invalid = pc.and_not(
            pc.and_not(is_certain, has_trunk), pc.match_substring_regex(digits, self.anywhere)
        )
        written = pc.binary_join_element_wise(f"+{self.code}", national, "")
        return pc.if_else(is_valid, written, _NULL), is_invalid

    def _is_national(self, digits: pa.Array) -> pa.Array:
        is_possible = pc.is_in(pc.binary_length(digits), pa.array(self.lengths, pa.int32()))
        is_general = pc.and_(is_possible, pc.match_substring_regex(digits, self.general))
        return pc.and_not(is_general, pc.starts_with(digits, self.trunk))


def _groups(digits: pa.Array, regions: pa.Array) -> Iterator[tuple[pa.Array, pa.Array, _Rule]]:
    """Mask, digits and rule per country code of numbers with ``+``, and per region of those without."""
    is_international = pc.starts_with(digits, "+")
    codes = pc.struct_field(pc.extract_regex(digits, rf"^\+(?P<c>{_CODES})"), "c")
    for code in pc.drop_null(pc.unique(codes)).to_pylist():
        rule = _international_rule(int(code))
        if rule:
            chosen = pc.fill_null(pc.equal(codes, code), False)
            yield chosen, pc.utf8_slice_codeunits(digits.filter(chosen), len(code) + 1), rule
    for region in pc.unique(regions).to_pylist():
        rule = _national_rule(region)
        if rule:
            chosen = pc.fill_null(pc.and_not(pc.equal(regions, region), is_international), False)
            yield chosen, digits.filter(chosen), rule


@lru_cache(maxsize=512)
def _international_rule(code: int) -> _Rule | None:
    """Digits after ``+`` and the country code, by the rules of the code's main region."""
    metadata = PhoneMetadata.metadata_for_region(REGIONS_OF_CODE[code][0])
    return _rule(metadata, []) if metadata else None


@lru_cache(maxsize=512)
def _national_rule(region: str) -> _Rule | None:
    """Digits as dialled within the region."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if not metadata:
        return None
    return _rule(metadata, [metadata.international_prefix] if metadata.international_prefix else [])


def _rule(metadata: PhoneMetadata, refused: list[str]) -> _Rule | None:
    code, general = metadata.country_code, metadata.general_desc
    if metadata.leading_digits or not code or not general:
        return None
    trunk = metadata.national_prefix_for_parsing or ""
    is_simple = trunk == "0" or (trunk == "1" and code == 1)
    prefix = trunk if is_simple else _NO_TRUNK
    sharing = [found for name in REGIONS_OF_CODE[code] if (found := PhoneMetadata.metadata_for_region(name))]
    # Where regions share a code, leading digits say whose a number is before its pattern does.
    refused = [*refused, *(other.leading_digits for other in sharing if other.leading_digits)]
    if trunk:
        refused.append(f"{trunk}{trunk}" if is_simple else trunk)
    return _Rule(
        code=code,
        valid=f"^(?:{_valid_in([other for other in sharing if not other.leading_digits])})$",
        general=f"^(?:{general.national_number_pattern})$",
        lengths=tuple(general.possible_length),
        anywhere=f"^(?:{_valid_in(sharing)})$",
        refused="|".join(f"^(?:{expression})" for expression in refused) or "^$",
        trunk=prefix,
    )


def _valid_in(regions: list[PhoneMetadata]) -> str:
    descriptions = [getattr(metadata, kind) for metadata in regions for kind in _TYPES]
    patterns = {d.national_number_pattern for d in descriptions if d and d.national_number_pattern}
    return "|".join(f"(?:{pattern})" for pattern in sorted(patterns))


def _grouped(digits: pa.Array, formats: tuple[tuple[str, str, str], ...]) -> pa.Array:
    written, is_open = digits, pa.repeat(pa.scalar(True), len(digits))
    for pattern, beginning, template in formats:
        fits = pc.and_(pc.match_substring_regex(digits, pattern), pc.match_substring_regex(digits, beginning))
        now = pc.and_(fits, is_open)
        if pc.any(now).as_py():
            grouped = pc.replace_substring_regex(digits.filter(now), pattern, template)
            written, is_open = pc.replace_with_mask(written, now, grouped), pc.and_not(is_open, fits)
    return written


@lru_cache(maxsize=512)
def _formats(code: int) -> tuple[tuple[str, str, str], ...]:
    """How numbers of a country code are written: digits, how they begin, and the groups; the first counts."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, REGIONS_OF_CODE[code][0])
    formats = []
    for form in metadata.number_format if metadata else ():
        template = form.format or ""
        if form.national_prefix_formatting_rule:
            template = re.sub(r"(\\\d)", form.national_prefix_formatting_rule, template, count=1)
        beginning = form.leading_digits_pattern[-1] if form.leading_digits_pattern else ""
        formats.append((f"^(?:{form.pattern})$", f"^(?:{beginning})", template))
    return tuple(formats)


def _ask(key: str) -> str | None:
    number, _, region = key.rpartition(_SEPARATOR)
    return _answer(number, region)


@lru_cache(maxsize=65_536)
def _answer(number: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
