"""A table of record sets behaves like a plain dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.route53.names import ancestors
from surveyor_emulator.aws.route53.record_model import RecordKey, RecordSet
from surveyor_emulator.aws.route53.record_table import RecordTable, listing_order

KEYS = st.builds(
    RecordKey,
    st.sampled_from(["example.com.", "a.example.com.", "b.a.example.com.", "c.b.a.example.com."]),
    st.sampled_from(["A", "AAAA"]),
    st.sampled_from([None, "one", "two"]),
)


@given(st.lists(st.tuples(st.booleans(), KEYS), max_size=40))
def test_a_table_follows_every_step(steps: list[tuple[bool, RecordKey]]) -> None:
    """Counts, names with other names below them, and the order of lists are right after every step."""
    table, expected = RecordTable(), dict[RecordKey, RecordSet]()
    for put, key in steps:
        if put:
            expected[key] = RecordSet(key.name, key.type, 60, ("192.0.2.1",), key.set_identifier)
            table.put(expected[key])
        else:
            expected.pop(key, None)
            table.remove(key)
        assert len(table) == len(expected)
        assert list(table.sorted_records()) == sorted(expected.values(), key=listing_order)
        for name in ("com.", "example.com.", "a.example.com.", "b.a.example.com.", "c.b.a.example.com."):
            assert dict(table.at(name)) == {key: record for key, record in expected.items() if key.name == name}
            assert table.has_below(name) is any(name in ancestors(key.name) for key in expected)


def test_a_copy_is_independent() -> None:
    """A record added to a copy is absent from the original table."""
    table = RecordTable()
    table.put(RecordSet("a.example.com.", "A", 60, ("192.0.2.1",)))
    other = table.copy()
    other.put(RecordSet("a.example.com.", "AAAA", 60, ("2001:db8::1",)))
    other.put(RecordSet("b.a.example.com.", "A", 60, ("192.0.2.1",)))
    assert (len(table), len(other)) == (1, 3)
    assert not table.has_below("a.example.com.")
    assert other.has_below("a.example.com.")
