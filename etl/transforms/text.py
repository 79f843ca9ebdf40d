"""Cleaning, joining and mapping of text columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import CleanText, JoinText, MapValues
from etl.transforms.frames import on_distinct, text_of, with_column, with_faults

# All of Unicode's White_Space, and the four ASCII separators that Python's str.split takes for blanks.
_BLANKS = (
    r"\x{09}-\x{0D}\x{1C}-\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"
)
_UNTIDY = r"^ | $|  |[^\x{20}-\x{7E}]"
_NOT_ASCII = r"[^\x{00}-\x{7F}]"
_LETTERS = r"\p{L}\p{M}\p{N}"
_PLAIN_WORDS = r"^[A-Za-zÀ-ÖØ-Þà-öø-ÿ .,-]*$"
# Combining marks belong to their word: an "I" with a dot above is two characters in lower case.
_WORD = re.compile(r"[^\W_][^\W_\u0300-\u036f]*(?:[\u0300-\u036f'’]+[^\W_]+)*")
_ELISION = "d"
_ENDINGS = ("s", "t", "re", "ll", "ve", "m", "d")


def clean_text(frame: pd.DataFrame, step: CleanText) -> pd.DataFrame:
    """Trim, collapse white space to one blank, normalise Unicode, set the case; what else is declared.

    NULL stays NULL and an empty text stays empty unless the step says otherwise (law X14). Doing it
    twice changes nothing. A removed sign leaves no blank: ``O'Brien`` becomes ``OBrien``.
    """
    for name in step.columns:
        signs = step.keep if step.letters_only else None
        clean = tidy(text_of(frame, name, step.step), step.case, step.form, signs)
        if step.empty_to_null:
            clean = pc.if_else(pc.equal(clean, ""), pa.scalar(None, pa.string()), clean)
        frame = with_column(frame, name, clean)
    return frame


def join_text(frame: pd.DataFrame, step: JoinText) -> pd.DataFrame:
    """Join columns with the separator into ``into``, leaving NULL parts out; all NULL gives NULL."""
    first, *others = [text_of(frame, name, step.step) for name in step.columns]
    joined = first
    for part in others:
        both = pc.binary_join_element_wise(joined, part, step.separator)
        joined = pc.coalesce(both, joined, part)
    return with_column(frame, step.into, joined)


def map_values(frame: pd.DataFrame, step: MapValues) -> pd.DataFrame:
    """Replace the declared texts by theirs; NULL stays NULL, and others as ``unmatched`` says.

    Texts are compared as they stand: clean them first where case or blanks differ.
    """
    texts = text_of(frame, step.column, step.step)
    known, mapped = (pa.array(column, pa.string()) for column in zip(*step.values.items(), strict=True))
    places = pc.index_in(texts, known)
    is_unmatched = pc.and_(pc.is_valid(texts), pc.is_null(places))
    others = texts if step.unmatched == "keep" else pa.nulls(len(texts), pa.string())
    frame = with_column(
        frame, step.into or step.column, pc.if_else(is_unmatched, others, mapped.take(places))
    )
    if step.unmatched != "reject":
        return frame
    return with_faults(frame, step.column, _fault_where(is_unmatched, "is not among the declared values"))


def tidy(values: pa.Array, case: str = "keep", form: str = "NFC", signs: str | None = None) -> pa.Array:
    """The cleaned texts; see :func:`clean_text`.

    Args:
        values: Texts.
        case: keep, lower, upper or title.
        form: NFC or NFKC.
        signs: What stays beside letters, marks, digits and blanks; None lets everything stay.
    """
    clean = _patched(values, _UNTIDY, partial(_normalised, form=form))
    if signs is not None:
        removed = pc.replace_substring_regex(clean, f"[^{_LETTERS}{_class_of(signs)} ]+", "")
        clean = _patched(removed, _UNTIDY, partial(_normalised, form=form))
    if case == "keep":
        return clean
    # Changing the case can leave a letter and its mark apart.
    return _patched(_CASES[case](clean), _NOT_ASCII, partial(_composed, form=form))


def title_case(text: str) -> str:
    """Capitals as people write names: ``O'Brien``, ``d'Arc``, ``Müller``, ``Macy's``, ``Jean-Luc``."""
    return _WORD.sub(lambda match: _titled(match.group()), text.lower())


def _normalised(values: pa.Array, form: str) -> pa.Array:
    single = pc.replace_substring_regex(_composed(values, form), rf"[{_BLANKS}]+", " ")
    return pc.utf8_trim(single, " ")


def _composed(values: pa.Array, form: str) -> pa.Array:
    return pc.utf8_normalize(values, form=form)


def _class_of(signs: str) -> str:
    return "".join(rf"\x{{{ord(sign):X}}}" for sign in signs)


def _fault_where(mask: pa.Array, reason: str) -> pa.Array:
    return pc.if_else(mask, pa.scalar(reason), pa.scalar(None, pa.string()))


def _title(values: pa.Array) -> pa.Array:
    special = pc.fill_null(pc.invert(pc.match_substring_regex(values, _PLAIN_WORDS)), False)
    return pc.replace_with_mask(
        pc.utf8_title(values), special, on_distinct(values.filter(special), title_case)
    )


def _titled(word: str) -> str:
    parts = re.split("(['’])", word)
    for place in range(0, len(parts), 2):
        is_elision = place == 0 and len(parts) > 1 and parts[place] == _ELISION
        is_ending = place > 0 and place == len(parts) - 1 and parts[place] in _ENDINGS
        if not (is_elision or is_ending):
            parts[place] = _capital(parts[place][:1]) + parts[place][1:]
    return "".join(parts)


def _capital(letter: str) -> str:
    upper = letter.upper()
    return upper if len(upper) == 1 else letter


def _patched(values: pa.Array, pattern: str, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Change only the values that match the pattern; most texts are clean already."""
    chosen = pc.fill_null(pc.match_substring_regex(values, pattern), False)
    if not pc.any(chosen).as_py():
        return values
    return pc.replace_with_mask(values, chosen, change(values.filter(chosen)))


_CASES: dict[str, Callable[[pa.Array], pa.Array]] = {
    "lower": pc.utf8_lower,
    "upper": pc.utf8_upper,
    "title": _title,
}
