"""The steps of ``prepare``: pure, vectorised, and the same for one row as for many."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import phonenumbers
import pyarrow as pa
import pytest
from email_validator import EmailNotValidError
from email_validator import validate_email as ask_email_validator
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.catalog import AgeGroup, CleanText, Column, FillMissing, JoinText, StandardizePhone, ValidateEmail
from etl.errors import ConfigError
from etl.transforms.calendar import CALENDAR_SCHEMA, calendar
from etl.transforms.contact import is_valid_email, standardize_phone, validate_email
from etl.transforms.derive import age_group
from etl.transforms.missing import fill_missing
from etl.transforms.phones import e164, national_form
from etl.transforms.text import clean_text, join_text, tidy, title_case

BLANKS = " \t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u2028\u202f\u205f\u3000"


def frame(**columns: list[Any] | pa.Array) -> pd.DataFrame:
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)  # type: ignore[no-any-return]  # pyarrow is untyped


def values(frame: pd.DataFrame, name: str) -> list[Any]:
    return pa.Array.from_pandas(frame[name]).to_pylist()  # type: ignore[no-any-return]  # pyarrow is untyped


def cleaned(text: str | None, case: str = "keep") -> Any:
    return tidy(pa.array([text], pa.string()), case)[0].as_py()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Ann \t\n Lee\u3000", "Ann Lee"),
        ("\xa0\u2003x\u2028", "x"),
        ("cafe\u0301", "café"),
        ("", ""),
        ("   ", ""),
        (None, None),
        ("NA", "NA"),
        ("null", "null"),
        ("a\x00b", "a\x00b"),
        ("👩‍👩‍👧 ok", "👩‍👩‍👧 ok"),
    ],
)
def test_clean_text(text: str | None, expected: str | None) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MÜLLER", "Müller"),
        ("MU\u0308LLER", "Müller"),
        ("o'brien", "O'Brien"),
        ("O’BRIEN", "O’Brien"),
        ("JEANNE D'ARC", "Jeanne d'Arc"),
        ("macy's", "Macy's"),
        ("jean-luc  PICARD", "Jean-Luc Picard"),
        ("ÉCOLE SUPÉRIEURE", "École Supérieure"),
        ("straße", "Straße"),
        ("1st street", "1st Street"),
        ("ИВАН ПЕТРОВ", "Иван Петров"),
        ("İSTANBUL", "İstanbul"),
        ("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"),
        ("東京", "東京"),
        ("", ""),
        (None, None),
    ],
)
def test_title_case(text: str | None, expected: str | None) -> None:
    assert cleaned(text, "title") == expected


@settings(deadline=None)
@given(
    st.lists(
        st.none() | st.text(st.characters(codec="utf-8") | st.sampled_from(BLANKS + "'’dÅİßŉ\u0301\u0307"))
    )
)
@example(["ŉ", "ß", "İ", "i̇", "ǆ", "ﬁ", "'s", "d'", "''d'a'", None])
def test_cleaning_twice_changes_nothing_and_null_stays_null(texts: list[str | None]) -> None:
    given_texts = pa.array(texts, pa.string())
    for case in ("keep", "lower", "upper", "title"):
        once = tidy(given_texts, case)
        assert tidy(once, case).to_pylist() == once.to_pylist()
        assert [text is None for text in once.to_pylist()] == [text is None for text in texts]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from(BLANKS)))
def test_cleaning_agrees_with_python(text: str) -> None:
    assert cleaned(text) == " ".join(unicodedata.normalize("NFC", text).split())


@settings(deadline=None)
@given(st.text(st.sampled_from("aZéÖß -.,'1\u0301")))
def test_title_case_is_the_same_with_and_without_the_fast_path(text: str) -> None:
    assert cleaned(text, "title") == unicodedata.normalize("NFC", title_case(cleaned(text)))


CHARACTERS = st.characters(codec="utf-8") | st.sampled_from(
    BLANKS + "'’dÅİßŉ\u0301\u0307½ﬁǅ™²ﷺ&-\u200d\u0345"
)


@settings(deadline=None)
@given(
    texts=st.lists(st.none() | st.text(CHARACTERS)),
    form=st.sampled_from(["NFC", "NFKC"]),
    case=st.sampled_from(["keep", "lower", "upper", "title"]),
    signs=st.sampled_from([None, "", "'-"]),
)
@example(["ŉ", "ß", "½", "¨", "a&\u0301", "ﷺ", "-", "ẛ̣", "ῲ", None], "NFKC", "upper", "")
@example(["ŉ", "ß", "½", "¨", "a&\u0301", "ﷺ", "-", "ẛ̣", "ῲ", None], "NFKC", "title", "'-")
def test_cleaning_in_every_way_twice_changes_nothing(
    texts: list[str | None], form: str, case: str, signs: str | None
) -> None:
    once = tidy(pa.array(texts, pa.string()), case, form, signs)
    assert tidy(once, case, form, signs).to_pylist() == once.to_pylist()
    assert [text is None for text in once.to_pylist()] == [text is None for text in texts]


@pytest.mark.parametrize(
    ("text", "keep", "expected"),
    [
        ("O'Brien & Söhne (2.)", "", "OBrien Söhne 2"),
        ("O'Brien & Söhne (2.)", "'.", "O'Brien Söhne 2."),
        ("naïve_名前 [x]-имя", "-]", "naïve名前 x]-имя"),
        ("हिन्दी, ไทย, עִבְרִית!", "", "हिन्दी ไทย עִבְרִית"),
        ("a&\u0301", "", "á"),
        ("\\d^", "\\", "\\d"),
        ("***", "", ""),
        (None, "", None),
    ],
)
def test_special_characters_go_and_letters_of_every_script_stay(
    text: str | None, keep: str, expected: str | None
) -> None:
    step = CleanText(step="clean_text", columns=("a",), letters_only=True, keep=keep)
    assert values(clean_text(frame(a=pa.array([text], pa.string())), step), "a") == [expected]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=("L", "N"), max_codepoint=0x2FFF)))
def test_no_letter_or_digit_is_ever_removed(text: str) -> None:
    assert tidy(pa.array([text]), signs="")[0].as_py() == cleaned(text)


def test_nfkc_and_empty_text_as_null_are_done_where_they_are_declared() -> None:
    texts = frame(a=["ﬁ ２", "  ", None, "x"])
    as_declared = CleanText(step="clean_text", columns=("a",), form="NFKC", empty_to_null=True)
    assert values(clean_text(texts, as_declared), "a") == ["fi 2", None, None, "x"]
    by_default = CleanText(step="clean_text", columns=("a",))
    assert values(clean_text(texts, by_default), "a") == ["ﬁ ２", "", None, "x"]


def test_clean_text_touches_only_its_columns_and_leaves_the_frame_given_as_it_was() -> None:
    before = frame(a=[" x "], b=[" y "])
    after = clean_text(before, CleanText(step="clean_text", columns=("a",), case="upper"))
    assert (values(after, "a"), values(after, "b"), values(before, "a")) == (["X"], [" y "], [" x "])


def test_steps_name_columns_that_are_missing_or_no_text() -> None:
    for columns, message in ((("b",), "'b'"), (("n",), "int64")):
        with pytest.raises(ConfigError, match=message):
            clean_text(frame(n=[1]), CleanText(step="clean_text", columns=columns))


def test_join_text_leaves_null_parts_out() -> None:
    parts = frame(a=["Ann", None, None, ""], b=["Lee", "Lee", None, "Lee"])
    joined = join_text(parts, JoinText(step="join_text", columns=("a", "b"), into="c"))
    assert values(joined, "c") == ["Ann Lee", "Lee", None, " Lee"]


@pytest.mark.parametrize(
    ("email", "written", "is_valid"),
    [
        (" Ann.Lee@Example.COM ", "Ann.Lee@example.com", True),
        ("o'brien+tag@mail.example.org", "o'brien+tag@mail.example.org", True),
        ("ünï@DÖMÄIN.de", "ünï@dömäin.de", True),
        ("a@b@C.com", "a@b@c.com", False),
        ("no-at-sign.COM", "no-at-sign.COM", False),
        ("a..b@x.com", "a..b@x.com", False),
        ("a@x", "a@x", False),
        ("a@shop.test", "a@shop.test", False),
        ("a@x.com\n", "a@x.com", True),
        ("a b@x.com", "a b@x.com", False),
        ("", "", False),
        ("NA", "NA", False),
        (None, None, None),
    ],
)
def test_validate_email(email: str | None, written: str | None, is_valid: bool | None) -> None:
    step = ValidateEmail(step="validate_email", column="email", into="ok")
    done = validate_email(frame(email=pa.array([email], pa.string())), step)
    assert (values(done, "email"), values(done, "ok")) == ([written], [is_valid])


LOCAL = st.text(st.sampled_from("abcXYZ019._-+'"), min_size=1, max_size=34)
LABEL = st.text(st.sampled_from("abz019-"), min_size=1, max_size=36)
DOMAIN = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
ENDING = st.sampled_from(
    [".com", ".co.uk", ".test", ".local", ".c", ".1a", "", ".arpa", ".onion", ".xn--p1ai"]
)


@settings(deadline=None)
@given(st.builds("{}@{}{}".format, LOCAL, DOMAIN, ENDING) | st.text())
def test_emails_are_judged_as_email_validator_does(email: str) -> None:
    try:
        ask_email_validator(email, check_deliverability=False)
        expected = True
    except EmailNotValidError:
        expected = False
    assert is_valid_email(pa.array([email]))[0].as_py() is expected


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("1-415-555-2671", None, "+14155552671"),
        ("030 901820", "DE", "+4930901820"),
        ("030 901820", "de ", "+4930901820"),
        ("+49 (0)30 901820", "US", "+4930901820"),
        ("06 6982", "IT", "+39066982"),
        ("020 7183 8750 ext. 5", "GB", "+442071838750"),
        ("+44 20 7183 8750", "Atlantis", "+442071838750"),
        ("020 7183 8750", "Atlantis", None),
        ("123", "US", None),
        ("call me", "US", None),
        ("", "US", None),
        (None, "US", None),
    ],
)
def test_standardize_phone(number: str | None, region: str | None, expected: str | None) -> None:
    table = frame(phone=pa.array([number], pa.string()), country=pa.array([region], pa.string()))
    step = StandardizePhone(step="standardize_phone", column="phone", into="e164", region_column="country")
    done = standardize_phone(table, step, "us")
    assert (values(done, "phone"), values(done, "e164")) == ([number], [expected])


def test_phones_without_a_region_column_belong_to_the_default() -> None:
    step = StandardizePhone(step="standardize_phone", column="phone", into="e164")
    assert values(standardize_phone(frame(phone=["030 901820"]), step, "DE"), "e164") == ["+4930901820"]


def test_the_national_form_stands_beside_e164() -> None:
    step = StandardizePhone(step="standardize_phone", column="phone", into="e164", national_into="national")
    done = standardize_phone(
        frame(phone=["415 555 2671", "+39 06 6982", "+44 20 7183 8750 x5", "no", None]), step, "US"
    )
    assert values(done, "national") == ["(415) 555-2671", "06 6982", "020 7183 8750", None, None]


@st.composite
def phone_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """Numbers near real ones of every region and kind, written in many ways."""
    region = draw(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
    kind = draw(st.sampled_from(sorted(vars(phonenumbers.PhoneNumberType).values(), key=str)[:11]))
    sample = phonenumbers.example_number_for_type(region, kind if isinstance(kind, int) else 0)
    digits = str(sample.national_number) if sample else draw(st.from_regex(r"[0-9]{6,11}", fullmatch=True))
    place = draw(st.integers(0, len(digits) - 1))
    digits = (
        digits[:place]
        + draw(st.sampled_from(["", digits[place], "0", "5", " ", "-", "77"]))
        + digits[place + 1 :]
    )
    code = str(phonenumbers.country_code_for_region(region))
    start = draw(
        st.sampled_from(["", "0", "1", "8", "00", "011", code, f"+{code}", f"+{code} (0)", f"00{code} "])
    )
    return start + digits, draw(st.sampled_from([region, region, "US", "DE", "ZZ"]))


@settings(deadline=None)
@given(st.lists(phone_numbers() | st.tuples(st.text(max_size=20), st.just("US")), max_size=20))
def test_phones_are_read_as_phonenumbers_does(numbers: list[tuple[str, str]]) -> None:
    def asked(number: str, region: str) -> str | None:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            return None
        is_valid = phonenumbers.is_valid_number(parsed)
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if is_valid else None

    texts, regions = (
        (pa.array(column, pa.string()) for column in zip(*numbers, strict=True))
        if numbers
        else (
            pa.array([], pa.string()),
            pa.array([], pa.string()),
        )
    )
    assert e164(texts, regions).to_pylist() == [asked(*number) for number in numbers]


@settings(deadline=None)
@given(st.lists(phone_numbers(), min_size=1, max_size=20))
def test_national_forms_are_those_of_phonenumbers(numbers: list[tuple[str, str]]) -> None:
    texts, regions = (pa.array(column, pa.string()) for column in zip(*numbers, strict=True))
    written = e164(texts, regions)
    expected = [number and _national(number) for number in written.to_pylist()]
    assert national_form(written).to_pylist() == expected


def test_every_example_number_of_the_world_has_its_national_form() -> None:
    kinds = [kind for kind in vars(phonenumbers.PhoneNumberType).values() if isinstance(kind, int)]
    found = {
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in kinds
        if (number := phonenumbers.example_number_for_type(region, kind))
    }
    written = sorted(found)
    assert len(written) > 900
    assert national_form(pa.array(written)).to_pylist() == [_national(number) for number in written]


def _national(number: str) -> str:
    parsed = phonenumbers.parse(number)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


def test_fill_missing_replaces_only_null_by_a_typed_constant() -> None:
    columns = {"a": Column(type="decimal(10,2)"), "d": Column(type="date"), "t": Column(type="text")}
    table = frame(
        a=pa.array([None, 1], pa.decimal128(10, 2)), d=pa.array([None, 1], pa.date32()), t=["", None]
    )
    step = FillMissing(step="fill_missing", values={"a": "0.5", "d": "2000-01-01", "t": "none"})
    done = fill_missing(table, step, columns)
    assert [str(value) for value in values(done, "a")] == ["0.50", "1.00"]
    assert values(done, "d") == [date(2000, 1, 1), date(1970, 1, 2)]
    assert values(done, "t") == ["", "none"]
    with pytest.raises(ConfigError, match=r"'0\.555'.*'a'"):
        fill_missing(table, FillMissing(step="fill_missing", values={"a": "0.555"}), columns)


@pytest.mark.parametrize(
    ("birth", "at", "expected"),
    [
        (date(2006, 5, 2), date(2024, 5, 1), "under 18"),
        (date(2006, 5, 1), date(2024, 5, 1), "18-25"),
        (date(1998, 5, 2), date(2024, 5, 1), "18-25"),
        (date(1998, 5, 1), date(2024, 5, 1), "26-35"),
        (date(1988, 5, 2), date(2024, 5, 1), "26-35"),
        (date(1988, 5, 1), date(2024, 5, 1), "36-50"),
        (date(1973, 5, 2), date(2024, 5, 1), "36-50"),
        (date(1973, 5, 1), date(2024, 5, 1), "51-65"),
        (date(1958, 5, 2), date(2024, 5, 1), "51-65"),
        (date(1958, 5, 1), date(2024, 5, 1), "over 65"),
        (date(2004, 2, 29), date(2022, 2, 28), "under 18"),
        (date(2004, 2, 29), date(2022, 3, 1), "18-25"),
        (date(2024, 5, 2), date(2024, 5, 1), None),
        (None, date(2024, 5, 1), None),
        (date(2000, 1, 1), None, None),
    ],
)
def test_age_group_counts_full_years_at_the_rows_own_instant(
    birth: date | None, at: date | None, expected: str
) -> None:
    instant = datetime(at.year, at.month, at.day, 23, 59, tzinfo=UTC) if at else None
    table = frame(b=pa.array([birth], pa.date32()), at=pa.array([instant], pa.timestamp("us", "UTC")))
    assert values(age_group(table, AgeGroup(step="age_group", birth_date="b", at="at", into="g")), "g") == [
        expected
    ]


def test_calendar_has_iso_weeks_fiscal_years_and_holidays() -> None:
    days = calendar(date(2020, 12, 30), date(2021, 7, 4), fiscal_year_start_month=7, holiday_country="US")
    assert days.schema == CALENDAR_SCHEMA
    rows = {row["full_date"]: row for row in days.to_pylist()}
    assert len(rows) == days.num_rows == 187
    new_year = rows[date(2021, 1, 1)]
    assert (new_year["date_key"], new_year["iso_year"], new_year["week_of_year"]) == (20210101, 2020, 53)
    assert (new_year["day_name"], new_year["day_of_week"], new_year["is_weekend"]) == ("Friday", 5, False)
    assert (new_year["is_holiday"], new_year["holiday_name"]) == (True, "New Year's Day")
    assert (new_year["fiscal_year"], new_year["fiscal_quarter"]) == (2021, 3)
    july = rows[date(2021, 7, 1)]
    assert (july["fiscal_year"], july["fiscal_quarter"], july["quarter"], july["is_holiday"]) == (
        2022,
        1,
        3,
        False,
    )


def test_calendar_speaks_english_and_refuses_what_it_does_not_know() -> None:
    germany = calendar(date(2024, 10, 3), date(2024, 10, 3), 1, "DE").to_pylist()[0]
    assert (germany["holiday_name"], germany["fiscal_year"]) == ("German Unity Day", 2024)
    with pytest.raises(ConfigError, match="'XX'"):
        calendar(date(2024, 1, 1), date(2024, 1, 2), 1, "XX")
    with pytest.raises(ConfigError, match="month 13"):
        calendar(date(2024, 1, 1), date(2024, 1, 2), 13, "US")
