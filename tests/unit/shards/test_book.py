"""What a shard knows of its leases."""

from __future__ import annotations

from signaling.shards.book import LeaseBook


def test_a_lease_is_sure_from_the_question_on_not_from_the_answer() -> None:
    book = LeaseBook(4.0)
    book.took("demo", "7", asked_at=10.0)
    assert book.is_sure("demo", 13.9) and not book.is_sure("demo", 14.0)
    book.renewed("demo", "7", asked_at=12.0)
    assert book.is_sure("demo", 15.9) and not book.is_sure("demo", 16.0)


def test_an_answer_that_comes_late_renews_nothing() -> None:
    book = LeaseBook(4.0)
    book.took("demo", "7", 10.0)
    assert book.drop("demo")
    book.renewed("demo", "7", 12.0)
    assert book.fence("demo") is None and len(book) == 0
    book.took("demo", "8", 13.0)
    book.renewed("demo", "7", 20.0)
    assert not book.is_sure("demo", 18.0)
    assert not book.drop("demo", "7") and book.fence("demo") == "8"


def test_leases_without_a_room_are_found() -> None:
    book = LeaseBook(4.0)
    for number, room in enumerate(("one", "two", "three")):
        book.took(room, str(number), float(number))
    assert book.idle({"one"}, before=2.0) == ["two"]
    assert book.wanted("two", now=5.0) == "1" and book.wanted("four", now=5.0) is None
    assert book.idle({"one"}, before=5.0) == ["three"], "somebody has just asked for the other"


def test_an_answer_to_an_earlier_question_does_not_bring_an_old_fence_back() -> None:
    book = LeaseBook(4.0)
    book.took("demo", "1000", asked_at=11.0)
    book.took("demo", "999", asked_at=10.0)
    assert book.fence("demo") == "1000"
