"""Reports side by side: of several targets (`matrix`), and of one target then and now (`diff`)."""

from __future__ import annotations

from surveyor.compare.diff import Change, Difference, Kind, difference
from surveyor.compare.matrix import Faithfulness, Matrix, Row, matrix

__all__ = ["Change", "Difference", "Faithfulness", "Kind", "Matrix", "Row", "difference", "matrix"]
