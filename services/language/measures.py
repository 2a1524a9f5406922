"""Units of measure and currency: their names, and how many of a base unit each makes.

What has two meanings is not converted: a pound of weight is 16 ounces, but no number of grams or dollars.
"""

from __future__ import annotations

UNITS = {
    alias: name
    for name, aliases in {
        "dollar": "$ dollar dollars usd",
        "cent": "cent cents ¢",
        "euro": "€ euro euros eur",
        "pound": "£ pound pounds gbp lb lbs",
        "yen": "¥ yen",
        "rupee": "₹ rupee rupees",
        "percent": "% percent",
        "second": "second seconds sec secs",
        "minute": "minute minutes min mins",
        "hour": "hour hours hr hrs h",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "year years yr yrs",
        "millimetre": "millimetre millimetres millimeter millimeters mm",
        "centimetre": "centimetre centimetres centimeter centimeters cm",
        "metre": "metre metres meter meters m",
        "kilometre": "kilometre kilometres kilometer kilometers km kms",
        "inch": "inch inches",
        "foot": "foot feet ft",
        "yard": "yard yards yd",
        "mile": "mile miles mi",
        "mile/hour": "mph",
        "gram": "gram grams g",
        "kilogram": "kilogram kilograms kg kgs",
        "milligram": "milligram milligrams mg",
        "ton": "ton tons tonne tonnes",
        "ounce": "ounce ounces oz",
        "millilitre": "millilitre millilitres milliliter milliliters ml",
        "litre": "litre litres liter liters l",
        "gallon": "gallon gallons gal",
        "celsius": "celsius °c",
        "fahrenheit": "fahrenheit °f",
        "kelvin": "kelvin kelvins k",
    }.items()
    for alias in aliases.split()
}
PER_ONLY = {"s": "second", "person": "person"}  # "1990s" are no seconds
IN_BASE_UNITS = {
    "second": {"minute": "60", "hour": "3600", "day": "86400", "week": "604800"},
    "month": {"year": "12"},
    "metre": {
        "millimetre": "0.001",
        "centimetre": "0.01",
        "kilometre": "1000",
        "inch": "0.0254",
        "foot": "0.3048",
        "yard": "0.9144",
        "mile": "1609.344",
    },
    "gram": {"milligram": "0.001", "kilogram": "1000"},
    "ounce": {"pound": "16"},
    "litre": {"millilitre": "0.001"},
    "dollar": {"cent": "0.01"},
}
CURRENCIES = frozenset("dollar cent euro pound yen rupee".split())
CURRENCY_SIGNS = "".join(sign for sign in UNITS if len(sign) == 1 and UNITS[sign] in CURRENCIES and sign != "¢")
