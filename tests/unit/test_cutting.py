from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.plans import Chunk
from services.decomposer.cutting.cut import MAX_CHUNKS, cut, parts

# One query a line, written as it is sent, but for braces around what a cut drops and "⏎" for a new line.
CASES = """
# titles and names: whole
Who wrote War and Peace?
Which songs did Simon & Garfunkel record in 1968?
When was Procter & Gamble founded?
Tell me about Marks and Spencer and its history
Who directed Catch Me If You Can and Find Me Guilty?
Who starred in Dude, Where's My Car?
Is Antigua and Barbuda larger than Saint Kitts and Nevis?
Who sang Then He Kissed Me and Be My Baby?
What is the plot of The Lion, the Witch and the Wardrobe?
Who played Mr. and Mrs. Smith in the film?
Did J. R. R. Tolkien know C. S. Lewis?
# noun lists and pairs: whole
Explain the pros and cons of nuclear power
What are the advantages, disadvantages and costs of heat pumps?
List the symptoms of measles, mumps and rubella
Describe the law of supply and demand
What is the difference between grep and find?
Explain read and write permissions in Linux
Give me a recipe for macaroni and cheese
How do plants absorb water and make sugar?
Explain how to find the area of a circle and compute the volume of a ball.
Show me how to find a hotel and list its rooms.
How do I peel, slice and cook an aubergine?
How can I install Docker and then run a container?
Which animals live in trees and hunt at night?
What has four legs and can fly?
Write a script to read a log file and print each error
Write a Python function that takes a list and returns its median
When and where was Frida Kahlo born?
What is the difference between what is legal and what is moral?
Find the composer who was deaf and who wrote nine symphonies
Explain why leaves change colour and why they fall
What happens when you heat sugar and when you cool it?
Between 1914 and 1918, which countries fought?
Who was born first, Bach or Handel?
# back references: whole
Who founded IKEA and where is it based?
What is the tallest mountain in Africa? How high is it?
Write a limerick about cheese and translate it into Spanish.
Write a poem about autumn. Translate the poem into Italian.
Divide 90 by 6, then multiply by 4.
Take 20% of 350, then subtract 12.
Name three noble gases and give the boiling point of each of them.
Define inflation and give an example.
What is 17 times 23? Explain your reasoning.
Solve 3x + 4 = 19 and show your work
What is the capital of Mongolia and how many people live there?
Find two cheap laptops; which one is lighter?
Who is the mayor of London? And of Paris?
How many calories are in an egg? What about a banana?
Look up the GDP of Chile and the GDP of Peru, then compare the two.
Is glass a liquid? Why?
Who was Rosalind Franklin, and what did she discover?
List five rivers in Asia, then sort them by length
Read the file notes.txt and summarise the contents.
Convert 5 miles to kilometres and round to one decimal
Who won the 1998 World Cup? Who came second? Do the same for 2002.
# quotes, brackets, code, addresses: whole
Translate "Where is the station? And what time is it?" into French
Translate “Come in; sit down, then tell me everything” into Dutch
What does the phrase 'live and let live, then move on' mean?
Correct this sentence: 'Me and him goes to school. What is they doing?'
Explain the regular expression `^a; what is b\\.$`
What does this do?⏎```python⏎x = 1; y = 2⏎print(x)⏎⏎print('and then')⏎```
Open https://example.org/a;b?q=what,is&x=and and list the headings
Send a mail to jane.and.joe@example.com about lunch
What is the population of Georgia (the country, and what is its area)?
What does `git add . && git commit` do?
Rewrite the following text in plain English: The party of the first part shall pay. What is due must be paid.
# numbers, times, abbreviations: whole
What is 1,250,000 divided by 2.5?
Is 9 a.m. in New York the same as 2 p.m. in London?
Why do U.S. dates put the month first, e.g. 12/31/1999?
What did Dr. King say in Washington, D.C. in 1963?
Does the flight at 6:30 p.m. Eastern arrive before midnight?
What does St. Mary's Church in Lübeck look like?
# word problems: whole
Sara picks 12 plums and gives 5 to her brother. Then she picks 7 more. How many plums does Sara have now?
The pool is 3 times as deep as Ben is tall. If Ben stands at 5 feet. How deep is the pool?
A baker makes 40 rolls and sells half of them, then he bakes 10 more and eats 2, how many rolls are left?
If a car uses 7 litres per 100 km and petrol costs 2 euros a litre, how much does a trip of 300 km cost?
Each crate holds 24 bottles. There are 6 crates. What is the total number of bottles? Show the steps.
Nina earns $15 an hour. She works 38 hours a week and also tutors for $60 on Saturdays. Calculate her pay.
There were 80 birds on a wire. And 35 flew off. How many birds are on the wire?
After lunch they went to the fair. A ride costs 4 tickets. Lena has 22 tickets. How many rides can Lena take? \
How many tickets will Lena have left?
Plan A costs $20 a month. Plan B costs $12 a month plus $2 per call. How many calls make both plans equal?
You buy 3 pens for $1.20 each. Next, you buy a pad for $4. Finally you pay with a $10 note. How much is left?
Two trains start 300 km apart. One goes at 60 km/h and the other at 90 km/h. When do they meet?
Let x be 4 and let y be 7. What is 2x + y?
Mia has 4 boxes. How many pencils does Mia have if each box holds 10? Mia then loses 3. How many are left?
# shared context: whole
For each country give its capital:⏎- Bolivia⏎- Ghana⏎- Laos
Which of these is a mammal?⏎a) trout⏎b) bat⏎c) eagle
Translate into German:⏎1. Good evening⏎2. See you tomorrow
I am travelling to Japan in May. What should I pack? What visa do I need?
Answer in one word. What is the capital of Fiji? What is the capital of Samoa?
What is the capital of Fiji? What is the capital of Samoa? Please answer in French.
My car won't start. I checked the battery and the fuse. What else should I check?
What should I cook tonight? I have eggs, rice and spinach.
# no cut at all: whole
good morning
Thanks, that was great!
?
and
then
Please help me
Was ist die Hauptstadt von Portugal und wer schrieb Faust?
¿Cuál es la capital de Francia y quién pintó el Guernica?
Was ist die Hauptstadt von Portugal? Wer hat den Faust geschrieben?
Is it true that cats sleep a lot and that dogs dream?
If I win the lottery, then what should I do?
In 1815, who won at Waterloo?
Explain, in simple words, what entropy is.
Tell me, what is a quasar?
# more that stay whole
What is the difference between "affect" and "effect"?
Who founded Johnson & Johnson and in what year was it founded?
Give me the lyrics meaning of Bohemian Rhapsody and Stairway to Heaven
How do I uninstall Windows and install Linux instead?
How would you compare and contrast mitosis and meiosis?
Write a function that reads a CSV file, sorts the rows and prints them.
Explain what a mutex is and how it differs from a semaphore.
What should I do before and after a marathon?
List all prime numbers between 10 and 30.
If 3x + 2 = 11 and y = 2x, what is y?
What's the best time to visit Japan and why?
Tell me a joke about cats and dogs, please.
Which film won Best Picture in 1994, and who directed it?
Let's say I invest $1000 at 5% for 10 years. What will it be worth? And at 7%?
A shop sells pens at $2 and pads at $3. Kate buys 4 pens and 2 pads. Find the total she pays.
Mr. Jones has 12 cows. Each cow gives 20 litres of milk. He sells the milk at $0.50 a litre. How much does Mr. \
Jones earn?
The sum of two numbers is 30 and their difference is 4. What are the numbers?
Marco read 30 pages on Monday, twice as many on Tuesday and then 10 on Wednesday. How many pages did he read in \
total?
There are 24 students in a class. One third are boys. How many are girls? What percentage of the class is boys?
In a garden there are 5 rows with 8 tulips each. If a rabbit eats 7 tulips and then the gardener plants 3 more. \
How many tulips are there in the garden?
Correct the grammar: he go to school and then what do he eat?
Summarize this article: The council met on Monday. What will happen next is unclear. Find out more online.
def f(x): return x and x + 1 - what does this function return?
Why do we say "Bless you!" when someone sneezes?
Is 7:30 a.m. too early to mow the lawn and is it legal?
Is a tomato a fruit or a vegetable?
Plan a menu for six people and make a shopping list for it.
What is 15% of 80? Double that.
What is the half-life of carbon-14 and how is it used?
Write a SQL query to find duplicates and delete them
Who wrote 'To be, or not to be' and what does the line mean?
How many moons does Mars have and what are they called?
What's bigger: the moon or Pluto?
Name the largest planet and its moons.
What is a good name for a cat? And for a dog?
Create a table with three columns: name, age and city.
Pick a random country and tell me about its flag.
What did Marie Curie discover and when did she die?
Explain the phrase "an eye for an eye, and a tooth for a tooth".
Find the area of a circle with radius 5 and the circumference of a circle with radius 3.
Quelle est la capitale de l'Italie et qui a peint la Joconde ?
Write the email to bob@corp.com; cc: amy@corp.com.
Compare the populations of India and China and explain the difference.
Who sang Sound and Vision?
What is rock and roll?
Find a recipe for fish and chips
Who wrote The Old Man and the Sea?
Compare cats and dogs
What is the sum of 12 and 30?
Subtract 15 from 40 and multiply the answer by 3
Calculate 20% of 50, then double it
Look up the weather in Oslo and tell me whether I need a coat for it
Translate 'then we left, and it rained' into German
What does "if and only if" mean?
Why did Germany and Japan lose the war?
Explain cause and effect in history
After dinner, what should I drink?
When it rains, what do ants do?
Print 'a; b; c' in Python
Run `ls | grep foo; echo then` and explain the output
What is 10:30 p.m. in New York in Tokyo time?
Is Mt. Everest higher than K2?
Who are Mr. Darcy and Mrs. Bennet?
How many weeks are there in a year and a half?
Summarise chapters 1, 2 and 3 of Moby Dick
Is it raining in London and is it cold there?
Find the largest city in Canada and its population
What is the name of the actor who played Neo and when was he born?
Check https://news.site.com/today?x=a;b and tell me the top story
Download report.final.pdf and extract the tables from it
If Ana is 12 and her brother is 3 years younger, how old is her brother?
Pam has 4 red and 5 blue pens, then loses 2. How many pens does Pam have left?
A bus has 40 seats. At the first stop 12 people get on, and at the next 9 more. Then 4 get off. How many seats \
are free?
First mix the flour and sugar, then add the eggs, and bake for 20 minutes. How many steps is that?
What is the meaning of life, the universe and everything?
Name a city in France and a city in Spain.
Who won, Ali or Frazier?
bread, milk and eggs
yes
How do I get to the station and then to the airport?
What was it like to live in ancient Rome?
Write a dialogue between a cat and a dog and give it a title
Find a gym near me and check its opening hours
Which of these is prime: 21, 23, 25?
Tell me a story, then another.
Solve x + 2 = 5. Then use that value to find y = 3x.
List three colors and for each one name a fruit.
What is the population of France, and that of Spain?
What is the population of France, and how does it compare to Spain?
Is 17 prime? Is 21?
Explain gravity like I'm five and then like I'm a physicist.
I'd like to know who invented the telephone{ and }I'd also like to know what 20% of 45 is
Who won the Fields Medal in 1990, and what for?
Who invented the stapler and in what year?
Think of a colour. Mix it with blue. What do you get?
Investigate solar panels and summarise your findings
Read the following sentence and count the vowels: The rain fell and the wind howled.
Proofread the text below and list the errors: They was late and who knows why.
What happened on Oct. 4, 1957 and why did it matter?
Find a tutor who can explain algebra and tell me a story
Find a bot that answers questions and translate text with it
# and
Who wrote Of Mice and Men{ and }what is the boiling point of ethanol?
where is Lake Titicaca{ and }how deep is the Mariana Trench
Is Python interpreted{ and }is Rust compiled?
Can you tell me the capital of Kenya{ and }calculate 18% of 250?
please define entropy{ and }please translate 'thank you' into Japanese
What gas do yeast cells release{ and }multiply 14 by 3
Who painted Guernica{, and }in which museum does the Mona Lisa hang?
Tell me how to boil an egg{ and }how to poach a pear
what's the currency of Sweden{ and }who's the author of Dracula?
Which is heavier, gold or lead{, and }what is the capital of Malta?
If a shirt costs $40 and is 25% off, what is the final price{ and }who invented the zipper?
Write a limerick about a goat and suggest a name for a bakery
What is sodium chloride{ & }what is 9 squared?
Name the singer who recorded Thriller{ and }define osmosis
Tell me the year that Troy was found{ and }tell me the capital of Latvia
Write a script that counts words, and explain what a closure is
Come up with a slogan for a zoo and compute 6 choose 2
Solve 2x + 1 = 9{, then }solve 3y = 27
divide 84 by 7{ next }what is the capital of estonia
# then, also, plus
Explain photosynthesis{ then }list three greenhouse gases
Compute 12 * 12{, and then }tell me who discovered radium.
Who composed The Four Seasons?{ Also, }what is 7 factorial?
How tall is Mount Fuji{, plus }what is the speed of sound?
Summarise Hamlet.{ After that, }compare Java and Kotlin.{ Finally, }name a prime above 50.
What is the capital of Iceland{ as well as }who wrote The Raven?
{First, }what is the capital of Cuba?{ Second, }what is 30% of 90?
First explain gravity, then define velocity, and finally write a haiku about space
Who was Ada Lovelace?{ And }what is the largest ocean?
When did the Titanic sink?{ Then: }Ella has 5 kites and loses 2. How many kites does Ella have?
Find seats to Bonn{, then }calculate 3 rooms at $45.50 each
# semicolons, commas, sentences
Define osmosis{; }name the largest moon of Saturn{; }what is 8 cubed?
Search flights to Oslo, book a hotel, then write a packing list
Who is Ursula von der Leyen?{ }Where is Bhutan?
What is DNA?{}What is RNA?
Explain recursion. Write a haiku about bees. What is 15 minus 8?
Who runs Apple Inc.?{ }What is the ticker of Alphabet Inc.{ and }where is Nestle based?
What time is it in Lima when it is noon in Madrid?{ }What language do they speak in Angola?
Is it safe to eat raw eggs?{ }Is it legal to own a tiger in Texas?
Translate 'I don't know, and you?' into Greek.{ }Who was Dr. Watson?
Fix this: `if x = 1: print(x)`. What is the capital of Togo?
how many sides has a heptagon{⏎}who wrote Moby-Dick{⏎}what is 6 times 9
What does a cactus do when it needs water?{ }Why do cats purr?
Who invented Velcro?{ }Who wrote Carmen and where is it set?{ }What is 5 + 6?
Define isotope.{ }Explain fission. Which of the two is a process?{ }Who wrote Ulysses?
# lists
{1. }What is an atom?{⏎2. }What is an ion?
{a) }Who wrote Emma?{ b) }What is 11 times 11?{ c) }Where is Petra?
{(1) }Define torque.{ (2) }Name a noble gas.
{Answer these questions:⏎- }Who painted The Scream?{⏎- }What is 3.5 times 2?
{I have two questions: 1) }What is a quark?{ 2) }Who was Plato?
{* }melting point of iron{⏎* }density of gold{⏎* }author of Faust
1. Write a poem about tea.⏎2. Translate it into Welsh.⏎3. What is 2 to the power of 10?
{Q1: }What is a proton?{ Q2: }Who was Socrates?
{Step 1: }compute 7 * 8{⏎Step 2: }name the capital of Norway
# word problems beside other parts
Omar had 15 marbles. He lost 6. How many marbles does Omar have?{ }What is the capital of Qatar?
Who discovered oxygen?{ }Zoe bakes 24 muffins and then eats 3. She also bakes 12 more. How many muffins are \
there?{ Next, }translate 'cheese' into Danish.
A shop noted the following number of guests: 41, 38, 52 and 45. What is the mean of the number of guests?\
{ Then }who painted Olympia?
A tank holds 90 litres. If 35 litres leak out. How much is left in the tank?{ Then }what is the chemical symbol \
for tin{; also }add 12 and 30?
Compute 9 times 9.{ }Liam reads 20 pages a day for 6 days. How many pages does he read?
A lake is 30 m deep and the river is 4 m deep. How much deeper is the lake?{ Also, }what is the chemical \
formula of methane?
I have 12 eggs and use 5. How many do I have?{ Also, }who wrote The Trial{ and }what is 14 minus 9?
If Kim runs 5 km a day, how far does Kim run in a week?{ Then }who sculpted The Thinker?
# more that are cut
Who painted Girl with a Pearl Earring{ and }how many strings does a cello have?
What's 9*7?{ }What's the capital of Nepal?
Tell me the boiling point of mercury, and the author of Don Quixote{, and }compute 14 plus 27
Calculate the area of a 4 by 6 rectangle{ and }explain the theory of plate tectonics.
Convert 10 miles to kilometres{, then }name the Great Lakes.
Could you please explain what inflation is?{ Also }could you list five fruits high in iron?
What is the tallest building in the world{, }who was the first man on the moon{, and }what is 7 times 8?
Write a short story about a dragon. Next, what is the square root of 225?
Solve 2x + 6 = 10{; then }explain how vaccines work
Do penguins fly?{ }Do bats lay eggs?
Who is the CEO of Toyota?{ Besides, }which river flows through Cairo?
{1) }capital of Ecuador{ 2) }capital of Oman{ 3) }capital of Laos
Please answer the following questions:⏎⏎1. What is the chemical formula of table salt?⏎⏎2. How many legs \
does a spider have?⏎⏎3. Write a haiku about snow.
{Hi! }What is the capital of Finland?{ }Who wrote Kalevala?
Find the cheapest flight to Rome, then find a hostel in Rome, and finally draft a packing list
Generate a password with 12 characters. Who invented cryptography?
What is the plural of mouse{⏎⏎}What is the past tense of go
Ben has 8 coins and finds 3 more. How many coins does Ben have?{ }Who invented money?
Who wrote Les Miserables?{ }A farmer has 17 sheep and all but 9 run away. How many sheep are left?
Anna buys 3 shirts at $12 and a hat at $9. How much does she spend?{ Also }compute 17 times 3.{ Finally, }who \
wrote Anna Karenina?
Which is larger, 0.9 or 0.11?{ And }which gas makes up most of the air?
Add 17 and 25{, }multiply 6 by 9{ and }divide 81 by 9.
Recommend a book about Rome and describe the causes of World War I
When was the U.N. founded?{ }When did the Berlin Wall fall?
Who lives at 10 Downing St. in London?{ }What is 100 minus 37?
Define 'opportunity cost'{; }what does GDP stand for?
how far is the moon{ and }how hot is the sun
Write a regex that matches an e-mail address. What does HTTP stand for, and who created Python?
What is the speed of light{ & }who discovered gravity?
What is the weather like on Venus?{ }What year did World War II end?{ And }what is 5 factorial?
If a book costs $8, how much do 7 books cost?{ Then }name the author of Emma.
Name the seven continents.{ }How many minutes are in a day?
Translate 'see you soon' to Italian and 'good luck' to French.{ Then, }what is 12 squared?
Two friends share 3 pizzas cut into 8 slices each. They eat 5 slices each. How many slices remain?{ After that, \
}explain why bread rises.
How do you say 'hello' in Thai{, and }what is 8 times 12?
What happens when ice melts?{ }What is the atomic mass of oxygen?
Which company makes the iPhone{ and }which company makes the Galaxy?
What is 40% of 90{, }what is the capital of Chad?
{- }Who wrote Dune?{⏎- }What is 3 cubed?{⏎- }Explain rain
Tell me about the Eiffel Tower.{ }Tell me about the Colosseum.
What do bees eat{, and }what is the opposite of hot?
Write a tweet about coffee, a haiku about tea, and explain what espresso is.
Convert 5 km to miles{ and }tell me who invented the metre
Calculate sales tax on $80, find a good pizza place in Naples, and write a limerick
Define entropy{; }define enthalpy{; }define heat
Say "hello and goodbye" in French{, then }compute 7 * 6
Who wrote Sons and Lovers{ and }who wrote Wives and Daughters?
What is 1,200 plus 3,450{; and }what is the capital of Ghana?
Explain the water cycle and then write a poem about frogs
Describe the Battle of Hastings.{ Then }calculate 1066 + 950.
What is the capital of Bosnia and Herzegovina{ and }what is the capital of Trinidad and Tobago?
Where is Kyiv{, }when was Mozart born{, and }how many legs has a crab?
Why do cats purr{ and }why do dogs bark?
What time is it in Berlin when it is 5 p.m. in Boston{, and }who is the mayor of Boston?
{• }What is an acid?{⏎• }What is a base?{⏎• }Define pH
{1. }Add 3 and 4{⏎2. }Multiply 5 by 6{⏎3. }Subtract 2 from 9
{first }what is the capital of Libya{ then }what is 8 times 9
Joe had 20 stamps and gave away 6. How many stamps are left?{ After that, }define philately.
Summarise Macbeth{; }Sam has 3 cats and buys 2 more, how many cats does Sam have?
Find restaurants in Lyon{, }compare train prices{, then }plan a picnic{, and finally }calculate 15% of 60
Is Pluto a planet?{ }Is the Earth round?{ }Is glass a liquid?
Can you explain Ohm's law{, and }can you list the primary colours?
What is the freezing point of water in Fahrenheit{, also }what is the chemical symbol for lead?
Write a limerick about Mars, and please tell me when Galileo was born
Name the author of Ivanhoe.{ Finally, }multiply 12 by 12.
What is HTML?{ }What is CSS?{ }What does JS stand for?
Fix this code: `print 'a and b'` and tell me what the capital of Mali is
How many ounces are in a pound{ and }how many feet are in a mile?
Who is older, Tom Hanks or Brad Pitt?{ And }who directed Jaws?
Find cheap flights to Lima{ as well as }explain what jet lag is
How many days has April?{ Next question: }who invented the radio?
Maria baked 30 scones. She sold 18 of them at $2 each. How much money did she make?{ }What is the largest lake \
in Africa?{ Also, }subtract 13 from 50.
who was the first king of england{ and }when was the magna carta signed
Book a flight to Madrid{, }reserve a table at Botin{, then }calculate 12% of 340
# fourth list
What is the capital of the country where Nelson Mandela was born?
Who sings You and I?
When did Lewis and Clark reach the Pacific?
What are the rules of hide and seek?
Explain the plot of Beauty and the Beast in two sentences.
How do you make bread and butter pickles?
Is AT&T bigger than Verizon?
Did Bonnie and Clyde rob banks, or was that a myth?
What would happen if the moon disappeared and the tides stopped?
Find all files larger than 1 GB and move them to /tmp
If Lucy has 8 sweets and eats 3 and then her mum gives her 5 more, how many sweets does she have?
The price of a coat is $80. It is reduced by 25%. Then a further 10% is taken off. What is the final price?
A cyclist rides 15 km in an hour. At that speed, how long does he need for 60 km? How far does he get in 90 minutes?
Ravi is twice as old as Mina. In 5 years the sum of their ages will be 40. How old is Ravi?
Write a cover letter. It should be short and mention Python.
Suggest a gift for my dad. He likes fishing and jazz.
Which planet has the most moons? How many are there?
Name a famous painter and one of his works.
Summarise the text in quotes: "We came. Then we saw; and what did we do? We won."
What's the difference between `is` and `==` in Python, and when should I use each?
Write a function `add(a, b)` and test it with 2 and 3.
How long is the Nile, and which countries does it cross?
Please translate: Where is the library? I need a book.
What is the area of a rectangle that is 6 cm long and 4 cm wide? What is its perimeter?
Do you prefer tea or coffee, and why?
Why is 6 afraid of 7? Because 7 8 9. Explain the joke.
Explain what happened in 1989 in Berlin and why it mattered.
I bought 4 shirts for $15 each and paid with a $100 bill. How much change did I get?
Help me plan a trip: 3 days in Rome, then 2 days in Florence and a day in Pisa.
Who invented the light bulb{ and }is the speed of light constant?
What is 144 / 12{, and }what is the largest mammal?
Divide 144 by 12, then name the largest mammal, then write a haiku about whales
A pack has 6 cans. Leo buys 4 packs and drinks 5 cans. How many cans remain?{ Also, }who wrote Les Fleurs du mal?
Which ocean is the deepest?{ Also: }Kim had $50 and spent $18 on a book. How much money does Kim have left?
What is the boiling point of nitrogen{; }what is the symbol for potassium{; }compute 16 squared
In what year did Apollo 11 land on the moon{, and }in what year was the Eiffel Tower built?
{Hello, }can you tell me who painted Las Meninas?{ Also }I want to know what 45 times 3 is.
{1. }Who wrote Hamlet?{⏎2. }Calculate 15 * 14.{⏎3. }Compare tea and coffee.
Find a vegan recipe with lentils{; }compute 30% of 250{; and }translate 'good night' into Polish.
What is the capital of Canada? What about 5 times 5?
Who wrote Romeo and Juliet{, and }what is the capital of Trinidad and Tobago{, and }compute 10 minus 4?
List three uses of copper.{ }Explain how batteries work.{ }What is 99 times 9?
What's the tallest animal? The fastest fish?
Could you calculate 35% of 640{, and also }explain what a black hole is?
{Next, }what is the capital of Laos?{ Finally, }who wrote Walden?
Write an email to my boss asking for leave. Also list the public holidays in France.
Tell me a joke, then tell me the capital of Peru
A train travels 240 km in 3 hours. What is its average speed?{ Then }what is the chemical formula of ammonia{, \
and }add 77 and 88?
What is the longest river in Europe?{⏎}What is the highest peak in Europe?{⏎⏎Thanks!}
Define democracy{, }explain federalism{, and }compare the Senate and the House.
Who discovered America{ and }when did the Roman Empire fall{ and }how many bones are in the body?
Are cats smarter than dogs?{ }Can penguins fly?{ }Should I invest in gold?
Compute 8!{ and }tell me who proved Fermat's Last Theorem
what is the meaning of 'carpe diem'{ and }who said 'I think, therefore I am'
Emma has 24 roses. She puts 6 in each vase. How many vases does she need?{ }Who painted Sunflowers?{ }Multiply \
12 by 15.
Find the derivative of x^2 and the integral of 2x{, then }state the chain rule
Where were the 2012 Olympics held{ and }who won the 100 m?
{- }Capital of Spain{⏎- }Capital of Italy{⏎- }12 x 12
# more ways to join
Who wrote Lolita?{ After that, }work out 910 minus 265.
Figure out 35% of 80.{ On top of that, }what is the currency of Norway?
What is 16 times 4{, and besides that, }who discovered Neptune?
Who sang Thriller{, apart from that }what is 13 squared?
Compute 66 plus 79.{ Following that, }name the smallest ocean.
Tell me the capital of Bulgaria{; once done, }compute 7 times 19.
Add up 5, 16 and 31.{ When you have finished, }tell me who wrote Nana.
What is 96 divided by 8?{ As a next step, }say who painted Olympia.
What is 96 divided by 8?{ One more thing: }who painted Olympia?
Who composed Aida?{ While you are at it, }what is 90 minus 44?
Who composed Aida?{ To finish, }subtract 45 from 120.
Who composed Aida{, followed by }what is 120 minus 45?
Who composed Aida?{ In addition to that, }how many sides does a hexagon have?
{First of all, }who composed Aida?{ Second of all, }what is 90 divided by 6?
{Part one: }what is the capital of Gabon?{ Part two: }what is 7 times 6?
{First }tell me the capital of Latvia{, second }the capital of Nepal{, and third }who wrote Candide.
What's 7.5% of 160{, as well as }the capital of Romania?
how many legs does an ant have{, }what is 100 minus 37{, }who was the first man in space
I'd like to know the currency of Chad.{ }I'd also like to know what 13 times 7 is.
What is the melting point of tin?{ Then solve this: }Ida cuts a rope of 48 metres into 6 pieces. Ole takes 2 pieces. \
How many metres does she keep?{ Finally, }who wrote Heidi?
Who wrote Heidi?{ Here is a word problem: }Sam has 9 cards. Lee has 4 cards. How many cards do they have together?
Olga had 60 stamps and sold 22. How many stamps are left?{ Next, }who founded Ilo Films with her brother Tim?
What is the cost of a $60 shirt after a 15% discount{, and }who is on the back of the one-euro coin?
13 times 11{, then }who wrote Heidi?
Who invented dynamite{; then }13 times 11.
Who invented dynamite?{ }13 x 11{, then }name a gas.
Tell me the capital of Togo{; }the author of Heidi{; and }18 + 24
What is the capital of Togo{, then }the currency of Japan?
{Please answer: }what is 17 plus 28{, and }what is the national animal of Scotland?
# what looks like them: whole
Jon has 5 pens. On top of that, he buys 7 pens. How many pens does Jon have?
Ann has 40 dollars. Besides that, she owns 12 coins. She spends 9 dollars. How much money does she have left?
How do I work out at home and figure out my diet?
What is 12 plus the number of Great Lakes?
What is the price of a coat, as well as the cost of a hat in France?
Solve this equation: 3x + 4 = 19. Show the steps.
Multiply 6 by 7. Once you have that, add 10 to it.
Who discovered Greenland? Who sailed with his brother?
Who is the tallest man in the world? After that, who is the next tallest?
Divide 50 marbles into 8 equal groups. How many marbles remain?
A number is doubled and 5 is added, giving 21. Write an equation and find the number.
If Tim, who is 4 years older than Ann, is 12 years old, how old is Ann?
Compare the area of Peru, then the area of Chile.
What is the sum of 3 and 12 times 11?
There are 3 rows of 4 plants. 5 of 12 die. How many plants live?
The first question was answered by 12 pupils, the second question by 9 pupils. How many pupils gave an answer?
Ben had $20. He spent $8, followed by $5. How much money does Ben have now?
To end world hunger, what should we do?
After that war, who ruled France?
# givens that several questions share: whole
Let x = 4 and y = 9. What is x + y? What is x * y?
If x = 4, what is 2x and what is 7x?
What is x if 2x=14 and what is y if y=x+5?
Suppose a = 6. Compute a + 3. Compute a * 7.
Let n be 14. Is n even? What is n squared?
width = 5 and height = 8. What is width * height? What is width + height?
f(x) = x^2 + 3. What is f(2)? Who was Euler? What is f(5)?
Solve 3x + 1 = 13. What is 5x?
For a 6 by 4 rectangle, what is the area and what is the perimeter?
In Norway, what is the capital and what is the currency?
In 2012, who won the US election and who won the Nobel Peace Prize?
In 1969, who was the president of the USA and who landed on the moon?
Without a calculator, what is 12 times 13 and what is 14 times 15?
A circle has radius 7. What is the area? What is the circumference?
A box is 6 cm long and 4 cm wide. Find the perimeter. Find the area.
# what leaves out a noun, or of what it is: whole
How many minutes are in a day and how many in a week?
How many legs does an ant have and how many does a crab?
Who was the first US president and who was the third?
What is the largest planet and what is the smallest?
Who is the richest man and who is the second richest?
When was the Black Death and how many people died?
Who won the 2010 World Cup, and what was the score?
What is the population of Lyon? What is the area?
How do I bake bread and how long does it take?
How do I make waffles and how many eggs do I need?
How does a heat pump work and how much does one cost?
What is a heat pump and how does it work?
Explain inheritance and write an example in Java.
What is a closure? Show an implementation in Python.
Who was the first man on the moon and what was the name of his spacecraft?
Who wrote Emma and what is the title of her last novel?
Who was Rosa Parks and in which cities were her speeches held?
What is the name of the river in Cairo and what is the name of its source?
A circle has radius 7. What is the area? Who wrote Emma? What is the circumference?
Tom has 5 apples and buys 3. How many apples does Tom have? Who wrote Emma? How many would he have with 2 more?
A train goes at 60 km/h. How far does it go in 2 hours? Who wrote Emma? How far does the train go in 5 hours?
A train goes at 60 km/h. How far does it go in 2 hours? How far in 5 hours?
The price is $80. What is 10% of the price? What is 20% of the price?
Here is a list: 4, 7, 9. What is the largest number? What is the smallest number?
What is 15% of 80? What is 20%?
How many days are in a year and how many weeks?
When did WWI start and when did WWII?
Who was president in 1990 and who in 2000?
Write a haiku about rain. Now make one about snow.
Calculate 17% of 80 and round up.
What is mitosis? Name the phases.
Suggest a name for my cat and explain the choice.
Who wrote The Hobbit and what other books did the author write?
What is inflation and what are some causes?
Describe the French Revolution and list three causes.
I have a dog. What should I feed him? What vaccines are needed?
What is TCP? What is UDP? Which is faster?
What is TCP, what is UDP, and how do they differ?
How old is Messi? How old is Ronaldo? Who is older?
Explain what DNA is. Explain what RNA is. Compare the two.
Compute 3^4. Compute 2^8. Add both results.
What is 3 + 4? What is 5 + 6? What is the sum of the answers?
What is the capital of Peru and what is the largest city?
What is the capital of Peru and what languages are spoken?
Who wrote 1984 and what is the book about?
When was the Eiffel Tower built and how tall is the tower?
What is a mortgage and how do I get one?
Is a whale a fish? If not, what is it?
Which team won the cup in 2010 and which in 2014?
# what does not
Omar had 15 marbles and lost 6. How many marbles does Omar have?{ }Who wrote Carmen? Where is it set?
Who invented the zipper{ and }who proved the incompleteness theorem?
How many continents are there{ and }how many oceans are there?
List the planets{; }name the oceans{; }who rules Monaco?
Who painted Guernica{ and }who painted the ceiling of the Sistine Chapel?
Who was Bach?{ }Tom has 5 pens and Ann has 8. How many pens has Tom? How many more does she have?
Name a noble gas{ and }what other planets than Saturn have rings?
What is the largest planet{ and }what is the smallest country in Europe?
Who was the first US president{ and }who was the first woman in space?
Which planet is the largest?{ }Which animal is the fastest?
How many people live in Canada{ and }how many people live in Mexico?
How do I boil an egg{ and }how long does it take to fly to Mars?
Explain recursion and write an example of a palindrome.
How long is the Nile and what did Darwin write in his diary?
Set a to 6. What is a + 2? What is a * 2?
According to Darwin, what is evolution and what is natural selection?
Consider the word "banana". How many vowels are there? How many consonants are there?
# how to answer all of it: whole
Round your answers to two decimals. What is 10/7? What is 22/9?
What is 10/7? What is 22/9? Round to two decimals.
What is gravity? What is inertia? Explain like I'm five.
What is gravity? What is inertia? Use simple words.
Who wrote Dune? Who wrote Emma? Answer each in one sentence.
1. Capital of Chile?⏎2. Capital of Peru?⏎Use Spanish.
Answer these questions in French. Who wrote Dune? Who wrote Emma?
Give your answers in French. Who wrote Dune? Who wrote Emma?
Who wrote Dune? Who wrote Emma? One word only, please.
In one sentence each, what is DNA? What is RNA?
What is 12 * 14? What is 15 * 16? Show your work.
Who wrote Dune? Who wrote Emma? In French please.
What is DNA? What is RNA? No explanations.
# what only looks like it
Give the result of 3 * 8.{ }Who wrote Emma?
Show the steps of mitosis. Who wrote Emma?
Two numbers add up to 30 and differ by 4. What are the numbers?{ }Who wrote Emma?
Round 17.6 to the nearest ten. Explain photosynthesis in simple words.
# givens of one question
If Kim swims 14 lengths on Friday and 25 on Sunday, how many lengths does she swim{, and }what is 728 divided by 14?
Solve x + 2 = 5{ and }solve x - 3 = 4.
What is x if 2x = 14?{ }What is the capital of Italy?
Let x = 4. What is 3x?{ }Who discovered radium?{ }Let x = 9. What is 5x?
If x = 3, what is 2x?{ Also, }who wrote Emma?
"""

# Where a cut must never fall, and words that invite one.
SOLID = (
    '"ready; steady, and what is go? Then run"',
    "\u201cWho is there? And why\u201d",
    "'sit down, then tell me'",
    "`a; b and what is c? Then d`",
    "```\nx = 1; what is y?\n\nThen find z\n```",
    "https://example.org/a;b,c?q=and&x=then.html",
    "jane.and.joe@example.com",
    "1,250,000.75",
    "(see also: what is this; then that?)",
)
WORDS = "what is who the a of how many find write compare it them Tom has Peru 3 12% - 1. 2) : , ; . ? !".split()
LINKS = ("and", "then", "also", "\n", "Also,", "and then", "After that,", "plus", "Next,")
MESSY = st.lists(st.sampled_from((*WORDS, *LINKS, *SOLID)), max_size=40).map(" ".join)
DROPPED = {"and", "then", "also", "after", "that", "plus", "next", "1.", "2)", *"the a of is".split()}  # ... as lead-in


def cases() -> list[tuple[str, list[str]]]:
    lines = [line.replace("⏎", "\n") for line in CASES.splitlines() if line and not line.startswith("# ")]
    return [(re.sub(r"[{}]", "", line), [part for part in re.split(r"\{[^}]*\}", line) if part]) for line in lines]


@pytest.mark.parametrize(("query", "expected"), cases())
def test_only_independent_parts_are_cut(query: str, expected: list[str]) -> None:
    assert parts(query) == expected


@pytest.mark.parametrize("part", [part for _, expected in cases() for part in expected if len(expected) > 1])
def test_a_part_is_not_cut_again(part: str) -> None:
    assert parts(part) == [part]


def test_blank_text_has_no_chunk() -> None:
    assert cut("") == cut(" \n\t ") == []


def test_chunks_are_numbered_in_order() -> None:
    assert cut("What is 2 + 2? Who wrote Emma?") == [
        Chunk(index=0, text="What is 2 + 2?", kind="sum"),
        Chunk(index=1, text="Who wrote Emma?", kind="fact"),
    ]


def test_what_exceeds_the_limit_joins_the_last_chunk() -> None:
    questions = [f"What is {n} times 7?" for n in range(50)]
    assert parts(" ".join(questions)) == [*questions[: MAX_CHUNKS - 1], " ".join(questions[MAX_CHUNKS - 1 :])]


@given(st.one_of(st.text(), MESSY))
def test_any_text_is_cut_in_order_and_for_good(query: str) -> None:
    found = parts(query)
    assert bool(found) == bool(query.strip())
    assert len(found) <= MAX_CHUNKS
    at = 0
    for part in found:
        at = query.index(part, at) + len(part)
    assume(len(found) < MAX_CHUNKS)
    assert [finer for part in found for finer in parts(part)] == found


@given(MESSY)
def test_only_connectives_and_markers_are_lost(query: str) -> None:
    rest = query
    for part in parts(query):
        lost, _, rest = rest.partition(part)
        assert {word.strip(",;:.-").lower() for word in lost.split() if word not in DROPPED} <= {"", *DROPPED}
    assert not rest.strip()


@given(MESSY, st.sampled_from(SOLID), MESSY)
def test_no_cut_falls_into_protected_text(before: str, solid: str, after: str) -> None:
    assume(not re.search(r"[\"'`(\u201c]", before))  # else the quote that opens there may end here
    assert any(solid in part for part in parts(f"{before} {solid} {after}"))
