from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kinds.table import kind_of
from services.voting.logic import truth


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("not ( True and False ) or False is", "True"),
        ("True and not not ( not False ) is", "True"),
        ("false or (not true)", "False"),
        ("What is true and false?", "False"),
        ("True", None),
        ("Is it true or false?", None),
        ("True or false: the Sun is a star.", None),
        ("not", None),
        ("and or", None),
        ("(" * 390 + "true", None),
    ],
)
def test_the_truth_of_an_expression(text: str, value: str | None) -> None:
    assert truth(text) == value


expressions = st.recursive(
    st.sampled_from(["True", "False"]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=6,
)


@given(expressions.filter(lambda expression: expression not in ("True", "False")))
def test_it_is_what_python_says(expression: str) -> None:
    assert truth(f"{expression} is") == str(eval(expression))
    assert kind_of(f"{expression} is").name == "sum"


@given(st.text())
def test_no_text_is_too_wild(text: str) -> None:
    truth(text)
