"""What an operator sets, and how it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.runtime.limits import Limits, LimitsError, load_limits


def test_flags_come_before_the_file(tmp_path: Path) -> None:
    json, toml = tmp_path / "limits.json", tmp_path / "limits.toml"
    json.write_text('{"max_in_flight": 5, "stream_max_age_s": 1000}')
    toml.write_text("max_in_flight = 6\n")
    assert load_limits(None) == Limits()
    assert load_limits(json, max_in_flight=7) == Limits(max_in_flight=7, stream_max_age_s=1000)
    assert load_limits(toml, max_in_flight=None) == Limits(max_in_flight=6)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"max_in_fligth": 5}', "max_in_fligth"),
        ('{"max_in_flight": 0}', ">= 1"),
        ('{"stream_max_age_s": 5}', ">= 660"),
        ("{", "truncated"),
        ('{"a":' * 50_000, "limits.json"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "limits.json"
    path.write_text(text)
    with pytest.raises(LimitsError, match=why) as told:
        load_limits(path)
    assert "\n" not in str(told.value)
    with pytest.raises(LimitsError, match="No such file"):
        load_limits(tmp_path / "none.json")
    with pytest.raises(LimitsError, match=r"--max-in-flight: .* >= 1$"):
        load_limits(None, max_in_flight=-1)
    good = tmp_path / "good.json"
    good.write_text('{"max_in_flight": 5}')
    with pytest.raises(LimitsError, match=r"^--stream-max-age: .* >= 660"):
        load_limits(good, stream_max_age_s=5)
