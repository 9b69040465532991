"""Results of Locust and of k6 are evidence; broken files are refused in one line."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.confidence import share_of
from surveyor.errors import UsageError
from surveyor.gate import GateEvidence, Rules, Threshold, gather, judge_gate
from surveyor.gate.locust_history import cut_to_time
from surveyor.gate.tool_figures import ALL, CountedUntil, ToolFigures, find_tool_figures
from surveyor.verdicts import Verdict

HEAD = [
    *("Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time"),
    *("Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s"),
    *("50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"),
]
TIMES = [12, 14, 16, 17, 21, 30, 44, 58, 130, 2011, 2011]


def locust(folder: Path, requests: int, failures: int, name: str = "run_stats.csv") -> Path:
    """Write statistics as `locust --csv` does, and return the folder."""
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEAD)
        for kind, label in (("GET", "/web"), ("", "Aggregated")):
            rows.writerow([kind, label, requests, failures, 12, 14.2, 3, 2011, 512, 31.9, failures / 120, *TIMES])
    return folder


def k6(folder: Path, **changes: object) -> Path:
    """Write a summary as `k6 run --summary-export` does, and return the folder."""
    folder.mkdir(exist_ok=True)
    duration = {"avg": 14.2, "min": 3.0, "med": 12.0, "max": 2011.0, "p(90)": 21.0, "p(95)": 30.0, "p(99)": 58.0}
    failed = {"passes": 20, "fails": 3802, "value": 0.0052}
    metrics = {"http_req_failed": failed, "http_req_duration": duration, "http_reqs": {"count": 3822, "rate": 31.9}}
    (folder / "summary.json").write_text(json.dumps({"metrics": metrics | changes, "root_group": {}}))
    return folder


def verdict(place: Path, figure: str, at_most: float, client: str = "", scenario: str = "deploy") -> Verdict:
    """Return the verdict of one threshold."""
    [result] = judge_gate(Rules((Threshold(scenario, client, figure=figure, at_most=at_most),)), gather([place]))
    return result.verdict


@pytest.mark.parametrize(("failures", "expected"), [(1, "pass"), (20, "pass"), (38, "inconclusive"), (80, "fail")])
def test_one_failure_of_thousands_closes_no_gate(tmp_path: Path, failures: int, expected: str) -> None:
    """The share of failures is judged by its interval, for all requests or those of one name."""
    run = locust(tmp_path / "run", 3822, failures)
    for client in ("", "dns", "/web"):
        assert verdict(run, "error-rate", 1.0, client) == expected


@pytest.mark.parametrize("tool", [lambda path: locust(path, 3822, 20), k6], ids=["locust", "k6"])
def test_percentiles_have_bounds(tmp_path: Path, tool: object) -> None:
    """Bounds are the nearest percentiles that the file has."""
    run = tool(tmp_path / "run")  # type: ignore[operator]  # one of the two above
    assert verdict(run, "p99", 2_100.0) is Verdict.PASS
    assert verdict(run, "p99", 20.0) is Verdict.FAIL
    assert verdict(run, "p99", 60.0) is Verdict.INCONCLUSIVE
    assert verdict(run, "p50", 25.0) is Verdict.PASS
    assert verdict(run, "error-rate", 1.0, scenario="k6" if (run / "summary.json").is_file() else "locust")


def test_the_text_names_file_and_requests(tmp_path: Path) -> None:
    """A threshold that names a client that the tool does not know is about all requests, and says so."""
    rules = Rules((Threshold("deploy", "dns", figure="error-rate", at_most=1.0),))
    [result] = judge_gate(rules, gather([locust(tmp_path, 3822, 1)]))
    assert result.client == "Aggregated of run_stats.csv"
    assert result.actual.startswith("0.03 % (1 of 3822;")


def test_a_run_is_compared_with_an_earlier_one(tmp_path: Path) -> None:
    """Points and ratios are judged by the interval of the difference and the ratio."""
    new, old = locust(tmp_path / "new", 20_000, 200), locust(tmp_path / "old", 20_000, 100)
    for key, limit, expected in (
        ("at_most_more", 1.0, "pass"),
        ("at_most_more", 0.5, "inconclusive"),
        ("at_most_more", 0.1, "fail"),
        ("ratio", 4.0, "pass"),
        ("ratio", 2.0, "inconclusive"),
        ("ratio", 1.2, "fail"),
    ):
        threshold = Threshold("deploy", figure="error-rate", against="old", **{key: limit})  # type: ignore[arg-type]  # by name
        [result] = judge_gate(Rules((threshold,)), gather([new], {"old": old}))
        assert (result.verdict, key, limit) == (expected, key, limit)
        assert "against" in result.actual


def test_a_baseline_without_the_client_is_no_pass(tmp_path: Path) -> None:
    """What an earlier run did not measure cannot be compared."""
    new, old = locust(tmp_path / "new", 2_000, 0), k6(tmp_path / "old")
    threshold = Threshold("deploy", figure="p99", against="old", at_most_more=1_000)
    [result] = judge_gate(Rules((threshold,)), gather([new], {"old": old}))
    assert (result.verdict, result.actual) == (Verdict.INCONCLUSIVE, "old: it was not measured")


def test_what_a_tool_does_not_measure_is_refused(tmp_path: Path) -> None:
    """Checks, windows and phases are Surveyor's."""
    run = locust(tmp_path, 100, 1)
    for figure, phase in (("checks", "whole"), ("danger-window", "whole"), ("error-rate", "deployment")):
        with pytest.raises(UsageError, match="line 4: Locust has no"):
            judge_gate(Rules((Threshold("deploy", phase=phase, figure=figure, line=4),)), gather([run]))


def test_without_requests_nothing_passes(tmp_path: Path) -> None:
    """An empty run, and a percentile that k6 did not compute, are inconclusive."""
    run = locust(tmp_path / "run", 0, 0)
    text = (run / "run_stats.csv").read_text()
    (run / "run_stats.csv").write_text(text.replace(",12,14,16,17,21,30,44,58,130,2011,2011", ",N/A" * 11))
    assert verdict(run, "error-rate", 100.0) is Verdict.INCONCLUSIVE
    assert verdict(run, "p99", 1e9) is Verdict.INCONCLUSIVE
    bare = k6(tmp_path / "bare", http_req_duration={"med": 12.0, "min": 1.0, "max": 20.0})
    assert verdict(bare, "p99", 1e9) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Failure Count", "# failures"), "expected statistics of Locust 1.0 or later .* no column 'Failure Count'"),
        (("Aggregated", "Total"), "has no row 'Aggregated': it is not complete"),
        (("3822", "-3"), "Request Count: expected a number of 0 or more, got '-3'"),
        (("3822", "3822x"), "expected a number of 0 or more, got '3822x'"),
        (("3822", "inf"), "expected a number of 0 or more, got 'inf'"),
        (("3822", "10"), "20 failures of 10 requests"),
        (("512,31.9", '"512,31.9'), "has no row 'Aggregated': it is not complete|expected a number"),
    ],
)
def test_broken_statistics_are_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    """One line names the file and what is wrong."""
    run = locust(tmp_path, 3822, 20)
    text = (run / "run_stats.csv").read_text()
    assert change[0] in text
    (run / "run_stats.csv").write_text(text.replace(*change))
    with pytest.raises(UsageError, match=message) as refusal:
        gather([run])
    assert "run_stats.csv" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_files_cut_anywhere_are_read_or_refused(tmp_path: Path) -> None:
    """No cut ends with a traceback, and none passes for a complete file."""
    for folder, name in ((locust(tmp_path / "a", 3822, 20), "run_stats.csv"), (k6(tmp_path / "b"), "summary.json")):
        path = folder / name
        whole = path.read_text()
        for end in range(0, len(whole) - 120, 7):
            path.write_text(whole[:end])
            with pytest.raises(UsageError):
                gather([folder])


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """A file of any content is refused in one line, or is no evidence."""
    folder = tmp_path_factory.mktemp("any")
    for name in ("a_stats.csv", "b.json", "c_stats_history.csv"):
        path = folder / name
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            found = find_tool_figures(path)
        except UsageError as refused:
            message = str(refused)
        else:
            assert found == []
            message = ""
        assert "\n" not in message


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """JSON that is no summary of k6 is no evidence; a single file is read as what its name says."""
    (tmp_path / "package.json").write_text("[1, 2]")
    with pytest.raises(UsageError, match="no summary of k6: it is not the folder of a run"):
        gather([tmp_path])
    with pytest.raises(UsageError, match=r"package\.json"):
        gather([tmp_path / "package.json"])
    with pytest.raises(UsageError, match=r"none\.csv has no report\.json"):
        gather([tmp_path / "none.csv"])
    assert len(find_tool_figures(locust(tmp_path, 100, 1) / "run_stats.csv")) == 2


def history(folder: Path, *rows: tuple[object, ...], head: str = "Timestamp,User Count,Type,Name,Requests/s") -> Path:
    """Write a history as `locust --csv` does, and return the folder."""
    folder.mkdir(exist_ok=True)
    lines = [f"{head},Failures/s,50%,99%,Total Request Count,Total Failure Count"]
    lines += [f"{at},5,,{name},1.0,0.1,12,58,{requests},{failures}" for at, name, requests, failures in rows]
    (folder / "run_stats_history.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def test_a_history_of_locust_says_when_it_ran(tmp_path: Path) -> None:
    """Beside statistics it gives their time; alone, its last row is that of the whole run."""
    rows = (1_000, ALL, 10, 1), (1_060, ALL, 500, 3)
    [figures] = find_tool_figures(history(tmp_path / "alone", *rows))
    assert (figures.failed.hits, figures.failed.count, figures.began, figures.ended) == (3, 500, 1_000, 1_060)
    both = history(locust(tmp_path / "both", 3822, 1), *rows)
    assert {(one.failed.count, one.began, one.ended) for one in find_tool_figures(both)} == {(3822, 1_000, 1_060)}
    [alone, _] = find_tool_figures(locust(tmp_path / "without", 3822, 1))
    assert alone.began is None
    assert alone.ended == (tmp_path / "without" / "run_stats.csv").stat().st_mtime


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no column 'Name'"),
        ("Timestamp,User Count,Name\n1,2,Aggregated\n", "there is no column 'Total Request Count'"),
        ("Timestamp,Name,Total Request Count,Total Failure Count\n", "has no row 'Aggregated'"),
        ("Timestamp,Name,Total Request Count,Total Failure Count\n1,Aggregated,5", "expected a number"),
        ("Timestamp,Name,Total Request Count,Total Failure Count\nx,Aggregated,5,1\n", "Timestamp: expected a number"),
        ("Timestamp,Name,Total Request Count,Total Failure Count\n,Aggregated,5,1\n", "has no Timestamp"),
        ("Timestamp,Name,Total Request Count,Total Failure Count\n1,Aggregated,5,9\n", "9 failures of 5 requests"),
    ],
)
def test_a_broken_history_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    """Empty, of another version, cut short."""
    (tmp_path / "run_stats_history.csv").write_text(text, "utf-8")
    with pytest.raises(UsageError) as refusal:
        find_tool_figures(tmp_path)
    assert message in str(refusal.value)
    assert "run_stats_history.csv" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def timed(folder: Path, *rows: tuple[float, str, int, int]) -> list[ToolFigures]:
    """Return the figures of a table of 2,000 requests with 60 failures, beside a history with these rows."""
    return find_tool_figures(history(locust(folder, 2_000, 60), *rows))


DURING = [(1_000, ALL, 500, 50), (1_010, ALL, 900, 52), (1_020, ALL, 1_500, 55), (1_030, ALL, 2_000, 60)]


def test_a_run_that_lasted_longer_is_cut_to_the_deployment(tmp_path: Path) -> None:
    """Rows count from the start of the run: their difference is what happened in between."""
    whole, named = (figures for figures in reversed(timed(tmp_path, *DURING)))
    assert (whole.name, named.name) == (ALL, "/web")
    for begin, end, failures, requests in (
        (1_005, 1_025, 3, 600),
        (1_000, math.inf, 10, 1_500),
        (0, 1_020, 55, 1_500),
        (1_015, 1_030, 5, 500),
    ):
        found = {figures.name: figures for figures in cut_to_time([named, whole], begin, end)}
        assert (found[ALL].failed.hits, found[ALL].failed.count) == (failures, requests), (begin, end)
        assert found[ALL].part == " during the deployment"
        assert "--csv-full-history" in found["/web"].unknown
    assert cut_to_time([whole], 900, math.inf) == [whole]  # nothing is outside


def test_what_is_known_of_a_part_alone(tmp_path: Path) -> None:
    """Shares are those of the part; percentiles, and names without rows, are inconclusive."""
    found = GateEvidence(tools=cut_to_time(timed(tmp_path, *DURING), 1_005, 1_025))
    for figure, client, text in (
        ("error-rate", "", "0.50 % (3 of 600;"),
        ("p99", "", "run_stats.csv has no p99 of the time of the deployment alone"),
        ("error-rate", "/web", "its requests during the deployment are not known"),
    ):
        rules = Rules((Threshold("locust", client, figure=figure, at_most=2.0),))
        [result] = judge_gate(rules, found)
        assert result.actual.startswith(text)
        assert result.verdict is (Verdict.PASS if text[0] == "0" else Verdict.INCONCLUSIVE)
        assert client or result.client == "Aggregated of run_stats.csv during the deployment"


def test_a_history_of_each_name_is_cut_as_well(tmp_path: Path) -> None:
    """Two methods of one name are two kinds of requests, and a reset of counts is no negative number."""
    head = "Timestamp,User Count,Type,Name,Total Request Count,Total Failure Count"
    rows = ["1000,1,GET,/a,100,0", "1000,1,POST,/a,50,5", "1000,1,,Aggregated,150,5"]
    rows += ["1010,1,GET,/a,30,1", "1010,1,POST,/a,80,9", "1010,1,,Aggregated,110,10"]
    (tmp_path / "run_stats_history.csv").write_text("\n".join((head, *rows)) + "\n", "utf-8")
    found = cut_to_time(find_tool_figures(tmp_path), 1_000, 1_010)
    counts = [(figures.name, figures.failed.hits, figures.failed.count) for figures in found]
    assert counts == [("/a", 1, 30), ("/a", 4, 30), (ALL, 10, 110)]


@pytest.mark.parametrize(("begin", "end"), [(1_031, 2_000), (0, 999), (1_011, 1_019), (1_021, 1_029)])
def test_a_run_without_requests_during_the_deployment_is_refused(tmp_path: Path, begin: float, end: float) -> None:
    """It is evidence of something else."""
    with pytest.raises(UsageError, match=r"run_stats\.csv: has no requests of the time of the deployment"):
        cut_to_time(timed(tmp_path, *DURING), begin, end)


def test_of_a_run_that_is_still_in_progress_nothing_is_refused(tmp_path: Path) -> None:
    """Requests of the time may follow; percentiles, and a file that is older, are not known."""
    whole = timed(tmp_path / "locust", *DURING)[-1]
    [found] = cut_to_time([whole], 1_031, math.inf, is_growing=True)
    assert found.unknown == "it has no requests of the time of the deployment until now"
    [found] = cut_to_time([whole], 0, math.inf, is_growing=True)
    assert (found.failed.count, found.percentiles, found.unknown) == (2_000, {}, "")
    summary = find_tool_figures(k6(tmp_path / "k6"))
    for begin, unknown in ((0.0, ""), (9e9, "it ended before the deployment began")):
        assert [one.unknown for one in cut_to_time(summary, begin, math.inf, is_growing=True)] == [unknown]


def test_figures_without_times_are_not_cut(tmp_path: Path) -> None:
    """Neither those of k6 nor those of a table alone."""
    for place in (k6(tmp_path / "k6"), locust(tmp_path / "locust", 100, 1)):
        assert cut_to_time(find_tool_figures(place), 5, 6) == find_tool_figures(place)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12))
def test_any_history_is_cut_without_impossible_counts(rows: list[tuple[int, int, int]]) -> None:
    """No share is negative or above one, whatever times and counts a file has."""
    counts = tuple(sorted(CountedUntil(at, requests, min(failures, requests)) for at, requests, failures in rows))
    figures = ToolFigures("Locust", ALL, "f", share_of(0, 1), {}, is_timed=True, history=counts)
    for begin in range(0, 50, 7):
        try:
            [found] = cut_to_time([figures], begin, begin + 20)
        except UsageError:
            continue
        assert 0 <= found.failed.hits <= found.failed.count
