import pytest

from models.engine import Role, Turn
from models.prompt import render_parts

SYSTEM_FIRST: list[Role] = ["system", "user"]
CONVERSATION: list[Role] = ["system", "user", "assistant", "user"]


def chatml(messages: list[dict[str, str]]) -> str:
    return "".join(f"<{message['role']}>{message['content']}</>" for message in messages) + "<assistant>"


def no_system_role(messages: list[dict[str, str]]) -> str:
    if messages[0]["role"] == "system":
        raise ValueError("System role not supported")
    return chatml(messages)


def alternating(messages: list[dict[str, str]]) -> str:
    if any(message["role"] != ("user", "assistant")[place % 2] for place, message in enumerate(messages)):
        raise ValueError("roles must alternate")
    return chatml(messages)


def drops_system(messages: list[dict[str, str]]) -> str:
    return chatml([message for message in messages if message["role"] != "system"])


def test_literals_stand_around_the_texts() -> None:
    assert render_parts(chatml, SYSTEM_FIRST) == ["<system>", 0, "</><user>", 1, "</><assistant>"]
    assert render_parts(chatml, ["user"]) == ["<user>", 0, "</><assistant>"]
    turns = ["<system>", 0, "</><user>", 1, "</><assistant>", 2, "</><user>", 3, "</><assistant>"]
    assert render_parts(chatml, CONVERSATION) == turns


@pytest.mark.parametrize("render", [no_system_role, drops_system, alternating])
def test_without_a_system_role_the_system_text_leads_the_users(render: object) -> None:
    assert callable(render)
    assert render_parts(render, SYSTEM_FIRST) == ["<user>", 0, "\n\n", 1, "</><assistant>"]
    turns = ["<user>", 0, "\n\n", 1, "</><assistant>", 2, "</><user>", 3, "</><assistant>"]
    assert render_parts(render, CONVERSATION) == turns


def test_where_roles_must_alternate_neighbours_share_a_turn() -> None:
    turns = ["<user>", 0, "\n\n", 1, "</><assistant>", 2, "</><user>", 3, "\n\n", 4, "</><assistant>"]
    assert render_parts(alternating, ["user", "user", "assistant", "user", "user"]) == turns


def test_a_long_conversation_keeps_its_order() -> None:
    roles: list[Role] = [*CONVERSATION[1:3] * 200, "user"]
    parts = render_parts(chatml, roles)
    assert [part for part in parts if isinstance(part, int)] == list(range(401))


def test_a_template_that_drops_the_question_is_refused() -> None:
    with pytest.raises(ValueError, match="its chat template drops a text"):
        render_parts(lambda _: "<assistant>", ["user"])


def test_a_template_that_fails_is_refused() -> None:
    def fails(_: object) -> str:
        raise ValueError("no such filter")

    with pytest.raises(ValueError, match="its chat template fails: no such filter"):
        render_parts(fails, SYSTEM_FIRST)


def test_a_turn_is_a_value() -> None:
    assert {Turn("user", "a"), Turn("user", "a"), Turn("assistant", "a")} == {Turn("user", "a"), Turn("assistant", "a")}
