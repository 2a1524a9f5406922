from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kinds.kind import Said
from services.kinds.reading.extract import final_fact, final_number, plain_text
from services.kinds.table import KINDS, named


def final_answer(text: str, kind: str, question: str = "") -> str:
    return named(kind).read(Said(text, question, kind)).final


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("The answer is 42.", "42"),
        ("**Answer:** 18 dollars per day", "18 dollars per day"),
        ("Answer: $70,000", "$70,000"),
        ("16-3-4=9\n9*2=18\n#### 18", "18"),
        (r"So it is \boxed{\frac{3}{4}}.", "3/4"),
        (r"The final answer is: $\boxed{42}$", "42"),
        ("6 * 7 = 42", "42"),
        ("783 - 214 = 569.", "569"),
        (r"\[ 75\% \times 200 = 150 \]", "150"),
        ("3 * 3 = 9 sprints.\n9 * 60 = 540 meters.\nAnswer: 540", "540"),
        ("Let x = 5 + 3\nx = 8\nTherefore, the total is 8 apples.", "8"),
        ("So she has 5 apples left.", "5"),
        ("First 6 eggs, then 3 more: 9 eggs.", "9"),
        ("The result of 5 times 14 is 70.", "70"),
        ("The answer is forty-two", "forty-two"),
        ("1,123", "1,123"),
        ("18 eggs\nBecause 16 + 2 = 18, and there are 3 hens.", "18 eggs"),
        ("Yes, 17 is prime.", "Yes"),
        ("It cannot be computed. Sorry.", "It cannot be computed"),
        ("6 * 7 = 42\nAnswer:", "42"),
        ("6 * 7 = 42\nAnswer: <number>", "42"),
        ("Answer: <42>", "42"),
        ("She pays 12.50 dollars in total for all of it.", "12.50 dollars"),
        ("Answer:", ""),
        (r"\boxed{3\frac{1}{2}}", "3 1/2"),
        (r"\boxed{1{,}250}", "1,250"),
        (r"It is \boxed{84 \text{ cm}^2}", "84 cm^2"),
        ("The train arrives at 12:30 PM.", "12:30 PM"),
        ("So the ratio of the boys to the girls is 3:4.", "3:4"),
        ("It takes him 2 hours and 30 minutes.", "2 hours and 30 minutes"),
        ("The two sides are of 5 m and 3 m.", "3 m"),
        ("She will need 4 buses (since 3.5 rounds up).", "4"),
        ("The temperature is negative 5 degrees.", "negative 5"),
        ("", ""),
    ],
)
def test_result_of_a_sum(text: str, final: str) -> None:
    assert final_number(text) == final


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("**Paris**", "Paris"),
        ('"Paris."', "Paris"),
        ("The capital of France is Paris.", "Paris"),
        ("Paris is the capital of France.", "Paris"),
        ("The capital of France is Paris. It lies on the Seine.", "Paris"),
        ("Answer: Vitamin D", "Vitamin D"),
        ("The largest planet is Jupiter, which is a gas giant.", "Jupiter"),
        ("William Shakespeare wrote Romeo and Juliet.", "William Shakespeare"),
        ("Pride and Prejudice was written by Jane Austen in 1813.", "Jane Austen"),
        ("Vincent van Gogh (1853-1890)", "Vincent van Gogh"),
        ("J. K. Rowling wrote it.", "J. K. Rowling"),
        ("Washington, D.C.", "Washington, D.C."),
        ("Nairobi is located in Kenya.", "Kenya"),
        ("Mars is known as the Red Planet.", "Mars"),
        ("The Red Planet is known as Mars.", "Mars"),
        ("Brazilian Portuguese is spoken in Brazil.", "Brazilian Portuguese"),
        ("Silver is represented by the symbol Ag.", "represented by the symbol Ag"),
        ("The Earth is not flat.", "The Earth is not flat"),
        ("There are 206 bones in the human body.", "206 bones in the human body"),
        ("The primary colors are red, blue, and yellow.", "red, blue, and yellow"),
        ("1. Red\n2. Blue\n3. **Yellow**", "Red, Blue, Yellow"),
        ("World War II ended in 1945.", "World War II ended in 1945"),
        ("Yes, it is.", "Yes"),
        ("Mount Everest is 8848.86 metres high. It is in Nepal.", "8848.86 metres high"),
        ("July 4, 1776", "July 4, 1776"),
        ("Plants absorb carbon dioxide (CO2).", "Plants absorb carbon dioxide (CO2)"),
        ("Sure! The capital of Peru is Lima.", "Lima"),
        ("  \n", ""),
    ],
)
def test_answer_of_a_fact(text: str, final: str) -> None:
    assert final_fact(text) == final


def test_a_comparison_loses_markup_and_line_ends_only() -> None:
    text = "## Tea\n\n- **Tea** is *mild*.\n- `Coffee` is  strong: 2 * 3 * 4.\n```\ncode_name\n```"
    assert final_answer(text, "compare") == "Tea Tea is mild. Coffee is strong: 2 * 3 * 4. code_name"


def test_plain_text_keeps_lines() -> None:
    assert plain_text("# A\n> b\n**c**") == "A\nb\nc"


@given(st.text(), st.sampled_from([kind.name for kind in KINDS]))
def test_no_text_is_too_wild(text: str, kind: str) -> None:
    assert isinstance(final_answer(text, kind), str)


@given(
    st.lists(
        st.sampled_from(
            "is was the Paris by wrote 3 1,000 = + $ % / . , \n - * ** # Answer: \\boxed{ } ( ) a".split(" ")
        )
    ),
    st.sampled_from([kind.name for kind in KINDS]),
)
def test_no_mixture_of_what_is_looked_for_is_too_wild(pieces: list[str], kind: str) -> None:
    final = final_answer(" ".join(pieces), kind)
    assert final == final.strip()


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    [
        "1,",
        "(",
        "the is ",
        "A ",
        "\\boxed{",
        "**",
        "= 1 ",
        "one hundred and ",
        "  ",
        "is ",
        ",  ",
        "\n",
        "2x",
        "1 apple ",
        "how many ",
    ],
)
@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_time_stays_bounded_on_long_repetition(piece: str, kind: str) -> None:
    final_answer(piece * 5_000, kind, piece * 500)


@pytest.mark.parametrize(
    ("question", "text", "final"),
    [
        ("Which ocean is the largest?", "The Pacific Ocean is the largest ocean in the world.", "The Pacific Ocean"),
        ("Which ocean is the largest?", "The largest ocean in the world is the Pacific Ocean.", "the Pacific Ocean"),
        ("Which animal is the fastest on land?", "The cheetah is the fastest animal on land.", "The cheetah"),
        ("In which country is Petra?", "Petra is an ancient city in Jordan.", "an ancient city in Jordan"),
        ("Which planet has rings?", "Saturn.", "Saturn"),
        ("How many continents are there?", "There are seven continents on Earth.", "seven continents on Earth"),
        ("What did Marie Curie discover?", "Marie Curie discovered radium and polonium.", "radium and polonium"),
        ("What did Marie Curie discover?", "Radium was discovered by Marie Curie.", "Radium"),
        ("Marie Curie: what did she discover?", "She discovered radium.", "radium"),
        ("What element did she discover?", "Radium was discovered by Marie Curie.", "Radium"),
        ("Who discovered radium?", "Marie Curie discovered radium and polonium in 1898.", "Marie Curie"),
        ("How many novels did Jane Austen write?", "Jane Austen wrote six novels.", "six novels"),
        ("How many novels did Jane Austen write?", "6 novels were written by Jane Austen.", "6 novels"),
        ("In what year did Edison invent it?", "Thomas Edison invented the light bulb in 1879.", "1879"),
        ("In which year was Apple founded?", "Apple was founded by Steve Jobs in 1976.", "1976"),
        ("When was Apple founded?", "Apple was founded by Steve Jobs.", "Apple was founded by Steve Jobs"),
        ("Who founded Apple?", "Apple was founded by Steve Jobs in 1976.", "Steve Jobs"),
        ("When did Caesar die?", "Julius Caesar died on 15 March 44 BC.", "15 March 44 BC"),
        ("When did the War of 1812 end?", "The War of 1812 ended in 1815.", "1815"),
        ("When did Gauss live?", "Gauss lived from 1777 to 1855.", "Gauss lived from 1777 to 1855"),
        ("When was Pompeii buried?", "Pompeii was buried by Mount Vesuvius in AD 79.", "AD 79"),
        ("When was Mozart born?", "Mozart was born on January 27, 1756, in Salzburg.", "January 27, 1756"),
        (
            "What did Newton discover?",
            "Isaac Newton discovered the laws of motion and of gravity and that white light holds all colours.",
            "Isaac Newton discovered the laws of motion and of gravity and that white light holds all colours",
        ),
        ("What language did Bjarne Stroustrup create?", "C++ was created by Bjarne Stroustrup.", "C++"),
        ("Which metal is liquid?", "Mercury is liquid at room temperature.", "Mercury"),
    ],
)
def test_the_answer_is_what_the_question_did_not_say(question: str, text: str, final: str) -> None:
    assert final_fact(text, question) == final


@pytest.mark.parametrize(
    ("question", "text", "final"),
    [
        ("How many days does it take?", "It takes 3 days to travel 900 miles.", "3 days"),
        ("How many buses do you need?", "You need 3 buses to carry 100 students.", "3"),
        ("How many cookies does each child get?", "They each get 7 cookies, with 1 left over.", "7"),
        ("How much money does she have left?", "She has $15 left after spending $5.", "$15"),
        ("How much does she pay?", "She pays $12 for 3 tickets.", "$12"),
        ("How much do they cost?", "The total cost is $12.50 (5 × $2.50).", "$12.50"),
        ("What is 15% of 240?", "15% of 240 is 36.", "36"),
        ("When does it arrive?", "It arrives at 9 PM.", "9 PM"),
        ("What is the derivative of x^2?", "The derivative of x^2 is 2x.", "2x"),
        ("What is the derivative of x^2?", "f'(x) = 2x", "2x"),
        ("What is the area?", "The area is 25π square cm.", "25π square cm"),
        ("What is the area?", "Answer: 25π", "25π"),
        ("What are the roots?", "The roots of the equation are 2 and 3.", "2 and 3"),
        ("How many apples are left?", "She gave 5 apples of 20 apples away, so 15 are left.", "15"),
        ("How many apples are left?", "Out of the 20 apples, which were red, 15 remain.", "15"),
        ("Out of 20 apples, how many apples has she left?", "Out of her 20 apples, she has 15 left now.", "15"),
        ("How many students are girls?", "There are 20 students at all, and 12 are girls.", "12"),
        ("How many minutes does it take?", "It takes him 2 hours and 30 minutes.", "2 hours and 30 minutes"),
        ("What is left?", "So it is 3 + 4 for the first and 7 in all.", "7"),
    ],
)
def test_the_result_is_of_what_is_asked(question: str, text: str, final: str) -> None:
    assert final_number(text, question) == final
