"""What the commands of the quarantine take."""

from __future__ import annotations

import pytest

from etl.quarantine.__main__ import main


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--limit", "0"], "'0' is no number of rows; give 1 or more."),
        (["--limit", "-1"], "'-1' is no number of rows; give 1 or more."),
        (["--age", "-3"], "'-3' is no number of days; give such as 7 or 7d."),
        (["--age", "week"], "'week' is no number of days; give such as 7 or 7d."),
    ],
)
def test_a_limit_and_an_age_are_numbers_that_can_be_meant(
    option: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["list", *option])
    assert told in capsys.readouterr().err
