"""Fill README.md, CONTRIBUTING.md, docs/*.md and benchmarks/README.md from files, so that no number is typed.

    python benchmarks/readme_numbers.py                   # writes them
    python benchmarks/readme_numbers.py --check           # exit code 1 if one is not what it would write
    python benchmarks/readme_numbers.py --demo runs/demo  # takes docs/map.png and docs/demo.txt from a run, then writes

A table goes between `<!-- numbers: KIND RESULT -->` and `<!-- /numbers -->`: KIND is one of `TABLES`, RESULT a folder
of `benchmarks/results`, whose files are the seeds. A file goes between `<!-- file: PATH -->` and `<!-- /file -->`,
a part of one between `<!-- lines: PATH | FROM | TO -->` and `<!-- /lines -->`: from the first line that is FROM to the
line before the next one that is TO. Where there is no such file, nothing is written between the marks.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from lgsid.artefacts.files import atomic_path, read_json, write_text
from lgsid.errors import LgsidError
from lgsid.metrics import click_declarations, ranking_declarations, reward_declarations
from lgsid.metrics.card_declarations import CardMetric, card_metrics
from lgsid.metrics.metric_spec import MetricColumn, MetricSpec, SliceSpec, columns
from lgsid.metrics.neighborhood_declarations import measured_neighborhoods
from lgsid.metrics.slices import CLICK_SLICES, EXPLORE_COLUMN, QUERY_SLICES
from lgsid.report.report_table import ReportTable

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/*.md", "benchmarks/README.md")
MARKED = re.compile(r"(<!-- numbers: (?P<kind>\S+) (?P<result>\S+) -->\n).*?(<!-- /numbers -->)", re.DOTALL)
QUOTED = re.compile(r"(<!-- file: (?P<path>\S+) -->\n).*?(<!-- /file -->)", re.DOTALL)
EXCERPT = re.compile(
    r"(<!-- lines: (?P<path>\S+) \| (?P<first>.+?) \| (?P<end>.+?) -->\n).*?(<!-- /lines -->)", re.DOTALL
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
PICTURE_WIDTH = 1400  # pixels: sharp on a screen, small in the repository
LANGUAGES = {".yaml": "yaml", ".py": "python", ".txt": "text"}
TRIAL_FACTS = ("seed", "commit", "date")  # of each row of the hostile trial
Runs = Sequence[Mapping[str, Any]]


def mean(values: Iterable[float | None], digits: int = 3) -> str:
    """Write the mean of what was measured, a dash for nothing."""
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    return f"{statistics.fmean(known):.{digits}f}" if known else "-"


def models(
    runs: Runs, key: str, metrics: Sequence[MetricSpec], slices: Sequence[SliceSpec], primary: str
) -> ReportTable:
    """Compare models: one row each, in the order of the primary metric in the first slice."""
    shown: list[MetricColumn[MetricSpec]] = columns(metrics, slices, "documents")
    main = f"test/{slices[0].key}{primary}"
    found: dict[str, list[Mapping[str, float]]] = {}
    for run in runs:
        for model in run.get(key, ()):
            found.setdefault(model["name"], []).append(model["metrics"])
    ranked = sorted(found, key=lambda name: -statistics.fmean(m.get(main, -math.inf) for m in found[name]))
    rows = tuple(
        (name, *(mean((m.get(f"test/{one.key}") for m in found[name]), one.metric.digits) for one in shown))
        for name in ranked
    )
    return ReportTable("", ("model", *(one.title for one in shown)), rows)


def leaderboard(runs: Runs) -> ReportTable:
    """Compare recommenders, places ranked among all places."""
    slices = [part for part in QUERY_SLICES if part.rank_column != EXPLORE_COLUMN]
    return models(runs, "leaderboard", ranking_declarations.ranking_metrics(), slices, ranking_declarations.PRIMARY)


def explore(runs: Runs) -> ReportTable:
    """Compare recommenders on places new to the user, ranked among the places new to the user."""
    slices = [part for part in QUERY_SLICES if part.rank_column == EXPLORE_COLUMN]
    return models(runs, "leaderboard", ranking_declarations.ranking_metrics(), slices, ranking_declarations.PRIMARY)


def click_through(runs: Runs) -> ReportTable:
    """Compare models of the click-through task."""
    metrics = click_declarations.CLICK_METRICS
    return models(runs, "click_through", metrics, CLICK_SLICES, click_declarations.PRIMARY)


def alignment(runs: Runs) -> ReportTable:
    """Compare vectors before and after."""
    measured = [run["alignment"] for run in runs if run.get("alignment")]
    keys = {key.partition("/")[2] for metrics in measured for key in metrics if key.startswith("before/")}
    rows = tuple(
        (
            one.title(),
            *(
                mean((metrics.get(f"{when}/{one.key}") for metrics in measured), one.metric.digits)
                for when in ("before", "after")
            ),
        )
        for one in measured_neighborhoods(keys)
        if one.metric.shown.documents
    )
    return ReportTable("", ("", "before", "after"), rows)


def reward(runs: Runs) -> ReportTable:
    """Compare the rewards with the frozen cosine, nearness and chance, on lists of held-out places."""
    return lists(runs, "heldout/", ("reward", "lists"), reward_declarations.SCORE_KINDS)


def reads(runs: Runs) -> ReportTable:
    """Show what the rewards read: the same lists with parts of the prompts taken away."""
    kinds = (reward_declarations.REWARD, reward_declarations.COSINE)
    return lists(runs, "reads/", ("reward", "prompts", "lists"), kinds)


def lists(runs: Runs, start: str, words: tuple[str, ...], kinds: Sequence[SliceSpec]) -> ReportTable:
    """Show metrics of lists, by stage and by what stands between `start` and the metric in a key."""
    shown = columns(reward_declarations.LIST_METRICS, kinds, "documents")
    found: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for run in runs:
        for stage, metrics in run.get("rewards", {}).items():
            for key, value in metrics.items():
                *names, name = key.removeprefix(start).split("/")
                if key.startswith(start) and names:
                    found.setdefault((stage, *names), {}).setdefault(name, []).append(value)
    rows = tuple(
        (*names, *(mean(group.get(one.key, ()), one.metric.digits) for one in shown)) for names, group in found.items()
    )
    return ReportTable("", (*words, *(one.short_title for one in shown)), rows, len(words))


def semantic_ids(runs: Runs) -> ReportTable:
    """Compare the quality cards of the sets of semantic IDs."""
    names = sorted({name for run in runs for name in run.get("semantic_ids", {})})
    cards = {name: [run["semantic_ids"][name]["card"] for run in runs if name in run["semantic_ids"]] for name in names}
    depths = max((len(card.get("by_depth", ())) for found in cards.values() for card in found), default=0)
    shown: list[CardMetric] = [metric for metric in card_metrics(depths) if metric.shown.documents]
    rows = tuple(
        (name, *(mean((metric.value(card) for card in cards[name]), metric.digits) for metric in shown))
        for name in names
    )
    return ReportTable("", ("semantic IDs", *(metric.title for metric in shown)), rows)


def cost(runs: Runs) -> ReportTable:
    """Say what each stage took."""
    names = list(dict.fromkeys(name for run in runs for name in run.get("stages", {})))
    taken = {name: [run["stages"][name] for run in runs if name in run["stages"]] for name in names}
    rows = tuple(
        (
            name,
            mean((s.get("seconds") for s in taken[name]), 0),
            mean((s.get("peak_memory_mb") for s in taken[name]), 0),
        )
        for name in names
    )
    total = mean([sum(stage.get("seconds", 0.0) for stage in run["stages"].values()) for run in runs], 0)
    return ReportTable("", ("stage", "seconds", "peak MB"), (*rows, ("all", total, "")))


def growth(runs: Runs) -> ReportTable:
    """Say what each case takes at each number of places, and how that grows."""
    run = runs[0]
    found = {(one["case"], one["places"]): one for one in run["measurements"]}
    sizes = sorted({places for _, places in found})
    rows = tuple(
        (
            title,
            *(mean([found.get((case, places), {}).get("cpu_seconds")], 1) for places in sizes),
            *(mean([found.get((case, places), {}).get("peak_mb")], 0) for places in sizes[-2:]),
            mean([run["exponents"].get(case)], 2),
        )
        for case, title in run["titles"].items()
        if any(name == case for name, _ in found)
    )
    heads = (
        *(f"{places:,}, CPU s" for places in sizes),
        *(f"{places:,}, peak MB" for places in sizes[-2:]),
        "exponent",
    )
    return ReportTable("", ("", *heads), rows)


def trial(group: str, runs: Runs) -> ReportTable:
    """Say what came of the bad input, or of the faults, of the hostile trial: one row each family, and all of them."""
    rows = [dict(row) for run in runs for row in run[group]]
    columns = [key for key in rows[0] if key not in ("family", *TRIAL_FACTS)] if rows else []
    rows.append({"family": "all", **{key: sum(row[key] for row in rows) for key in columns}})
    return ReportTable(
        "", ("", *columns), tuple((row["family"], *(f"{row[key]:,}" for key in columns)) for row in rows)
    )


def kmeans(runs: Runs) -> ReportTable:
    """Compare k-means with scikit-learn's: ratios below 1 are in favor of lgsid's."""
    rows = []
    for one in (each for run in runs for each in run["comparison"]):
        sides = [[repeat[side] for repeat in one["runs"]] for side in ("ours", "theirs")]
        distinct = [f"{statistics.fmean(each['distinct'] for each in side):,.0f}" for side in sides]
        largest = [f"{max(max(each['largest']) for each in side):,}" for side in sides]
        ratios = [f"{one['ratios'][key]:.2f}" for key in ("fit", "encode")] + [f"{one['ratios']['error']:.3f}"]
        rows.append((one["vectors"], *ratios, *distinct, *largest))
    header = ("vectors", "fit, CPU time", "encode, CPU time", "error", "distinct codes", "theirs", "largest", "theirs")
    return ReportTable("", header, tuple(rows))


def kmeans_samples(runs: Runs) -> ReportTable:
    """Say what training k-means on a sample costs."""
    found = [each for run in runs for each in run["samples"]]
    rows = tuple(
        (f"{one['points_per_centroid']:,}", f"{one['fit']:.1f}", f"{one['error']:.4f}", f"{one['distinct']:,}")
        for one in found
    )
    return ReportTable("", ("points per centroid", "fit, CPU s", "error on all", "distinct codes"), rows)


def alignment_speed(runs: Runs) -> ReportTable:
    """Say what a step of the alignment costs against the encoder alone."""
    rows = tuple(
        (
            case["case"],
            f"{case['texts_per_step']:.0f}",
            mean([case["median_share"]], 2),
            f"{case['encodes_per_step']:.0f}",
            f"{case['encodes_per_cpu_s']:.0f}",
            f"{case['all_pairs']['pairs']:,}",
            f"{case['all_pairs']['cpu_s'] / 60:.1f}",
        )
        for run in runs
        for case in run["cases"]
    )
    header = ("", "places per step", "share in the encoder", "encodes per step", "encodes per CPU s")
    return ReportTable("", (*header, "all pairs", "one epoch over them, CPU min"), rows)


def export_speed(runs: Runs) -> ReportTable:
    """Say how many times as fast as eager in float32 the others answer, with quartiles."""
    cases = {name: case for run in runs for name, case in run["cases"].items()}
    batches = sorted(next(iter(cases.values())), key=int)
    rows = []
    for case, sizes in cases.items():
        for name in [name for name in sizes[batches[0]] if name != "eager"]:
            found = [sizes[batch][name] for batch in batches]
            ratios = (f"{one['ratio']:.2f} ({one['low']:.2f} to {one['high']:.2f})" for one in found)
            rows.append((f"{case}, {name}", *ratios, f"{max(one['difference'] for one in found):.0e}"))
    return ReportTable("", ("", *(f"at {batch}" for batch in batches), "largest difference"), tuple(rows))


def long_histories(runs: Runs) -> ReportTable:
    """Compare what click models cost at each length of the history: ratios to one of them, at the same length."""
    run, parts = runs[0], ("step", "extractor")
    lengths = run["lengths"]
    last = lengths[-1]["models"]
    rows = []
    for name in sorted(last, key=lambda name: -last[name]["extractor"]["to_reference"]):
        ratios = [f"{one['models'][name][part]['to_reference']:.2f}" for part in parts for one in lengths]
        ms = [one["models"][name]["extractor"]["cpu_ms_per_query"] for one in lengths]
        rows.append((name, *ratios, f"{ms[-1]:.2f}", f"{ms[-1] / ms[0]:.1f}"))
    heads = [f"{part}, {one['events']:,}" for part in parts for one in lengths]
    longest, shortest = (f"{one['events']:,}" for one in (lengths[-1], lengths[0]))
    header = ("", *heads, f"extractor, {longest}, CPU ms", f"times that at {shortest}")
    return ReportTable("", header, tuple(rows))


def decoding(runs: Runs) -> ReportTable:
    """Compare constrained decoding with transformers': ratios above 1 are in favor of lgsid's."""
    rows = tuple(
        (
            f"{case['items']:,} items, 4 x {case['codes']} codes, beam {case['beam']}",
            f"{case['speed']['first'] * 1e3:.0f}",
            f"{case['speed']['second'] * 1e3:.0f}",
            f"{case['speed']['ratio']:.1f} ({case['speed']['low']:.1f} to {case['speed']['high']:.1f})",
            f"{case['same']:.4f}",
            *(f"{case['filters'][name]['ratio']:.2f}" for name in ("one of all queries", "one a query")),
            f"{min(step['ratio'] for step in case['gather']):.1f}",
        )
        for run in runs
        for case in run["cases"]
    )
    times = ("CPU ms", "theirs, CPU ms", "times as fast", "same items")
    filters = ("time with one filter for all", "with one a query", "top-k over gather, slowest step")
    return ReportTable("", ("", *times, *filters), rows)


def beam_loss(runs: Runs) -> ReportTable:
    """Say what beams find of the true first ten, and what finding all of them costs."""
    rows = tuple(
        (
            f"{one['items']:,} items, {one['model']}",
            *(f"{share:.4f}" for share in one["found"].values()),
            f"{one['exact_over_beam_32']:.2f}",
        )
        for run in runs
        for one in run["lost"]
    )
    beams = tuple(f"beam {beam}" for beam in runs[0]["lost"][0]["found"]) if runs else ()
    return ReportTable("", ("", *beams, "time of exact search over beam 32"), rows)


def trie_speed(runs: Runs) -> ReportTable:
    """Say how many semantic IDs become a tree in a second, and on which machine all of this was measured."""
    rows = tuple(
        (
            f"{run['trie']['ids']:,}",
            f"{run['trie']['per_s'] / 1e6:.1f}",
            f"{run['trie']['best_per_s'] / 1e6:.1f}",
            f"{run['machine']['processor']}, {run['machine']['threads']} of {run['machine']['cores']} cores",
            f"{run['machine']['load']:.1f}",
        )
        for run in runs
    )
    return ReportTable("", ("semantic IDs", "million per CPU s", "best", "machine", "load"), rows)


def mutants(runs: Runs) -> ReportTable:
    """Say how many mutants of each room its unit tests notice."""
    counts = ("killed", "timeout", "survived", "no tests", "explained")
    rows = tuple(
        (
            room["room"],
            f"{room['judged']:,} of {room['mutants']:,}",
            *(f"{room[count]:,}" for count in counts),
            mean([room["score"]], 2),
            room["commit"],
            room["date"],
        )
        for run in runs
        for room in run["rooms"]
    )
    return ReportTable("", ("room", "judged mutants", *counts, "score", "commit", "date"), rows)


def serving_load(runs: Runs) -> ReportTable:
    """Compare the service under load with the call in process."""
    run = runs[0]
    named = [("in process", run["in_process"])]
    named += [(f"{one['clients']} client{'s' * (one['clients'] > 1)}", one) for one in run["clients"]]
    rows = tuple(
        (name, *(f"{one[f'p{q}_ms']:,.0f}" for q in (50, 95, 99)), f"{one['per_second']:.1f}", f"{one['failed']}")
        for name, one in named
    )
    return ReportTable("", ("", "p50, ms", "p95, ms", "p99, ms", "answers per s", "failed"), rows)


def serving_memory(runs: Runs) -> ReportTable:
    """Say how the memory of the service changes under load."""
    found = runs[0]["memory"]
    names = {"models": "process of the models", "http": "process of HTTP"}
    rows = tuple(
        (shown, *(f"{found[name][key]:,.1f}" for key in ("first_mib", "last_mib", "largest_mib", "mib_per_hour")))
        for name, shown in names.items()
    )
    title = f"after {found['seconds'] / 60:.0f} min and {found['requests']:,} requests"
    return ReportTable("", ("MiB", "at first", title, "largest", "per hour, second half"), rows)


def serving_swaps(runs: Runs) -> ReportTable:
    """Say what is lost while models are swapped under load."""
    found = runs[0]["swaps"]
    row = (f"{found['requests']:,}", f"{found['revisions_seen'] - 1}", f"{found['failed']}", f"{found['swap_s']:.1f}")
    header = ("requests", "swaps and rollbacks meanwhile", "lost or failed", "a swap, s")
    return ReportTable("", header, (row,))


def serving_conditions(runs: Runs) -> ReportTable:
    """Say on what, and under which conditions, the service was measured."""
    run = runs[0]
    what = f"{run['model']['title']}, {run['model']['places']:,} places"
    where = f"{run['machine']['processor']}, {run['machine']['cores']} cores"
    row = (what, where, f"{run['load_average_before'][0]:.1f}", run["note"] or "-")
    return ReportTable("", ("model", "machine", "load of other work before", "note"), (row,))


TABLES: Mapping[str, Callable[[Runs], ReportTable]] = {
    "leaderboard": leaderboard,
    "explore": explore,
    "click_through": click_through,
    "alignment": alignment,
    "reward": reward,
    "reads": reads,
    "semantic_ids": semantic_ids,
    "cost": cost,
    "growth": growth,
    "alignment_speed": alignment_speed,
    "bad_input": partial(trial, "inputs"),
    "faults": partial(trial, "faults"),
    "export_speed": export_speed,
    "long_histories": long_histories,
    "mutants": mutants,
    "decoding": decoding,
    "beam_loss": beam_loss,
    "trie_speed": trie_speed,
    "kmeans": kmeans,
    "kmeans_samples": kmeans_samples,
    "serving_load": serving_load,
    "serving_memory": serving_memory,
    "serving_swaps": serving_swaps,
    "serving_conditions": serving_conditions,
}


def filled(text: str, root: Path) -> str:
    """Return `text` with everything between marks written anew from the files of the checkout at `root`."""

    def table(match: re.Match[str]) -> str:
        folder = root / "benchmarks" / "results" / match["result"]
        runs = [read_json(path) for path in sorted(folder.glob("*.json"))]
        if not runs:
            return match[1] + match[4]
        body = TABLES[match["kind"]](runs).markdown_rows()
        if len(runs) > 1:
            body += f"\n\nMean over the seeds {', '.join(str(run.get('seed')) for run in runs)}."
        return f"{match[1]}\n{body}\n\n{match[4]}"

    def quote(match: re.Match[str]) -> str:
        path = root / match["path"]
        if not path.is_file():
            return match[1] + match[3]
        content = path.read_text(encoding="utf-8").rstrip()
        return f"{match[1]}\n```{LANGUAGES.get(path.suffix, '')}\n{content}\n```\n\n{match[3]}"

    def excerpt(match: re.Match[str]) -> str:
        path = root / match["path"]
        if not path.is_file():
            return match[1] + match[5]
        lines = path.read_text(encoding="utf-8").splitlines()
        if match["first"] not in lines or match["end"] not in lines[lines.index(match["first"]) :]:
            raise LgsidError(f"{match['path']}: has no lines {match['first']!r} and {match['end']!r}, in this order")
        first = lines.index(match["first"])
        content = "\n".join(lines[first : lines.index(match["end"], first)]).rstrip()
        return f"{match[1]}\n```{LANGUAGES.get(path.suffix, '')}\n{content}\n```\n\n{match[5]}"

    return EXCERPT.sub(excerpt, QUOTED.sub(quote, MARKED.sub(table, text)))


def take_demo(run_folder: Path, docs: Path) -> None:
    """Take the map of a demo run, in 256 colors, and what it printed at its end, without any."""
    report = run_folder / "report"
    with Image.open(report / "map.png") as image, atomic_path(docs / "map.png") as partial:
        image.thumbnail((PICTURE_WIDTH, 10 * PICTURE_WIDTH))
        image.convert("RGB").quantize(256).save(partial, format="png", optimize=True)
    printed = ANSI.sub("", (report / "report.ansi").read_text(encoding="utf-8"))
    write_text(docs / "demo.txt", "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()) + "\n")


def main() -> None:
    """Write the documents, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    parser.add_argument("--check", action="store_true", help="do not write; exit code 1 if something would change")
    parser.add_argument("--demo", type=Path, metavar="RUN_FOLDER", help="take the picture and the output of this run")
    options = parser.parse_args()
    if options.demo is not None:
        take_demo(options.demo, options.root / "docs")
    stale = False
    for path in (path for pattern in DOCUMENTS for path in sorted(options.root.glob(pattern))):
        old = path.read_text(encoding="utf-8")
        new = filled(old, options.root)
        stale |= old != new
        if not options.check:
            write_text(path, new)
    if options.check:
        sys.exit(int(stale))


if __name__ == "__main__":
    main()
