"""Files of contacts of any size, in which a known share of the rows is broken or repeated."""

import csv
from collections.abc import Iterator
from pathlib import Path

HEADER = ["name", "email", "phone", "member no", "language", "attributes.level", "attributes.city"]
CITIES = ("臺北", "Taichung", "高雄", "Tokyo")
LEVELS = ("gold", "silver", "basic")
ERRORS_OF_100, DUPLICATES_OF_100 = 1, 2


def list_rows(count: int) -> Iterator[list[str]]:
    """Yield `count` rows: of each 100 one has a broken e-mail, and two are about somebody of an earlier row."""
    for number in range(count):
        person = number
        if number % 100 in {51, 52}:
            person = number - 50
        email = f"broken-{number}" if number % 100 == 99 else f"person{person}@shop{person % 50}.com.tw"
        yield [
            f"王小明{person}",
            email,
            f"+88691{person % 10_000_000:07}",
            f"M-{person:07}",
            "zh-Hant",
            LEVELS[number % 3],
            CITIES[person % 4],
        ]


def write_csv(path: Path, count: int) -> None:
    """Write a CSV file of `count` rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(list_rows(count))


def expected_counts(count: int) -> dict[str, int]:
    """What an import into an empty organization makes of such a file; `count` is a multiple of 100."""
    hundreds = count // 100
    return {"created": 97 * hundreds, "merged": 2 * hundreds, "error": hundreds}
