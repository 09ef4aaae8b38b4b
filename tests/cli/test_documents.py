"""Documents, good and bad, as `text` and `ask` take them."""
import os
import shutil
import zlib

from support import (FACT, READER, check_answer, contract, expect, ok, one_sentence, pdf,
                     pdf_file, skip)

QUESTION = "How long is the notice period?"


def need_pdftotext():
    if not shutil.which("pdftotext"):
        skip("no pdftotext")


def ask(case, *files, stdin=b""):
    if not case.servers:
        case.server(READER)
    return case.legwork("ask", "--json", "--local", case.servers[0].url, QUESTION, *files,
                        stdin=stdin)


def test_text_is_printed_as_it_is(case):
    text = "Ünïcode\n\n\ttabs  and spaces \nno end of line"
    case.write("a.txt", text)
    assert ok(case.legwork("text", "a.txt")).out == text


def test_text_of_standard_input(case):
    assert ok(case.legwork("text", "-", stdin=b"piped\n")).out == "piped\n"
    assert ok(case.legwork("text", stdin=b"piped\n")).out == "piped\n"


def test_text_wants_one_document(case):
    case.write("folder/a.txt", "a\n")
    case.write("folder/b.txt", "b\n")
    expect(case.legwork("text", "folder"), 2, "2 documents")
    expect(case.legwork("text", "folder/a.txt", "folder/b.txt"), 2)


def test_pdf_pages_are_cited(case):
    need_pdftotext()
    case.write("a.pdf", pdf([["Some words on the first page."], [FACT], ["And a last one."]]))
    answer = check_answer(ok(ask(case, "a.pdf")).json)
    assert answer["citations"][0]["page"] == 2, answer


def test_pages_without_text_are_reported(case):
    need_pdftotext()
    case.write("a.pdf", pdf([[FACT], None, None]))
    answer = check_answer(ok(ask(case, "a.pdf")).json)
    assert any("2 " in w and "page" in w for w in answer["warnings"]), answer["warnings"]


def test_the_same_text_is_read_once(case):
    case.write("docs/a.txt", contract(4))
    case.write("copy.txt", contract(4))
    alone = check_answer(ok(ask(case, "docs")).json)
    answer = check_answer(ok(ask(case, "docs", "docs/a.txt", "copy.txt")).json)
    assert answer["coverage"] == alone["coverage"], answer["coverage"]
    same = [w for w in answer["warnings"] if "holds the same text as docs/a.txt" in w]
    assert len(same) == 2, answer["warnings"]


def test_folder_and_gitignore(case):
    case.write("docs/a.txt", contract(4))
    case.write("docs/.gitignore", "*.log\nsecret/\n")
    case.write("docs/b.log", "The notice period is four days, is ninety days not.")
    case.write("docs/secret/c.txt", "x is ninety days")
    case.write("docs/image.bin", bytes(range(256)) * 16)
    answer = check_answer(ok(ask(case, "docs")).json)
    assert {c["doc"] for c in answer["citations"]} == {"docs/a.txt"}
    assert any("binary" in w for w in answer["warnings"]), answer["warnings"]


def test_standard_input_is_read_when_no_file_is_named(case):
    assert ok(ask(case, stdin=contract(4).encode())).json["status"] == "answered"
    assert ok(ask(case, "-", stdin=contract(4).encode())).json["status"] == "answered"


def test_missing_file(case):
    one_sentence(expect(ask(case, "none.txt"), 9, "none.txt", "No such file"))
    one_sentence(expect(case.legwork("text", "none.txt"), 9, "none.txt"))


def test_unreadable_file(case):
    if os.geteuid() == 0:
        skip("root reads everything")
    case.write("a.txt", contract(4)).chmod(0)
    one_sentence(expect(ask(case, "a.txt"), 9, "a.txt", "Permission denied"))


def test_empty_file(case):
    case.write("a.txt", "")
    one_sentence(expect(ask(case, "a.txt"), 9, "a.txt", "empty"))
    expect(ask(case), 9, "empty")


def test_binary_file(case):
    case.write("a.bin", b"\x7fELF\x02\x01\x00\x00" + bytes(range(256)) * 64)
    one_sentence(expect(ask(case, "a.bin"), 9, "a.bin", "legwork reads text"))
    case.write("b.dat", bytes(range(256)) * 64)
    one_sentence(expect(ask(case, "b.dat"), 9, "b.dat", "binary"))


def test_damaged_pdf(case):
    need_pdftotext()
    case.write("a.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 64)
    one_sentence(expect(ask(case, "a.pdf"), 9, "a.pdf"))
    whole = pdf([[FACT]] * 20)
    case.write("b.pdf", whole[:len(whole) // 3])
    result = ask(case, "b.pdf")
    assert result.status in (0, 3, 9), result


def test_pdf_bomb(case):
    """1,600 bytes that become a hundred million numbers."""
    need_pdftotext()
    packer = zlib.compressobj(9)
    packed = [packer.compress(b"BT /F1 9 Tf 10 700 Td [")]
    packed += [packer.compress(b"1 " * 500000) for _ in range(200)]
    packed.append(packer.compress(b"] TJ ET") + packer.flush())
    stream = zlib.compress(b"".join(packed), 9)
    case.write("bomb.pdf", pdf_file([
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [5 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (
            len(stream), stream),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 3 0 R >> >> >>"]))
    case.write("good.txt", contract(4))
    answer = check_answer(expect(ask(case, "bomb.pdf", "good.txt"), 10, "bomb.pdf").json)
    assert answer["citations"][0]["doc"] == "good.txt"


def test_100_mb_of_text(case):
    case.write("a.txt", b"all work and no play makes a dull file\n" * 2600000)
    one_sentence(expect(ask(case, "a.txt"), 9, "a.txt"))


def test_other_documents_go_on(case):
    case.write("good.txt", contract(4))
    case.write("empty.txt", "")
    result = ask(case, "none.txt", "good.txt", "empty.txt")
    answer = check_answer(expect(result, 10, "none.txt", "empty.txt", "2 of the 3 files").json)
    assert answer["status"] == "answered"
    assert any("none.txt" in w for w in answer["warnings"]), answer["warnings"]
    expect(ask(case, "none.txt", "empty.txt"), 9, "none of the 2 files")


def test_names_that_are_not_utf8(case):
    name = os.fsencode(str(case.folder)) + b"/caf\xe9.txt"
    try:
        with open(name, "wb") as out:
            out.write(contract(4).encode())
    except OSError:
        skip("the file system wants UTF-8 names")
    answer = check_answer(ok(ask(case, b"caf\xe9.txt")).json)
    assert answer["citations"][0]["doc"] == "caf\ufffd.txt"
