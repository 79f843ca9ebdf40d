"""E-mail addresses and phone numbers."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from email_validator import EmailNotValidError
from email_validator import validate_email as check_email

from etl.catalog import StandardizePhone, ValidateEmail
from etl.transforms.frames import text_of, with_column
from etl.transforms.phones import e164, national_form

# A part of what email-validator accepts, so that common addresses need no Python; it judges the others.
_PLAIN_EMAIL = r"^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$"
_PLAIN_LENGTH = 60
_RESERVED_DOMAIN = r"\.(?:arpa|invalid|local|localhost|onion|test)$"


def validate_email(frame: pd.DataFrame, step: ValidateEmail) -> pd.DataFrame:
    """Trim the address, lower its domain, and say in ``into`` whether it is a valid address.

    The part before the ``@`` keeps its case, which belongs to the receiving server. Valid is what
    email-validator accepts without asking the DNS: domains for documentation such as example.com
    are valid, reserved ones such as ``.test`` or ``.localhost`` are not. NULL gives NULL.
    """
    emails = _domain_lowered(pc.utf8_trim_whitespace(text_of(frame, step.column, step.step)))
    frame = with_column(frame, step.column, emails)
    return with_column(frame, step.into, is_valid_email(emails))


def standardize_phone(frame: pd.DataFrame, step: StandardizePhone, default_region: str) -> pd.DataFrame:
    """Write the phone number as E.164 into ``into``; the column itself stays as it is.

    A number without a country code belongs to the region (ISO 3166, two letters) in
    ``region_column``, or to the default where that is NULL. What is no valid number gives NULL.
    ``national_into`` gets the number as it is written in its own country, without an extension.
    """
    numbers = text_of(frame, step.column, step.step)
    written = e164(numbers, _regions(frame, step, default_region))
    frame = with_column(frame, step.into, written)
    if step.national_into is None:
        return frame
    return with_column(frame, step.national_into, national_form(written))


def is_valid_email(emails: pa.Array) -> pa.Array:
    """Whether each address is valid; NULL for NULL."""
    looks_plain = pc.match_substring_regex(emails, _PLAIN_EMAIL)
    has_limits = pc.or_(
        pc.match_substring_regex(emails, _RESERVED_DOMAIN),
        pc.greater(pc.binary_length(emails), _PLAIN_LENGTH),
    )
    plain = pc.and_not(looks_plain, has_limits)
    unsettled = pc.fill_null(pc.invert(plain), False)
    encoded = emails.filter(unsettled).dictionary_encode()
    answers = pa.array([_is_valid_email(email) for email in encoded.dictionary.to_pylist()], pa.bool_())
    return pc.replace_with_mask(plain, unsettled, answers.take(encoded.indices))


@lru_cache(maxsize=65_536)
def _is_valid_email(email: str) -> bool:
    if "@" not in email:
        return False
    try:
        check_email(email, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _domain_lowered(emails: pa.Array) -> pa.Array:
    unusual = pc.fill_null(
        pc.match_substring_regex(emails, r"@[^@]*[^\x{00}-\x{40}\x{5B}-\x{7F}][^@]*$"), False
    )
    if not pc.any(unusual).as_py():
        return emails
    parts = pc.split_pattern(emails.filter(unusual), "@", max_splits=1, reverse=True)
    local, domain = (pc.list_element(parts, place) for place in (0, 1))
    return pc.replace_with_mask(
        emails, unusual, pc.binary_join_element_wise(local, pc.utf8_lower(domain), "@")
    )


def _regions(frame: pd.DataFrame, step: StandardizePhone, default_region: str) -> pa.Array:
    if step.region_column is None:
        return pa.repeat(pa.scalar(default_region.upper()), len(frame))
    codes = pc.utf8_upper(pc.utf8_trim_whitespace(text_of(frame, step.region_column, step.step)))
    return pc.fill_null(codes, default_region.upper())
