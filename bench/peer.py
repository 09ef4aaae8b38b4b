#!/usr/bin/env python3
"""legwork beside llama-server of the same source, in turn, on this machine.

    make bench-peer [ARGS="..."]      builds what is needed, then runs this
    bench/peer.py [--only engine,work] [--model 0.5B] [--runs 3] [--quick] ...

Parts: engine (same prompts, same JSON replies), work (our way of reading against JSON
jobs, right answers counted), kv (a document that was read before), lookups (time and
right answers by --read), memory, overhead (the engine beside llama_decode), cancel,
queue (10,000 jobs). llama-server comes from tools/get-libllama --server: it is built
once and kept in the user's cache folder.

Medians of --runs go into a Markdown table, every run into a CSV file, both named by
the time below bench/results/ (--quick: build/bench/results/). "others' cores" is the
CPU time that everything else on the machine took meanwhile, in cores: measurements
count where it is near 0. "x first" is the time as a multiple of that of the first
line of the workload, which is legwork's (above 1 legwork was faster), or, for
lookups, that of --read all.
"""
import argparse
import csv
import glob
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import peer_parts
import peer_run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SMALLEST = "SmolLM2-135M"     # of the parts whose bounds are given for it
FIELDS = ("part", "model", "workload", "side", "run", "metric", "value")


# --- The report -------------------------------------------------------------------------

class Report:
    """Every figure goes to the CSV file at once; the table is written anew after each part."""

    def __init__(self, stem, header, log=sys.stderr):
        self.stem, self.header, self.log = stem, header, log
        self.part, self.model, self.rows, self.sections = None, None, [], []
        os.makedirs(os.path.dirname(stem), exist_ok=True)
        self.file = open(stem + ".csv", "w", encoding="utf-8", newline="")
        self.file.writelines(f"# {line}\n" for line in header)
        self.csv = csv.writer(self.file)
        self.csv.writerow(FIELDS)

    def begin(self, part, model):
        self.part, self.model, self.rows = part, model, []

    def add(self, workload, side, run, metrics):
        self.rows.append((workload, side, run, metrics))
        for metric, value in metrics.items():
            self.csv.writerow((self.part, self.model, workload, side, run, metric,
                               f"{value:.6g}"))
        self.file.flush()
        seconds = f", {metrics['wall_s']:.1f} s" if "wall_s" in metrics else ""
        print(f"{self.part}, {self.model}, {workload}, {side}{seconds}", file=self.log)

    def end(self, text):
        self.sections.append(f"## {self.part}, {self.model}\n\n{text}\n")
        with open(self.stem + ".md", "w", encoding="utf-8") as out:
            out.write("# legwork beside llama-server\n\n")
            out.writelines(f"- {line}\n" for line in self.header)
            out.write("\n" + "\n".join(self.sections))

    def table(self, columns):
        """Medians of the runs, a line for each workload and side."""
        return lines_of(self.rows, columns, lambda _, values: statistics.median(values))

    def sums(self, columns):
        """A line a side: medians of what was timed, sums of what was counted."""
        rows = [("all questions", side, run, metrics) for _, side, run, metrics in self.rows]
        timed = ("wall_s", "worker_s", "others", "read", "chunks")
        return lines_of(rows, columns, lambda metric, values:
                        statistics.median(values) if metric in timed else sum(values))


def lines_of(rows, columns, join):
    groups = {}
    for workload, side, _, metrics in rows:
        groups.setdefault((workload, side), []).append(metrics)
    names = ["workload", "side", "runs", *(name for _, name, _ in columns)]
    timed = columns[0][0] == "wall_s" and len({side for _, side in groups}) > 1
    lines = ["| " + " | ".join(names + ["x first"] * timed) + " |",
             "|" + " --- |" * (len(names) + timed)]
    first = {}
    for (workload, side), every in groups.items():
        cells = [workload, side, str(len(every))]
        for metric, _, decimals in columns:
            value = join(metric, [m[metric] for m in every])
            cells.append("-" if math.isnan(value) else f"{value:.{decimals}f}")
        if timed:
            seconds = statistics.median(m["wall_s"] for m in every)
            cells.append(f"{seconds / first.setdefault(workload, seconds):.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


# --- What is measured with ------------------------------------------------------------------

def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def sources(setup):
    """What each side is built from, and whether that is the same."""
    if setup.server and not setup.server_is_ours:
        return f"llama-server is {setup.server}: NOT of the same source"
    with open(os.path.join(ROOT, "build", "config.mk"), encoding="utf-8") as file:
        linked = file.read().partition(":=")[2].strip()
    pinned = output_of(os.path.join(ROOT, "tools", "get-libllama"), "--where")
    version = os.path.basename(pinned).split("-")[1]
    if linked == pinned:
        return f"llama.cpp of llama-cpp-python {version} on both sides"
    return (f"llama-server of llama-cpp-python {version}, legwork with the libllama in "
            f"{linked}: NOT of the same source")


def header_of(setup, models):
    commit = output_of("git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude", "*")
    sizes = ", ".join(f"{os.path.basename(path)} ({os.path.getsize(path) / 1e6:.0f} MB)"
                      for path in models)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return [time.strftime("%Y-%m-%d %H:%M %Z"),
            f"{processor()}, {os.cpu_count()} CPUs, {setup.threads} threads on each side, "
            f"{platform.system()} {platform.release()}, load at the start {load:.1f}",
            f"{output_of(setup.legwork, '--version')}, commit {commit}; {sources(setup)}",
            f"llama-server at its best: -t {setup.threads} {' '.join(peer_parts.BEST)}, the "
            f"slot pinned by chunk; as people run it: -t {setup.threads}, all jobs at once",
            f"models: {sizes}",
            *(["look-ups: of documents that were read before, states on disk"]
              if setup.kept else []),
            f"runs: {setup.runs}" + (", quick: a smoke run, not a measurement"
                                     if setup.quick else "")]


def find_models(folder, names):
    """The first file of the folder that has each name in its own; a path is itself."""
    files = sorted(glob.glob(os.path.join(folder, "*.gguf")))
    found = []
    for name in names:
        if os.path.isfile(name):
            found.append(name)
            continue
        fitting = [f for f in files if name.lower() in os.path.basename(f).lower()]
        if fitting:
            found.append(fitting[0])
        else:
            print(f"skip: no model {name} in {folder}", file=sys.stderr)
    return found


# --- Running ----------------------------------------------------------------------------------

def parse_arguments():
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else \
        os.cpu_count()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(peer_parts.PARTS), metavar="PART,...")
    parser.add_argument("--model", default="", metavar="NAME,...",
                        help="part of a file's name, or a path (0.5B,1.5B)")
    parser.add_argument("--models-dir", default=os.path.join(data, "legwork", "models"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=threads)
    parser.add_argument("--pack", default=os.path.join(ROOT, "..", "shared", "evalpack"))
    parser.add_argument("--chunks", type=int, default=12, help="of engine and work")
    parser.add_argument("--documents", type=int, default=3, help="of work")
    parser.add_argument("--sets", default="longhealth,covidqa,nq,haystack", help="of lookups")
    parser.add_argument("--questions", type=int, default=24, help="of lookups")
    parser.add_argument("--max-chars", type=int, default=60000, help="of a lookups document")
    parser.add_argument("--kept", action="store_true",
                        help="lookups of documents that were read before")
    parser.add_argument("--server", metavar="PATH", help="another llama-server than ours")
    parser.add_argument("--out", metavar="FOLDER")
    parser.add_argument("--quick", action="store_true",
                        help="two chunks, one run, few questions: does it work?")
    args = parser.parse_args()
    args.only, args.sets = args.only.split(","), args.sets.split(",")
    for part in args.only:
        if part not in peer_parts.PARTS:
            parser.error(f"no part {part}; there are {', '.join(peer_parts.PARTS)}")
    return args


def prepare(setup):
    """Options become the setup of all parts."""
    setup.pack = os.path.abspath(setup.pack)
    setup.legwork = os.path.join(ROOT, "build", "legwork")
    setup.program = lambda name: os.path.join(ROOT, "build", "bench", name)
    setup.keeps_states = "--kv-cache" in output_of(setup.legwork, "ask", "--help")
    setup.server_is_ours = not setup.server
    if {"engine", "work"} & set(setup.only) and setup.server_is_ours:
        made = subprocess.run([os.path.join(ROOT, "tools", "get-libllama"), "--server"],
                              stdout=subprocess.PIPE, text=True, check=True)
        setup.server = made.stdout.strip()
    if setup.quick:
        setup.runs, setup.chunks, setup.documents, setup.questions = 1, 2, 1, 2
    folder = os.path.join("build", "bench", "results") if setup.quick else \
        os.path.join("bench", "results")
    setup.out = setup.out or os.path.join(ROOT, folder)


def run_part(setup, name, model, report):
    measure, columns = peer_parts.PARTS[name]
    report.begin(name, os.path.basename(model).removesuffix(".gguf"))
    try:
        measure(setup, model, report)
    except peer_parts.Skip as why:
        print(f"skip: {name}: {why}", file=sys.stderr)
        report.end(f"skip: {why}")
        return True
    except (peer_run.Failed, SystemExit) as why:      # evaluate.py exits
        print(f"FAILED: {name}: {why}", file=sys.stderr)
        report.end(f"FAILED: {why}\n\n" + report.table(columns) if report.rows else
                   f"FAILED: {why}")
        return False
    report.end(report.sums(columns) if name == "lookups" else report.table(columns))
    return True


def models_of(setup, name):
    """Memory and many jobs are bounded for the smallest model too, or alone."""
    names = setup.model.split(",") if setup.model else ["0.5B", "1.5B"]
    if not setup.model:
        names = {"memory": [SMALLEST, *names], "queue": [SMALLEST]}.get(name, names)
    return find_models(setup.models_dir, names)


def main():
    setup = parse_arguments()
    prepare(setup)
    plan = [(name, model) for name in setup.only for model in models_of(setup, name)]
    if not plan:
        return 0
    stem = os.path.join(setup.out, time.strftime("peer-%Y-%m-%d-%H%M%S"))
    report = Report(stem, header_of(setup, list(dict.fromkeys(m for _, m in plan))))
    with tempfile.TemporaryDirectory(prefix="legwork-peer-") as setup.scratch:
        good = [run_part(setup, name, model, report) for name, model in plan]
    with open(stem + ".md", encoding="utf-8") as file:
        print(file.read())
    print(f"{stem}.md, .csv", file=sys.stderr)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
