from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Chunk, Operation
from services.decomposer.decompose import MAX_CHUNKS, decompose

WHOLE = {
    "titles and names": [
        "Who wrote War and Peace?",
        "Which songs did Simon & Garfunkel record in 1968?",
        "When was Procter & Gamble founded?",
        "Tell me about Marks and Spencer and its history",
        "Who directed Catch Me If You Can and Find Me Guilty?",
        "Who starred in Dude, Where's My Car?",
        "Is Antigua and Barbuda larger than Saint Kitts and Nevis?",
        "Who sang Then He Kissed Me and Be My Baby?",
        "What is the plot of The Lion, the Witch and the Wardrobe?",
        "Who played Mr. and Mrs. Smith in the film?",
        "Did J. R. R. Tolkien know C. S. Lewis?",
    ],
    "noun lists and pairs": [
        "Explain the pros and cons of nuclear power",
        "What are the advantages, disadvantages and costs of heat pumps?",
        "List the symptoms of measles, mumps and rubella",
        "Describe the law of supply and demand",
        "What is the difference between grep and find?",
        "Explain read and write permissions in Linux",
        "Give me a recipe for macaroni and cheese",
        "How do plants absorb water and make sugar?",
        "How do I peel, slice and cook an aubergine?",
        "How can I install Docker and then run a container?",
        "Which animals live in trees and hunt at night?",
        "What has four legs and can fly?",
        "Write a script to read a log file and print each error",
        "Write a Python function that takes a list and returns its median",
        "When and where was Frida Kahlo born?",
        "What is the difference between what is legal and what is moral?",
        "Find the composer who was deaf and who wrote nine symphonies",
        "Explain why leaves change colour and why they fall",
        "What happens when you heat sugar and when you cool it?",
        "Between 1914 and 1918, which countries fought?",
        "Who was born first, Bach or Handel?",
    ],
    "back references": [
        "Who founded IKEA and where is it based?",
        "What is the tallest mountain in Africa? How high is it?",
        "Write a limerick about cheese and translate it into Spanish.",
        "Write a poem about autumn. Translate the poem into Italian.",
        "Divide 90 by 6, then multiply by 4.",
        "Take 20% of 350, then subtract 12.",
        "Name three noble gases and give the boiling point of each of them.",
        "Define inflation and give an example.",
        "What is 17 times 23? Explain your reasoning.",
        "Solve 3x + 4 = 19 and show your work",
        "What is the capital of Mongolia and how many people live there?",
        "Find two cheap laptops; which one is lighter?",
        "Who is the mayor of London? And of Paris?",
        "How many calories are in an egg? What about a banana?",
        "Look up the GDP of Chile and the GDP of Peru, then compare the two.",
        "Is glass a liquid? Why?",
        "Who was Rosalind Franklin, and what did she discover?",
        "List five rivers in Asia, then sort them by length",
        "Read the file notes.txt and summarise the contents.",
        "Convert 5 miles to kilometres and round to one decimal",
        "Who won the 1998 World Cup? Who came second? Do the same for 2002.",
    ],
    "quotes, brackets, code, addresses": [
        'Translate "Where is the station? And what time is it?" into French',
        "Translate \u201cCome in; sit down, then tell me everything\u201d into Dutch",
        "What does the phrase 'live and let live, then move on' mean?",
        "Correct this sentence: 'Me and him goes to school. What is they doing?'",
        "Explain the regular expression `^a; what is b\\.$`",
        "What does this do?\n```python\nx = 1; y = 2\nprint(x)\n\nprint('and then')\n```",
        "Open https://example.org/a;b?q=what,is&x=and and list the headings",
        "Send a mail to jane.and.joe@example.com about lunch",
        "What is the population of Georgia (the country, and what is its area)?",
        "What does `git add . && git commit` do?",
        "Rewrite the following text in plain English: The party of the first part shall pay. What is due must be paid.",
    ],
    "numbers, times, abbreviations": [
        "What is 1,250,000 divided by 2.5?",
        "Is 9 a.m. in New York the same as 2 p.m. in London?",
        "Why do U.S. dates put the month first, e.g. 12/31/1999?",
        "What did Dr. King say in Washington, D.C. in 1963?",
        "Does the flight at 6:30 p.m. Eastern arrive before midnight?",
        "What does St. Mary's Church in Lübeck look like?",
    ],
    "word problems": [
        "Sara picks 12 plums and gives 5 to her brother. Then she picks 7 more. How many plums does Sara have now?",
        "The pool is 3 times as deep as Ben is tall. If Ben stands at 5 feet. How deep is the pool?",
        "A baker makes 40 rolls and sells half of them, then he bakes 10 more and eats 2, how many rolls are left?",
        "If a car uses 7 litres per 100 km and petrol costs 2 euros a litre, how much does a trip of 300 km cost?",
        "Each crate holds 24 bottles. There are 6 crates. What is the total number of bottles? Show the steps.",
        "Nina earns $15 an hour. She works 38 hours a week and also tutors for $60 on Saturdays. Calculate her pay.",
        "There were 80 birds on a wire. And 35 flew off. How many birds are on the wire?",
        "After lunch they went to the fair. A ride costs 4 tickets. Lena has 22 tickets. How many rides can Lena take? "
        "How many tickets will Lena have left?",
        "Plan A costs $20 a month. Plan B costs $12 a month plus $2 per call. How many calls make both plans equal?",
        "You buy 3 pens for $1.20 each. Next, you buy a pad for $4. Finally you pay with a $10 note. How much is left?",
        "Two trains start 300 km apart. One goes at 60 km/h and the other at 90 km/h. When do they meet?",
        "Let x be 4 and let y be 7. What is 2x + y?",
        "Mia has 4 boxes. How many pencils does Mia have if each box holds 10? Mia then loses 3. How many are left?",
    ],
    "shared context": [
        "For each country give its capital:\n- Bolivia\n- Ghana\n- Laos",
        "Which of these is a mammal?\na) trout\nb) bat\nc) eagle",
        "Translate into German:\n1. Good evening\n2. See you tomorrow",
        "I am travelling to Japan in May. What should I pack? What visa do I need?",
        "Answer in one word. What is the capital of Fiji? What is the capital of Samoa?",
        "What is the capital of Fiji? What is the capital of Samoa? Please answer in French.",
        "My car won't start. I checked the battery and the fuse. What else should I check?",
        "What should I cook tonight? I have eggs, rice and spinach.",
    ],
    "no cut at all": [
        "good morning",
        "Thanks, that was great!",
        "?",
        "and",
        "then",
        "Please help me",
        "Was ist die Hauptstadt von Portugal und wer schrieb Faust?",
        "\u00bfCu\u00e1l es la capital de Francia y qui\u00e9n pint\u00f3 el Guernica?",
        "Was ist die Hauptstadt von Portugal? Wer hat den Faust geschrieben?",
        "Is it true that cats sleep a lot and that dogs dream?",
        "If I win the lottery, then what should I do?",
        "In 1815, who won at Waterloo?",
        "Explain, in simple words, what entropy is.",
        "Tell me, what is a quasar?",
    ],
}

CUT: dict[str, dict[str, list[str]]] = {
    "and": {
        "Who wrote Of Mice and Men and what is the boiling point of ethanol?": [
            "Who wrote Of Mice and Men",
            "what is the boiling point of ethanol?",
        ],
        "where is Lake Titicaca and how deep is the Mariana Trench": [
            "where is Lake Titicaca",
            "how deep is the Mariana Trench",
        ],
        "Is Python interpreted and is Rust compiled?": ["Is Python interpreted", "is Rust compiled?"],
        "Can you tell me the capital of Kenya and calculate 18% of 250?": [
            "Can you tell me the capital of Kenya",
            "calculate 18% of 250?",
        ],
        "please define entropy and please translate 'thank you' into Japanese": [
            "please define entropy",
            "please translate 'thank you' into Japanese",
        ],
        "What gas do yeast cells release and multiply 14 by 3": [
            "What gas do yeast cells release",
            "multiply 14 by 3",
        ],
        "Who painted Guernica, and in which museum does the Mona Lisa hang?": [
            "Who painted Guernica",
            "in which museum does the Mona Lisa hang?",
        ],
        "Tell me how to boil an egg and how to poach a pear": ["Tell me how to boil an egg", "how to poach a pear"],
        "what's the currency of Sweden and who's the author of Dracula?": [
            "what's the currency of Sweden",
            "who's the author of Dracula?",
        ],
        "Which is heavier, gold or lead, and what is the capital of Malta?": [
            "Which is heavier, gold or lead",
            "what is the capital of Malta?",
        ],
        "If a shirt costs $40 and is 25% off, what is the final price and who invented the zipper?": [
            "If a shirt costs $40 and is 25% off, what is the final price",
            "who invented the zipper?",
        ],
        "Write a limerick about a goat and suggest a name for a bakery": [
            "Write a limerick about a goat",
            "suggest a name for a bakery",
        ],
        "What is sodium chloride & what is 9 squared?": ["What is sodium chloride", "what is 9 squared?"],
    },
    "then, also, plus": {
        "Explain photosynthesis then list three greenhouse gases": [
            "Explain photosynthesis",
            "list three greenhouse gases",
        ],
        "Compute 12 * 12, and then tell me who discovered radium.": [
            "Compute 12 * 12",
            "tell me who discovered radium.",
        ],
        "Who composed The Four Seasons? Also, what is 7 factorial?": [
            "Who composed The Four Seasons?",
            "what is 7 factorial?",
        ],
        "How tall is Mount Fuji, plus what is the speed of sound?": [
            "How tall is Mount Fuji",
            "what is the speed of sound?",
        ],
        "Summarise Hamlet. After that, compare Java and Kotlin. Finally, name a prime above 50.": [
            "Summarise Hamlet.",
            "compare Java and Kotlin.",
            "name a prime above 50.",
        ],
        "What is the capital of Iceland as well as who wrote The Raven?": [
            "What is the capital of Iceland",
            "who wrote The Raven?",
        ],
        "First, what is the capital of Cuba? Second, what is 30% of 90?": [
            "what is the capital of Cuba?",
            "what is 30% of 90?",
        ],
        "First explain gravity, then define velocity, and finally write a haiku about space": [
            "explain gravity",
            "define velocity",
            "write a haiku about space",
        ],
        "Who was Ada Lovelace? And what is the largest ocean?": [
            "Who was Ada Lovelace?",
            "what is the largest ocean?",
        ],
        "When did the Titanic sink? Then: Ella has 5 kites and loses 2. How many kites does Ella have?": [
            "When did the Titanic sink?",
            "Ella has 5 kites and loses 2. How many kites does Ella have?",
        ],
    },
    "semicolons, commas, sentences": {
        "Define osmosis; name the largest moon of Saturn; what is 8 cubed?": [
            "Define osmosis",
            "name the largest moon of Saturn",
            "what is 8 cubed?",
        ],
        "Search flights to Oslo, book a hotel, then write a packing list": [
            "Search flights to Oslo",
            "book a hotel",
            "write a packing list",
        ],
        "Who is Ursula von der Leyen? Where is Bhutan?": ["Who is Ursula von der Leyen?", "Where is Bhutan?"],
        "What is DNA?What is RNA?": ["What is DNA?", "What is RNA?"],
        "Explain recursion. Write a haiku about bees. What is 15 minus 8?": [
            "Explain recursion.",
            "Write a haiku about bees.",
            "What is 15 minus 8?",
        ],
        "Who runs Apple Inc.? What is the ticker of Alphabet Inc. and where is Nestle based?": [
            "Who runs Apple Inc.?",
            "What is the ticker of Alphabet Inc.",
            "where is Nestle based?",
        ],
        "What time is it in Lima when it is noon in Madrid? What language do they speak in Angola?": [
            "What time is it in Lima when it is noon in Madrid?",
            "What language do they speak in Angola?",
        ],
        "Is it safe to eat raw eggs? Is it legal to own a tiger in Texas?": [
            "Is it safe to eat raw eggs?",
            "Is it legal to own a tiger in Texas?",
        ],
        "Translate 'I don't know, and you?' into Greek. Who was Dr. Watson?": [
            "Translate 'I don't know, and you?' into Greek.",
            "Who was Dr. Watson?",
        ],
        "Fix this: `if x = 1: print(x)`. What is the capital of Togo?": [
            "Fix this: `if x = 1: print(x)`.",
            "What is the capital of Togo?",
        ],
        "how many sides has a heptagon\nwho wrote Moby-Dick\nwhat is 6 times 9": [
            "how many sides has a heptagon",
            "who wrote Moby-Dick",
            "what is 6 times 9",
        ],
        "What does a cactus do when it needs water? Why do cats purr?": [
            "What does a cactus do when it needs water?",
            "Why do cats purr?",
        ],
        "Who invented Velcro? Who wrote Carmen and where is it set? What is 5 + 6?": [
            "Who invented Velcro?",
            "Who wrote Carmen and where is it set?",
            "What is 5 + 6?",
        ],
        "Define isotope. Explain fission. Which of the two is a process? Who wrote Ulysses?": [
            "Define isotope.",
            "Explain fission. Which of the two is a process?",
            "Who wrote Ulysses?",
        ],
    },
    "lists": {
        "1. What is an atom?\n2. What is an ion?": ["What is an atom?", "What is an ion?"],
        "a) Who wrote Emma? b) What is 11 times 11? c) Where is Petra?": [
            "Who wrote Emma?",
            "What is 11 times 11?",
            "Where is Petra?",
        ],
        "(1) Define torque. (2) Name a noble gas.": ["Define torque.", "Name a noble gas."],
        "Answer these questions:\n- Who painted The Scream?\n- What is 3.5 times 2?": [
            "Who painted The Scream?",
            "What is 3.5 times 2?",
        ],
        "I have two questions: 1) What is a quark? 2) Who was Plato?": ["What is a quark?", "Who was Plato?"],
        "* melting point of iron\n* density of gold\n* author of Faust": [
            "melting point of iron",
            "density of gold",
            "author of Faust",
        ],
        "1. Write a poem about tea.\n2. Translate it into Welsh.\n3. What is 2 to the power of 10?": [
            "Write a poem about tea.\n2. Translate it into Welsh.",
            "What is 2 to the power of 10?",
        ],
        "Q1: What is a proton? Q2: Who was Socrates?": ["What is a proton?", "Who was Socrates?"],
    },
    "word problems beside other parts": {
        "Omar had 15 marbles. He lost 6. How many marbles does Omar have? What is the capital of Qatar?": [
            "Omar had 15 marbles. He lost 6. How many marbles does Omar have?",
            "What is the capital of Qatar?",
        ],
        "Who discovered oxygen? Zoe bakes 24 muffins and then eats 3. She also bakes 12 more. How many muffins are "
        "there? Next, translate 'cheese' into Danish.": [
            "Who discovered oxygen?",
            "Zoe bakes 24 muffins and then eats 3. She also bakes 12 more. How many muffins are there?",
            "translate 'cheese' into Danish.",
        ],
        "A tank holds 90 litres. If 35 litres leak out. How much is left in the tank? Then what is the chemical symbol "
        "for tin; also add 12 and 30?": [
            "A tank holds 90 litres. If 35 litres leak out. How much is left in the tank?",
            "what is the chemical symbol for tin",
            "add 12 and 30?",
        ],
        "Compute 9 times 9. Liam reads 20 pages a day for 6 days. How many pages does he read?": [
            "Compute 9 times 9.",
            "Liam reads 20 pages a day for 6 days. How many pages does he read?",
        ],
        "A lake is 30 m deep and the river is 4 m deep. How much deeper is the lake? Also, what is the chemical formula "
        "of methane?": [
            "A lake is 30 m deep and the river is 4 m deep. How much deeper is the lake?",
            "what is the chemical formula of methane?",
        ],
        "I have 12 eggs and use 5. How many do I have? Also, who wrote The Trial and what is 14 minus 9?": [
            "I have 12 eggs and use 5. How many do I have?",
            "who wrote The Trial",
            "what is 14 minus 9?",
        ],
        "If Kim runs 5 km a day, how far does Kim run in a week? Then who sculpted The Thinker?": [
            "If Kim runs 5 km a day, how far does Kim run in a week?",
            "who sculpted The Thinker?",
        ],
    },
}


def flat(table: dict[str, list[str]]) -> list[str]:
    return [query for queries in table.values() for query in queries]


def texts(query: str) -> list[str]:
    return [chunk.text for chunk in decompose(query)]


@pytest.mark.parametrize("query", flat(WHOLE))
def test_one_part_stays_whole(query: str) -> None:
    assert texts(query) == [query]


@pytest.mark.parametrize(("query", "parts"), [pair for table in CUT.values() for pair in table.items()])
def test_independent_parts_are_cut(query: str, parts: list[str]) -> None:
    assert texts(query) == parts
