from __future__ import annotations

from services.checks.examples import Example, applicable, find_examples, imports, trial


def test_a_value_that_goes_on_is_no_example() -> None:
    assert find_examples('f(["aa", "b"]) == ""aa"') == []
    assert find_examples("f(1) == 2nd") == []
    assert find_examples("f(1) gives 3.5x") == []
    assert find_examples("Note that f(1) == 3.5.") == [Example("f(1)", "3.5")]
    assert find_examples('f("a") == "b", f("b") == \'c\'') == [Example('f("a")', '"b"'), Example('f("b")', "'c'")]


def test_what_a_request_imports_is_there_for_an_answer_that_leaves_it_out() -> None:
    request = "from typing import List\nimport math\n\n    import re\n\nimport duties on wine\ndef f(x: List[int]): ..."
    assert imports(request) == "from typing import List\nimport math\nimport re"
    program = trial(f"{imports(request)}\ndef f(x: List[int]):\n    return math.pi", [Example("f([])", "3.141593")])
    exec(compile(program, "trial", "exec"), {})  # ends without an exit


def test_only_examples_of_what_the_code_is_to_define_are_tried() -> None:
    begun = "def grade(marks):\n    # grade([1]) == 2, grades([1]) == 2, ord('a') == 0, helper(1) == 3"
    examples = find_examples(begun)
    assert [example.function for example in examples] == ["grade", "grades", "ord", "helper"]
    code = "def grade(marks):\n    return helper(marks)\n\ndef helper(x):\n    return 3"
    assert [example.function for example in applicable(examples, begun, code)] == ["grade", "helper"]
    asked = "Write a function add so that add(2, 3) == 5 and len('a') == 1."
    kept = applicable(find_examples(asked), asked, "def plus(a, b):\n    return a + b")
    assert [example.function for example in kept] == ["add"]
