import pytest

from models.prompt import SYSTEM, USER, render_parts


def chatml(messages: list[dict[str, str]]) -> str:
    return "".join(f"<{message['role']}>{message['content']}</>" for message in messages) + "<assistant>"


def no_system_role(messages: list[dict[str, str]]) -> str:
    if messages[0]["role"] == "system":
        raise ValueError("System role not supported")
    return chatml(messages)


def drops_system(messages: list[dict[str, str]]) -> str:
    return chatml([message for message in messages if message["role"] != "system"])


def test_literals_stand_around_the_texts() -> None:
    assert render_parts(chatml, with_system=True) == ["<system>", SYSTEM, "</><user>", USER, "</><assistant>"]
    assert render_parts(chatml, with_system=False) == ["<user>", USER, "</><assistant>"]


@pytest.mark.parametrize("render", [no_system_role, drops_system])
def test_without_a_system_role_the_system_text_leads_the_users(render: object) -> None:
    assert callable(render)
    assert render_parts(render, with_system=True) == ["<user>", SYSTEM, "\n\n", USER, "</><assistant>"]


def test_a_template_that_drops_the_question_is_refused() -> None:
    with pytest.raises(ValueError, match="its chat template drops the system or the user text"):
        render_parts(lambda _: "<assistant>", with_system=False)


def test_a_template_that_fails_is_refused() -> None:
    def fails(_: object) -> str:
        raise ValueError("roles must alternate")

    with pytest.raises(ValueError, match="its chat template fails: roles must alternate"):
        render_parts(fails, with_system=True)
