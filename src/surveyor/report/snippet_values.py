"""Write the parameters of recorded calls as Python: what earlier answers returned becomes an expression.

Names that a test made up contain eight digits which no other test has. They become those of a variable, `run`, so that
each run of a program makes new names: what an earlier run made may still be there, or be on its way out.
"""

from __future__ import annotations

import keyword
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["KnownValues", "call_arguments", "find_run", "find_tokens", "literal", "text_literal"]

_WIDTH = 96
_ZONE_PREFIX = "/hostedzone/"
_MORE = re.compile(r"… (\d{1,6}) more")  # marks a list that the evidence cut
_DIGIT = re.compile(r"\d")
_CUT = re.compile(r"(.*)… \((\d+) characters\)", re.DOTALL)  # marks a text that the evidence cut
_RUN = re.compile(r"\w-([0-9a-f]{8})-\d")  # as `unique_name` makes them: svc-68dff983-2
_TOKEN = re.compile(
    r"'(?:[cC]lientToken|(?:Creator|Updater)RequestId)': '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'"
)


def find_run(params: Iterable[str]) -> str:
    """Return the digits in the names of a test, of the texts of its parameters; "" if there are none."""
    found = Counter(digits for text in params for digits in _RUN.findall(text))
    return found.most_common(1)[0][0] if found else ""


def find_tokens(params: Iterable[str]) -> frozenset[str]:
    """Return the tokens that clients made up, one for each call, of the texts of its parameters."""
    found = Counter(token for text in params for token in _TOKEN.findall(text))
    return frozenset(token for token, count in found.items() if count == 1)


@dataclass
class KnownValues:
    """Expressions for values that earlier answers returned.

    `run`: the digits in the names of the test that become those of each run; "" if there are none. `tokens`: the values
    of parameters that clients make up.
    """

    run: str = ""
    tokens: frozenset[str] = frozenset()
    known: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def learn(self, value: object, name: str, path: tuple[object, ...] = ()) -> None:
        """Keep the expressions of the values that the target generated in an answer with this name."""
        if isinstance(value, dict | Mapping):  # dict: checked in less time, and nearly all are
            for key, inner in value.items():
                self.learn(inner, name, (*path, key))
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self.learn(inner, name, (*path, number))
        elif isinstance(value, str) and value not in self.known and _is_generated(value, path):
            steps = (str(step) if isinstance(step, int) else text_literal(str(step)) for step in path)
            expression = self.known[value] = name + "".join(f"[{step}]" for step in steps)
            if value.startswith(_ZONE_PREFIX):  # Route 53 takes both forms of an id
                self.known.setdefault(value.removeprefix(_ZONE_PREFIX), expression)

    def learn_literal(self, value: object) -> None:
        """Keep the parameters of a call as literals, even if its answer repeats them."""
        if isinstance(value, Mapping):
            for inner in value.values():
                self.learn_literal(inner)
        elif isinstance(value, list):
            for inner in value:
                self.learn_literal(inner)
        elif isinstance(value, str):
            self.known.setdefault(value, "")

    def expression(self, text: str) -> str:
        """Return the expression for a value, which is used from now on; "" if it is a literal."""
        found = self.known.get(text, "")
        if found:
            self.used.add(found.partition("[")[0])
        return found


def call_arguments(params: Mapping[str, object], names: KnownValues, width: int, indent: int) -> str:
    """Return the parameters of a call as arguments, without the tokens that a client makes up."""
    params = {key: value for key, value in params.items() if not (isinstance(value, str) and value in names.tokens)}
    plain = all(key.isidentifier() and not keyword.iskeyword(key) for key in params)
    if not plain:
        return f"**{literal(dict(params), names, indent)}"
    inner = indent + 4
    parts = [f"{key}={literal(value, names, inner)}" for key, value in params.items()]
    flat = ", ".join(parts)
    if width + len(flat) <= _WIDTH and "\n" not in flat:
        return flat
    pad = " " * inner
    return "\n" + "".join(f"{pad}{part},\n" for part in parts) + " " * indent


def literal(value: object, names: KnownValues, indent: int) -> str:
    """Return `value` as Python code, with expressions for values of earlier answers."""
    if isinstance(value, str):
        return names.expression(value) or text_literal(value, names.run)
    if isinstance(value, Mapping):
        parts = [f"{text_literal(str(key))}: {literal(inner, names, indent + 4)}" for key, inner in value.items()]
        return _bracketed("{", parts, "}", indent)
    if isinstance(value, list):
        return _list_literal(value, names, indent)
    is_special = isinstance(value, float) and not math.isfinite(value)
    return f"float({text_literal(str(value))})" if is_special else repr(value)


def _list_literal(value: list[object], names: KnownValues, indent: int) -> str:
    """Return a list; the rest of one that the evidence cut is restored if its entries are numbered."""
    cut = _MORE.fullmatch(value[-1]) if len(value) > 2 and isinstance(value[-1], str) else None
    shown = value[:-1] if cut else value
    if cut:
        template = _numbered(shown, names.run)
        if template:
            return f"[{template} for number in range({len(shown) + int(cut[1])})]"
    parts = [literal(inner, names, indent + 4) for inner in shown]
    return _bracketed("[", [*parts, f"# and {cut[1]} more"] if cut else parts, "]", indent)


def _numbered(items: Sequence[object], run: str) -> str:
    """Return an expression of `number` that gives each item for its place; "" if there is none."""
    last = items[-1]
    structures = [item for item in items if isinstance(item, Mapping)]
    if len(structures) == len(items) and len({tuple(item) for item in structures}) == 1:
        parts = {key: _numbered([item[key] for item in structures], run) for key in structures[0]}
        pairs = ", ".join(f"{text_literal(str(key))}: {part}" for key, part in parts.items())
        return f"{{{pairs}}}" if all(parts.values()) else ""
    if isinstance(last, str) and all(item == last for item in items):
        return text_literal(last, run)
    place = str(len(items) - 1)
    if not all(isinstance(item, str) for item in items) or str(last).count(place) != 1:
        return ""
    before, _, after = str(last).partition(place)
    if any(item != f"{before}{number}{after}" for number, item in enumerate(items)):
        return ""
    names = {"\0": "number"} | ({run: "run"} if run else {})
    return _formatted(f"{before}\0{after}", names)


def _bracketed(opening: str, parts: Sequence[str], closing: str, indent: int) -> str:
    flat = f"{opening}{', '.join(parts)}{closing}"
    has_comment = bool(parts) and parts[-1].startswith("#")
    if indent + len(flat) <= _WIDTH and "\n" not in flat and not has_comment:
        return flat
    pad = " " * (indent + 4)
    return f"{opening}\n" + "".join(f"{pad}{part},\n" for part in parts) + " " * indent + closing


def text_literal(text: str, run: str = "") -> str:
    """Return a string literal; a cut text is restored if it repeats one character. `run`: see `KnownValues`."""
    found = _CUT.fullmatch(text)
    if found and len(set(found[1])) == 1 and len(found[2]) < 10:
        return f"{text_literal(found[1][0])} * {int(found[2])}"
    return _formatted(text, {run: "run"}) if run and run in text else _quoted(text)


def _formatted(text: str, names: Mapping[str, str]) -> str:
    """Return a formatted string literal: each value of which `names` has the name becomes that variable."""
    pieces = re.split(f"({'|'.join(map(re.escape, names))})", text)
    written = "".join(f"{{{names[piece]}}}" if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))
    quote = "'" if "'" in text or '"' in text else '"'
    return f"f{quote}{written}{quote}"


def _escaped(text: str) -> str:
    """Return a text as it is written in a formatted string literal between single quotes."""
    doubled = text.replace("{", "{{").replace("}", "}}")
    return repr(f'"{doubled}')[2:-1]  # repr takes single quotes if there is a double one


def _quoted(text: str) -> str:
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain


def _is_generated(text: str, path: Sequence[object]) -> bool:
    """Return whether the target generated this value: an id, an ARN or a token, and not a word of the API.

    `path`: the keys of the answer that lead to it. Nearly all have a digit, and the ids of moto are letters by chance.
    """
    is_id = any(str(key).endswith(("Id", "Ids")) for key in path[-2:])
    return len(text) >= 8 and (_DIGIT.search(text) is not None or is_id)
