"""The command line itself: commands, wrong words, help, and the man page."""
import pathlib
import re
import shutil
import subprocess

from support import KEYS, READER, contract, expect, ok, one_sentence, skip

STATUSES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 124, 130]


def test_no_command(case):
    expect(case.legwork(), 2, "command is missing", "legwork help")


def test_unknown_command_names_the_near_one(case):
    expect(case.legwork("aks"), 2, '"aks"', '"ask"')
    expect(case.legwork("xyzzy"), 2, '"xyzzy"')


def test_option_before_the_command(case):
    expect(case.legwork("--json", "ask", "q"), 2, "--json", "before the command")


def test_version(case):
    assert re.fullmatch(r"legwork \d+\.\d+\.\d+\n", ok(case.legwork("--version")).out)
    assert case.legwork("version").out == case.legwork("-V").out


def test_help(case):
    assert "models" in ok(case.legwork("help")).out
    assert case.legwork("--help").out == case.legwork("-h").out == case.legwork("help").out
    shown = ok(case.legwork("help", "ask")).out
    assert shown == ok(case.legwork("ask", "--help")).out == case.legwork("ask", "-h").out
    assert "--rounds N" in shown and max(map(len, shown.splitlines())) <= 80
    expect(case.legwork("help", "nothing"), 2)


def test_help_is_not_stopped_by_a_broken_configuration(case):
    case.config("nonsense = 1\n")
    ok(case.legwork("ask", "--help"))
    ok(case.legwork("--version"))


def test_unknown_option_names_the_near_one(case):
    expect(case.legwork("ask", "--rmote", "x", "q", "f"), 2, "--rmote", "--remote")
    expect(case.legwork("ask", "-z", "q", "f"), 2, "-z")
    expect(case.legwork("models", "--rounds", "2"), 2, "no option --rounds")


def test_option_without_value(case):
    expect(case.legwork("ask", "q", "f", "--rounds"), 2, "--rounds N")


def test_values_out_of_range(case):
    for option, value in [("rounds", "0"), ("rounds", "x"), ("samples", "-1"), ("tasks", "1e3"),
                          ("read", "some"), ("timeout", "never"), ("protocol", "mini"),
                          ("context", "99999999999999999999"), ("about", ""), ("json", "so")]:
        expect(case.legwork("ask", "q", "f", "--%s=%s" % (option, value)), 2, "--" + option)


def test_question_is_missing(case):
    expect(case.legwork("ask"), 2, "question is missing")


def test_question_of_no_characters(case):
    case.write("a.txt", contract(4))
    server = case.server(READER)
    for question in ["", " \n\t", "\u3000"]:
        one_sentence(expect(case.legwork("ask", "--local", server.url, question, "a.txt"), 2,
                            "question is empty"))
    assert server.stats()["requests"] == 0


def test_question_of_100000_characters(case):
    case.write("a.txt", contract(4))
    result = case.legwork("ask", "--local", case.server(READER).url, "why " * 25000, "a.txt")
    one_sentence(expect(result, 2, "100000 bytes", "32768"))


def test_question_that_is_not_text(case):
    case.write("a.txt", contract(4))
    result = case.legwork("ask", "--local", case.server(READER).url, b"\xff\xfe?", "a.txt")
    one_sentence(expect(result, 2, "UTF-8"))


def test_question_too_long_for_the_worker(case):
    case.write("a.txt", contract(4))
    result = case.legwork("ask", "--local", case.server(READER).url, "word " * 6000, "a.txt")
    one_sentence(expect(result, 2, "too long"))


def test_words_behind_two_dashes(case):
    case.write("-a.txt", contract(4))
    result = case.legwork("ask", "--local", case.server(READER).url, "--", "--notice period?",
                          "-a.txt")
    assert "ninety days" in ok(result).out


def test_protocol_without_supervisor(case):
    case.write("a.txt", contract(4))
    result = case.legwork("ask", "--protocol", "minions", "q", "a.txt")
    one_sentence(expect(result, 2, "--remote"))


def test_misspelt_command_of_help(case):
    expect(case.legwork("help", "aks"), 2, '"aks"', '"ask"')


def test_letters_side_by_side(case):
    case.write("a.txt", contract(4))
    server = case.server(READER)
    answer = ok(case.legwork("ask", "-qt30", "-l" + server.url, "What is the notice period?", "a.txt"))
    assert "ninety days" in answer.out and answer.err == ""
    expect(case.legwork("ask", "-qz", "q", "f"), 2, "option -z")


def test_a_file_is_no_question(case):
    """Who forgot the question would be told that the documents do not answer "a.txt"."""
    case.write("a.txt", contract(4))
    for words in [("a.txt",), ("a.txt", "a.txt"), (".", "a.txt")]:
        expect(case.legwork("ask", *words), 2, "the question comes first", "legwork ask")
    case.write("fee/b.txt", contract(4))
    ok(case.legwork("ask", "--local", case.server(READER).url, "fee", "a.txt"))


def test_question_without_quotes(case):
    case.write("a.txt", contract(4))
    server = case.server(READER)
    result = case.legwork("ask", "--local", server.url, "How", "long", "a.txt")
    expect(result, 10, "cannot open long", "stands in quotes", "1 of the 2 files")


def test_no_file_and_nothing_to_read(case):
    one_sentence(expect(case.legwork("ask", "How long?", stdin=b""), 9, "no file is named",
                        "standard input is empty"))


def test_a_named_file_that_is_not_there(case):
    """The others are read, and neither the status nor --quiet hides what was not."""
    case.write("a.txt", contract(4))
    server = case.server(READER)
    for flags in [(), ("-q",)]:
        result = case.legwork("ask", "--local", server.url, *flags, "What is the notice period?",
                              "a.txt", "gone.txt")
        assert "ninety days" in expect(result, 10, "cannot open gone.txt", "1 of the 2 files").out
        assert result.err.count("gone.txt") == 1, result.err


def test_schema_that_cannot_be_used(case):
    case.write("a.txt", contract(4))
    case.write("half.json", '{"type": "object",')
    case.write("odd.json", '{"type": "string", "pattern": "a+"}')
    case.write("large.json", '{"type": "string", "title": "%s"}' % ("x" * 300000))
    for name, part in [("none.json", "No such file"), ("half.json", "line 1"),
                       ("odd.json", "pattern"), ("large.json", "262144")]:
        result = case.legwork("ask", "--schema", name, "q", "a.txt")
        one_sentence(expect(result, 2, name, part))


def test_man_page_tells_everything(case):
    page = ok(case.legwork("man")).out
    plain = re.sub(r"\\f[BIPR]", "", page).replace("\\-", "-")
    shown = ok(case.legwork("help", "ask")).out
    for option in re.findall(r"--[a-z-]+", shown):
        assert option in plain, option
    for key in KEYS:
        assert "\n.B %s\n" % key in plain, key
    for status in STATUSES:
        assert "\n.B %d\n" % status in plain, status
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "CONFIGURATION",
                    "ENVIRONMENT", "EXIT STATUS", "JSON", "FILES", "EXAMPLES", "SEE ALSO"]:
        assert "\n.SH %s\n" % section in page, section


def test_man_page_names_every_schema(case):
    """Each object that --json prints, of whichever command."""
    page = ok(case.legwork("man")).out
    sources = "".join(path.read_text() for path in pathlib.Path("src").rglob("*.c"))
    names = set(re.findall(r'"(legwork\.[a-z]+/1)"', sources))
    assert len(names) >= 6, names
    for name in names:
        assert name in page, name


def test_man_page_is_good_troff(case):
    if not shutil.which("groff"):
        skip("no groff")
    page = ok(case.legwork("man")).raw
    made = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True,
                          timeout=60, check=False)
    assert made.returncode == 0 and not made.stderr, made.stderr
