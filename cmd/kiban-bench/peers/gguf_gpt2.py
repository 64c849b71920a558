"""GPT-2 in llama.cpp (llama-cpp-python), with random weights written to a GGUF
file: greedy decoding, 8 tokens of prompt and 128 more, of BATCH sequences at once.

    gguf_gpt2.py DEVICE SECONDS LAYERS WIDTH HEADS VOCAB BATCH f32|bf16|f16|q8_0
"""
import os
import tempfile

import gguf
import llama_cpp
import numpy as np

from timing import arguments, clock

device, seconds, sizes = arguments()
layers, width, heads, vocab, batch = map(int, sizes[:5])
kind = {"f32": gguf.GGMLQuantizationType.F32, "bf16": gguf.GGMLQuantizationType.BF16, "f16": gguf.GGMLQuantizationType.F16,
        "q8_0": gguf.GGMLQuantizationType.Q8_0}[sizes[5]]
CONTEXT, PROMPT, MADE = 1024, 8, 128
random = np.random.default_rng(0)


def write(path):
    """Matrices are of the kind asked for, vectors and positions f32, as converted files have them."""
    out = gguf.GGUFWriter(path, "gpt2")
    out.add_block_count(layers)
    out.add_context_length(CONTEXT)
    out.add_embedding_length(width)
    out.add_feed_forward_length(4 * width)
    out.add_head_count(heads)
    out.add_layer_norm_eps(1e-5)
    out.add_vocab_size(vocab)
    out.add_tokenizer_model("no_vocab")

    def matrix(name, rows, columns, kind=kind):
        x = random.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.02)
        out.add_tensor(name + ".weight", gguf.quants.quantize(x, kind), raw_dtype=kind)

    def vector(name, size, value):
        out.add_tensor(name, np.full(size, value, np.float32))

    def norm(name):
        vector(name + ".weight", width, 1)
        vector(name + ".bias", width, 0)

    matrix("token_embd", vocab, width)
    matrix("position_embd", CONTEXT, width, gguf.GGMLQuantizationType.F32)
    norm("output_norm")
    for i in range(layers):
        block = "blk.%d." % i
        norm(block + "attn_norm")
        norm(block + "ffn_norm")
        for name, rows, columns in (("attn_qkv", 3 * width, width), ("attn_output", width, width), ("ffn_up", 4 * width, width), ("ffn_down", width, 4 * width)):
            matrix(block + name, rows, columns)
            vector(block + name + ".bias", rows, 0)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def load():
    llama_cpp.llama_backend_init()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        write(path)
        how = llama_cpp.llama_model_default_params()
        how.n_gpu_layers = 1000 if device == "cuda" else 0
        model = llama_cpp.llama_model_load_from_file(path.encode(), how)
    if not model:
        raise SystemExit("llama.cpp did not take the model")
    how = llama_cpp.llama_context_default_params()
    how.n_ctx = how.n_batch = how.n_ubatch = max(512, batch * (PROMPT + MADE))
    how.n_seq_max = batch
    how.n_threads = how.n_threads_batch = os.cpu_count()
    context = llama_cpp.llama_init_from_model(model, how)
    if not context:
        raise SystemExit("llama.cpp made no context")
    return context


context = load()
sampler = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
llama_cpp.llama_sampler_chain_add(sampler, llama_cpp.llama_sampler_init_greedy())
prompt = random.integers(1, vocab, (batch, PROMPT))
tokens = llama_cpp.llama_batch_init(batch * PROMPT, 0, 1)


def fill(rows, first):
    """The next tokens of every sequence, whose last wants logits; their places in the batch."""
    places, n = [], 0
    for sequence, row in enumerate(rows):
        for j, token in enumerate(row):
            tokens.token[n], tokens.pos[n], tokens.n_seq_id[n], tokens.seq_id[n][0] = int(token), first + j, 1, sequence
            tokens.logits[n] = j == len(row) - 1
            n += 1
        places.append(n - 1)
    tokens.n_tokens = n
    return places


def step(_):
    llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
    rows, first = prompt, 0
    for made in range(MADE):
        places = fill(rows, first)
        if llama_cpp.llama_decode(context, tokens) != 0:
            raise SystemExit("llama.cpp failed at token %d" % made)
        first += len(rows[0])
        rows = [[llama_cpp.llama_sampler_sample(sampler, context, place)] for place in places]
    assert first == PROMPT + MADE - 1


clock(seconds, batch * MADE, step, device)
