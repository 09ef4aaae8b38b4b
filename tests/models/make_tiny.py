#!/usr/bin/env python3
"""make_tiny.py FOLDER: write a tiny random model of each kind that the engine must run.

    qwen2.gguf    decoder, grouped heads, BPE vocabulary, ChatML template
    narrow.gguf   the same kind, its matrices in blocks of Q5_0
    llama.gguf    decoder, SentencePiece vocabulary (space in front, byte tokens), [INST]
    gemma2.gguf   decoder, every second layer with a sliding window, SentencePiece
    gemma3.gguf   the same, newer
    mamba.gguf    recurrent, BPE, no template
    jamba.gguf    hybrid: recurrent and attention layers in turn, BPE
    qwen3.gguf    a reasoning model: <think> in vocabulary and template
    t5.gguf       encoder-decoder, unigram vocabulary
    bert.gguf     embeddings: WordPiece vocabulary, mean pooling
    vocab.gguf    a vocabulary and no model; clip.gguf a projector for pictures

They compute like large ones and know nothing. The vocabularies are real: made here,
by merging what is frequent in a short text. Equal bytes on every machine.

Needs the package gguf (PyPI). Where it is not installed, pip puts it below FOLDER.
FOLDER/made is written at the end; where the package cannot be had it is not, and
FOLDER/skip says why.
"""
import collections
import importlib
import os
import pathlib
import re
import subprocess
import sys

TEXT = """The tenant shall pay a rent of 500 dollars on the first day of each month. The
lease begins on 1 May 2020 and runs for three years. Pets are not allowed. The landlord
is Maria Schmidt of Hamburg, and the tenant is John Miller. Tomatoes want sun and warmth.
Sow them in March, plant them out after the last frost and water them in the morning,
never on the leaves. A stake of two metres keeps them upright. What is the answer? It is
not stated in the excerpt. Answer: not stated. Who is the landlord? When does the lease
begin? How much is it? Read the excerpt and answer the question with one short sentence.
You answer questions. {"name": "value", "list": [1, 2, 3], "yes": true, "no": false}
"""
MERGES = 300
WIDTH, HEADS, HEADS_KV, FEED, LAYERS = 64, 4, 2, 128, 2
HEAD = WIDTH // HEADS
CONTEXT = 2048
WINDOW = 32
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6     # types of tokens

CHATML = ("{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
          "{{ message['content'] }}<|im_end|>\n{% endfor %}"
          "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
QWEN3 = CHATML + ("{% if enable_thinking is defined and enable_thinking is false %}"
                  "<think>\n\n</think>\n\n{% endif %}")
LLAMA2 = ("[INST] <<SYS>>\n{{ system }}\n<</SYS>>\n\n{{ message['content'] }} [/INST]")
GEMMA = ("{{ bos_token }}<start_of_turn>{{ role }}\n{{ message['content'] }}"
         "<end_of_turn>\n<start_of_turn>model\n")


# What the templates of many families speak by, beside their own.
FAMILIES = """<s> </s> <eos> <bos> <|eot_id|> <|start_header_id|> <|end_header_id|>
<|begin_of_text|> <|user|> <|assistant|> <|system|> <|end|> <start_of_turn> <end_of_turn>
[INST] [/INST] <|start_of_role|> <|end_of_role|> <|end_of_text|> <|START_OF_TURN_TOKEN|>
<|END_OF_TURN_TOKEN|> <|USER_TOKEN|> <|CHATBOT_TOKEN|> [gMASK] <sop> <|return|>
<|channel|> <|message|> <|start|> <|im_sep|> <\uff5cUser\uff5c> <\uff5cAssistant\uff5c>
<\uff5cend\u2581of\u2581sentence\uff5c>""".split()

# --- Vocabularies ------------------------------------------------------------------

def merge_pairs(words):
    """words: {tuple of symbols: count}. Yields the pairs to merge, the most frequent
    first."""
    for _ in range(MERGES):
        pairs = collections.Counter()
        for symbols, count in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
        if not pairs:
            return
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merged = collections.Counter()
        for symbols, count in words.items():
            out, i = [], 0
            while i < len(symbols):
                if symbols[i:i + 2] == best:
                    out.append(best[0] + best[1])
                    i += 2
                else:
                    out.append(symbols[i])
                    i += 1
            merged[tuple(out)] += count
        words = merged
        yield best


def count_words(text, pattern):
    return collections.Counter(tuple(word) for word in re.findall(pattern, text))


def byte_letters():
    """The letters that stand for bytes in vocabularies of the GPT-2 kind."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    letters = {b: chr(b) for b in plain}
    letters.update({b: chr(256 + i) for i, b in enumerate(others)})
    return letters


def put_tokens(out, model, tokens, types, scores=None):
    out.add_tokenizer_model(model)
    out.add_token_list(tokens)
    out.add_token_types(types)
    if scores:
        out.add_token_scores(scores)


def put_bpe(out, specials, user_defined=(), pre="qwen2", end="<|im_end|>"):
    letters = byte_letters()
    text = "".join(letters[b] for b in TEXT.encode())
    space = letters[ord(" ")]
    pairs = list(merge_pairs(count_words(text, space + "?[A-Za-z]+|[^A-Za-z]")))
    tokens = [letters[b] for b in range(256)]
    tokens += [a + b for a, b in pairs]
    tokens = list(dict.fromkeys(tokens))
    types = [NORMAL] * len(tokens)
    types += [CONTROL] * len(specials) + [USER_DEFINED] * len(user_defined)
    tokens += [*specials, *user_defined]
    put_tokens(out, "gpt2", tokens, types)
    out.add_tokenizer_pre(pre)
    out.add_token_merges(["%s %s" % pair for pair in pairs])
    out.add_eos_token_id(tokens.index(end))
    out.add_add_bos_token(False)
    return len(tokens)


def sentence_pieces(first):
    """Pieces with a mark for the space, each made of two that are there too."""
    text = "\u2581" + re.sub(r"\s+", "\u2581", TEXT.strip())
    letters = sorted(set(text) | set("abcdefghijklmnopqrstuvwxyz0123456789\u00e9\u00df"))
    pairs = merge_pairs(count_words(text, "\u2581?[A-Za-z]+|[^A-Za-z\u2581]|\u2581"))
    # Letters score least, so that what was merged first is merged first.
    pieces = list(dict.fromkeys([a + b for a, b in pairs] + letters))
    return [piece for piece in pieces if piece not in first]


def put_sentence_pieces(out, specials, space_prefix):
    first = ["<unk>", "<s>", "</s>"]
    tokens = first + specials + ["<0x%02X>" % b for b in range(256)]
    types = [UNKNOWN, CONTROL, CONTROL] + [CONTROL] * len(specials) + [BYTE] * 256
    pieces = sentence_pieces(tokens)
    scores = [0.0] * len(tokens) + [-float(i) for i in range(len(pieces))]
    types += [NORMAL] * len(pieces)
    tokens += pieces
    put_tokens(out, "llama", tokens, types, scores)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_add_bos_token(True)
    out.add_add_space_prefix(space_prefix)
    return len(tokens)


def put_unigrams(out):
    tokens = ["<pad>", "</s>", "<unk>"]
    types = [CONTROL, CONTROL, UNKNOWN]
    pieces = [p for p in sentence_pieces(tokens) if not set(p) & set("{}\n")]
    scores = [0.0] * 3 + [-3.0 - 0.01 * i - 2.0 / len(p) for i, p in enumerate(pieces)]
    types += [NORMAL] * len(pieces)
    tokens += pieces
    put_tokens(out, "t5", tokens, types, scores)
    out.add_eos_token_id(1)
    out.add_unk_token_id(2)
    out.add_pad_token_id(0)
    out.add_add_bos_token(False)
    out.add_add_eos_token(True)
    out.add_add_space_prefix(True)
    out.add_remove_extra_whitespaces(True)
    return len(tokens)


def put_word_pieces(out):
    words = sorted(set(re.findall("[a-z]+|[0-9]", TEXT.lower())))
    signs = list(".,:;?!\"'()[]{}-")
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    types = [CONTROL] * 5
    # As converters write it: the beginning of a word is marked, its going on is not.
    for piece in dict.fromkeys(["\u2581" + w for w in words + signs + letters] + letters):
        tokens.append(piece)
        types.append(NORMAL)
    put_tokens(out, "bert", tokens, types)
    for name, i in (("padding", 0), ("unknown", 1), ("bos", 2), ("cls", 2),
                    ("seperator", 3), ("eos", 3), ("mask", 4)):
        out.add_uint32("tokenizer.ggml.%s_token_id" % name, i)
    out.add_token_type_count(2)
    return len(tokens)


# --- Weights -----------------------------------------------------------------------

class Weights:
    """Random numbers by name: equal for equal seeds, whatever came before."""

    def __init__(self, out, seed):
        self.out, self.random = out, numpy.random.default_rng(seed)
        self.matrices = None            # their type, if not f32

    def matrix(self, name, rows, cols, scale=None):
        scale = scale or cols ** -0.5
        data = (self.random.standard_normal((rows, cols)) * scale).astype(numpy.float32)
        if self.matrices is None:
            self.out.add_tensor(name, data)
        else:
            self.out.add_tensor(name, gguf.quants.quantize(data, self.matrices),
                                raw_dtype=self.matrices)

    def norm(self, name, n):
        data = 1 + 0.1 * self.random.standard_normal(n)
        self.out.add_tensor(name, data.astype(numpy.float32))

    def bias(self, name, n, at=0.0):
        data = at + 0.1 * self.random.standard_normal(n)
        self.out.add_tensor(name, data.astype(numpy.float32))


def put_ends(w, n_vocab, tied=False):
    # Wide apart, so that rounding seldom decides which token is best.
    w.norm("output_norm.weight", WIDTH)
    w.matrix("token_embd.weight", n_vocab, WIDTH, 0.4 if tied else 1.0)
    if not tied:
        w.matrix("output.weight", n_vocab, WIDTH, 0.4)


def put_attention(w, at, kv=HEADS_KV):
    w.matrix(at + "attn_q.weight", WIDTH, WIDTH)
    w.matrix(at + "attn_k.weight", kv * HEAD, WIDTH)
    w.matrix(at + "attn_v.weight", kv * HEAD, WIDTH)
    w.matrix(at + "attn_output.weight", WIDTH, WIDTH)


def put_feed(w, at):
    w.matrix(at + "ffn_gate.weight", FEED, WIDTH)
    w.matrix(at + "ffn_up.weight", FEED, WIDTH)
    w.matrix(at + "ffn_down.weight", WIDTH, FEED)


def put_sizes(out, layers=LAYERS, kv=HEADS_KV, rms=True, context=CONTEXT):
    out.add_block_count(layers)
    out.add_context_length(context)
    out.add_embedding_length(WIDTH)
    out.add_feed_forward_length(FEED)
    out.add_head_count(HEADS)
    out.add_head_count_kv(kv)
    if rms:
        out.add_layer_norm_rms_eps(1e-6)


def put_decoder(out, w, n_vocab, biases=False, gemma=False, head_norms=False,
                layers=LAYERS):
    put_sizes(out, layers)
    if gemma:
        out.add_sliding_window(WINDOW)
    if gemma or head_norms:
        out.add_key_length(HEAD)
        out.add_value_length(HEAD)
    put_ends(w, n_vocab, gemma)
    for at in ("blk.%d." % i for i in range(layers)):
        w.norm(at + "attn_norm.weight", WIDTH)
        put_attention(w, at)
        if biases:
            w.bias(at + "attn_q.bias", WIDTH)
            w.bias(at + "attn_k.bias", HEADS_KV * HEAD)
            w.bias(at + "attn_v.bias", HEADS_KV * HEAD)
        if head_norms:
            w.norm(at + "attn_q_norm.weight", HEAD)
            w.norm(at + "attn_k_norm.weight", HEAD)
        if gemma:
            w.norm(at + "post_attention_norm.weight", WIDTH)
            w.norm(at + "post_ffw_norm.weight", WIDTH)
        w.norm(at + "ffn_norm.weight", WIDTH)
        put_feed(w, at)


# --- Kinds -------------------------------------------------------------------------

def make_qwen2(out, w):
    n = put_bpe(out, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + FAMILIES)
    out.add_chat_template(CHATML)
    put_decoder(out, w, n, biases=True)


def make_narrow(out, w):
    w.matrices = gguf.GGMLQuantizationType.Q5_0
    make_qwen2(out, w)


def make_qwen3(out, w):
    n = put_bpe(out, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
                ["<think>", "</think>"])
    out.add_chat_template(QWEN3)
    put_decoder(out, w, n, head_norms=True)


def make_llama(out, w):
    n = put_sentence_pieces(out, [], True)
    out.add_chat_template(LLAMA2)
    out.add_rope_dimension_count(HEAD)
    out.add_vocab_size(n)
    put_decoder(out, w, n)


def make_gemma2(out, w):
    n = put_sentence_pieces(out, ["<start_of_turn>", "<end_of_turn>"], False)
    out.add_chat_template(GEMMA)
    out.add_attn_logit_softcapping(50.0)
    out.add_final_logit_softcapping(30.0)
    put_decoder(out, w, n, gemma=True)


def make_gemma3(out, w):
    n = put_sentence_pieces(out, ["<start_of_turn>", "<end_of_turn>"], False)
    out.add_chat_template(GEMMA)
    put_decoder(out, w, n, gemma=True, head_norms=True, layers=6)


def put_recurrent(w, at, norms):
    inner, state, rank, kernel = 2 * WIDTH, 16, 4, 4
    w.matrix(at + "ssm_in.weight", 2 * inner, WIDTH)
    w.matrix(at + "ssm_conv1d.weight", inner, kernel)
    w.bias(at + "ssm_conv1d.bias", inner)
    w.matrix(at + "ssm_x.weight", rank + 2 * state, inner)
    w.matrix(at + "ssm_dt.weight", inner, rank)
    w.bias(at + "ssm_dt.bias", inner, -2.0)
    a = -numpy.tile(numpy.arange(1, state + 1, dtype=numpy.float32), (inner, 1))
    w.out.add_tensor(at + "ssm_a", a)
    w.norm(at + "ssm_d", inner)
    w.matrix(at + "ssm_out.weight", WIDTH, inner)
    if norms:
        w.norm(at + "ssm_dt_norm.weight", rank)
        w.norm(at + "ssm_b_norm.weight", state)
        w.norm(at + "ssm_c_norm.weight", state)


def put_recurrent_sizes(out):
    out.add_ssm_conv_kernel(4)
    out.add_ssm_inner_size(2 * WIDTH)
    out.add_ssm_state_size(16)
    out.add_ssm_time_step_rank(4)


def make_mamba(out, w):
    n = put_bpe(out, ["<|endoftext|>"], pre="gpt-2", end="<|endoftext|>")
    out.add_block_count(LAYERS)
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_feed_forward_length(0)
    out.add_head_count(0)
    out.add_layer_norm_rms_eps(1e-6)
    put_recurrent_sizes(out)
    put_ends(w, n)
    for at in ("blk.%d." % i for i in range(LAYERS)):
        w.norm(at + "attn_norm.weight", WIDTH)
        put_recurrent(w, at, False)


def make_jamba(out, w):
    kv = [0, HEADS_KV, 0, HEADS_KV]
    n = put_bpe(out, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], pre="gpt-2")
    out.add_chat_template(CHATML)
    put_sizes(out, len(kv), kv)
    put_recurrent_sizes(out)
    put_ends(w, n)
    for i, heads in enumerate(kv):
        at = "blk.%d." % i
        w.norm(at + "attn_norm.weight", WIDTH)
        if heads:
            put_attention(w, at, heads)
        else:
            put_recurrent(w, at, True)
        w.norm(at + "ffn_norm.weight", WIDTH)
        put_feed(w, at)


def make_t5(out, w):
    n = put_unigrams(out)
    put_sizes(out, kv=HEADS, context=512)
    out.add_key_length(HEAD)
    out.add_value_length(HEAD)
    out.add_layer_norm_eps(1e-6)
    out.add_relative_attn_buckets_count(32)
    out.add_decoder_start_token_id(0)
    w.matrix("token_embd.weight", n, WIDTH, 1.0)
    w.matrix("output.weight", n, WIDTH, 0.4)
    for side, parts in (("enc", ("attn",)), ("dec", ("attn", "cross_attn"))):
        w.norm(side + ".output_norm.weight", WIDTH)
        for i in range(LAYERS):
            at = "%s.blk.%d." % (side, i)
            for part in parts:
                w.norm(at + part + "_norm.weight", WIDTH)
                for name in ("_q", "_k", "_v", "_o"):
                    w.matrix(at + part + name + ".weight", WIDTH, WIDTH)
            if i == 0:
                w.matrix(at + "attn_rel_b.weight", 32, HEADS, 0.3)
            w.norm(at + "ffn_norm.weight", WIDTH)
            put_feed(w, at)


def make_bert(out, w):
    n = put_word_pieces(out)
    put_sizes(out, kv=HEADS, rms=False)
    out.add_layer_norm_eps(1e-12)
    out.add_causal_attention(False)
    out.add_pooling_type(gguf.PoolingType.MEAN)
    w.matrix("token_embd.weight", n, WIDTH, 1.0)
    w.matrix("token_types.weight", 2, WIDTH, 0.1)
    w.matrix("position_embd.weight", CONTEXT, WIDTH, 0.3)
    w.norm("token_embd_norm.weight", WIDTH)
    w.bias("token_embd_norm.bias", WIDTH)
    for at in ("blk.%d." % i for i in range(LAYERS)):
        put_attention(w, at, HEADS)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            w.bias(at + name + ".bias", WIDTH)
        for name in ("attn_output_norm", "layer_output_norm"):
            w.norm(at + name + ".weight", WIDTH)
            w.bias(at + name + ".bias", WIDTH)
        w.matrix(at + "ffn_up.weight", FEED, WIDTH)
        w.bias(at + "ffn_up.bias", FEED)
        w.matrix(at + "ffn_down.weight", WIDTH, FEED)
        w.bias(at + "ffn_down.bias", WIDTH)


def make_vocab(out, w):
    put_sizes(out)
    put_bpe(out, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])


def make_clip(out, w):
    out.add_bool("clip.has_vision_encoder", True)
    out.add_string("clip.projector_type", "mlp")
    w.matrix("mm.0.weight", WIDTH, WIDTH)


KINDS = [
    ("qwen2", "qwen2", make_qwen2), ("qwen3", "qwen3", make_qwen3),
    ("llama", "llama", make_llama), ("gemma2", "gemma2", make_gemma2),
    ("gemma3", "gemma3", make_gemma3), ("mamba", "mamba", make_mamba),
    ("jamba", "jamba", make_jamba), ("t5", "t5", make_t5), ("bert", "bert", make_bert),
    ("vocab", "llama", make_vocab), ("clip", "clip", make_clip),
    ("narrow", "qwen2", make_narrow),
]


def make(folder, name, architecture, fill, seed):
    path = folder / (name + ".gguf")
    out = gguf.GGUFWriter(str(path) + ".part", architecture)
    out.add_name("tiny random " + name)
    fill(out, Weights(out, seed))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    os.replace(str(path) + ".part", path)


# --- The package -------------------------------------------------------------------

def find_package(folder):
    """Import gguf; None, or why it cannot be had."""
    place = folder / "python"
    place.mkdir(exist_ok=True)
    sys.path.append(str(place))
    try:
        import gguf             # noqa: F401
        return None
    except ImportError:
        pass
    child = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-input",
         "--disable-pip-version-check", "--target", str(place), "gguf"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False)
    importlib.invalidate_caches()
    if child.returncode == 0:
        return None
    lines = child.stdout.strip().splitlines()
    return "pip cannot install the package gguf: " + (lines[-1] if lines else "no reason")


def main():
    if len(sys.argv) != 2:
        print("usage: make_tiny.py FOLDER", file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    why = find_package(folder)
    if why:
        (folder / "skip").write_text(why + "\n")
        print("skip: " + why)
        return 0
    global gguf, numpy
    import gguf
    import numpy
    for seed, (name, architecture, fill) in enumerate(KINDS):
        make(folder, name, architecture, fill, seed)
    (folder / "skip").unlink(missing_ok=True)
    (folder / "made").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
