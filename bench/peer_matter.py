"""What both sides are given: excerpts, questions, prompts; and what their replies are worth.

Used by bench/peer.py. Documents and questions are the evaluation pack's; grading is
bench/evaluate.py's.
"""
import json
import os

import evaluate

CHUNK_BYTES = 3000
REPLY_TOKENS = 96
SETS = ("longhealth", "covidqa", "haystack", "nq")

SYSTEM = ("You read one excerpt of a longer document and answer a question about it, "
          "using only the excerpt.")
TASK = ('Question: {}\nReply with JSON: {{"answer": "...", "quote": "..."}}: the answer in a '
        "few words, and the sentence of the excerpt that says so. If the excerpt does not "
        "say, both are null.")
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": ["string", "null"], "maxLength": 120},
                   "quote": {"type": ["string", "null"], "maxLength": 240}},
    "required": ["answer", "quote"], "additionalProperties": False}


# --- Documents and questions --------------------------------------------------------

def cut(text, size, count):
    """Byte offsets of at most count pieces of about size bytes, cut behind lines or words."""
    cuts = [0]
    while len(cuts) <= count and cuts[-1] < len(text):
        end = cuts[-1] + size
        if end < len(text):
            for mark in (b"\n", b" "):
                at = text.rfind(mark, cuts[-1] + size // 2, end)
                if at >= 0:
                    end = at + 1
                    break
        cuts.append(min(end, len(text)))
    return cuts


def is_look_up(question):
    """One short answer that the document holds."""
    return question["kind"] != "unanswerable" and question["scoring"] != "all_of"


def stands_in(question, text):
    places = [e["text"] for e in question["evidence"]] or [question["answer"]]
    return all(place.strip() in text for place in places)


class Matter:
    """Some pieces of one document, and questions that they answer."""

    def __init__(self, name, text, cuts, questions):
        self.name, self.text, self.cuts, self.questions = name, text, cuts, questions

    def pieces(self):
        return [self.text[a:b].decode() for a, b in zip(self.cuts, self.cuts[1:])]

    def jobs(self, n_questions, tokens=REPLY_TOKENS):
        """Jobs of peer_engine.c, all of a piece together."""
        shape = {"schema": SCHEMA} if tokens else {}
        return [{"id": f"{c}.{q}", "system": SYSTEM, "verbatim": 1, "tokens": tokens, **shape,
                 "user": ["Excerpt:\n---\n", piece.strip(), "\n---\n",
                          TASK.format(question["task"])]}
                for c, piece in enumerate(self.pieces())
                for q, question in enumerate(self.questions[:n_questions])]

    def reading(self, n_questions):
        """Input of peer_read.c."""
        return {"text": self.text.decode(), "cuts": self.cuts,
                "questions": [q["task"] for q in self.questions[:n_questions]]}


def windows(text, count):
    """Every run of `count` pieces, as (text, cuts from 0)."""
    cuts = cut(text, CHUNK_BYTES, len(text))
    for first in range(max(1, len(cuts) - count)):
        part = cuts[first:first + count + 1]
        yield text[part[0]:part[-1]], [c - part[0] for c in part]


def choose(pack, n_documents, n_chunks, n_questions):
    """A Matter for each of the first documents that have enough, from all sets in turn:
    the pieces that answer most questions."""
    by_set = [matters_of(pack, name, n_chunks, n_questions) for name in SETS]
    chosen = []
    while by_set and len(chosen) < n_documents:
        source = by_set.pop(0)
        matter = next(source, None)
        if matter:
            chosen.append(matter)
            by_set.append(source)
    return chosen


def matters_of(pack, name, n_chunks, n_questions):
    for doc, questions in evaluate.load_questions(pack, [name]).items():
        with open(os.path.join(pack, "open", doc), "rb") as file:
            text = file.read()
        own = [q for q in questions if is_look_up(q)]
        best = ([], b"", [])
        for part, cuts in windows(text, n_chunks):
            inside = [q for q in own if stands_in(q, part.decode())]
            if len(cuts) == n_chunks + 1 and len(inside) > len(best[0]):
                best = (inside, part, cuts)
        if len(best[0]) >= n_questions:
            yield Matter(doc, best[1], best[2], best[0][:n_questions])


def look_ups(pack, sets, max_chars, n):
    """n questions, one of each document in turn: (document, question)."""
    by_doc = {doc: [q for q in questions if is_look_up(q)]
              for doc, questions in evaluate.load_questions(pack, sets).items()
              if os.path.getsize(os.path.join(pack, "open", doc)) <= max_chars}
    chosen, turn = [], 0
    while len(chosen) < n and any(turn < len(q) for q in by_doc.values()):
        chosen += [(doc, q[turn]) for doc, q in by_doc.items() if turn < len(q)]
        turn += 1
    return chosen[:n]


# --- Replies ------------------------------------------------------------------------

def value_of(reply):
    """The object that a reply is; None for one that is broken or was cut."""
    try:
        value = json.loads(reply["text"])
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def parse(reply):
    """(answer, quote) of a JSON reply; None where it has none or is broken."""
    value = value_of(reply) or {}
    answer, quote = value.get("answer"), value.get("quote")
    if not isinstance(answer, str) or answer.strip(" .").lower() in ("", "null", "not stated"):
        return None
    return answer, quote if isinstance(quote, str) else ""


def settle(matter, replies, number):
    """The answer that JSON replies of all pieces to one question come to, and all of them.

    Nobody says how; this is the best that a simple rule can do without a model: an
    answer whose words stand in its piece comes first, then one with a quote that
    does, then the one that most pieces gave, then the first.
    """
    pieces = matter.pieces()
    found = []
    for reply in replies:
        chunk, question = (int(part) for part in reply["id"].split("."))
        if question == number and parse(reply):
            answer, quote = parse(reply)
            found.append((chunk, answer, quote))
    folded = [" ".join(evaluate.fold(answer)) for _, answer, _ in found]

    def worth(i):
        chunk, answer, quote = found[i]
        return (evaluate.occurs(evaluate.fold(answer), evaluate.fold(pieces[chunk])),
                bool(quote) and quote in pieces[chunk], folded.count(folded[i]), -chunk)

    answers = [answer for _, answer, _ in found]
    best = max(range(len(found)), key=worth, default=None)
    return (found[best] if best is not None else None), answers
