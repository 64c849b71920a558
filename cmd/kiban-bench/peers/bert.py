"""BERT for token classification with random weights: labels of rows of one
length, or a fine-tuning step (dropout, clipping, AdamW).

    bert.py DEVICE SECONDS labels|step LAYERS WIDTH HEADS VOCAB ROWS LENGTH f32|bf16 eager|compile|onnxruntime
"""
import os
import tempfile

import torch
from transformers import BertConfig, BertForTokenClassification

from timing import arguments, attended, clock

device, seconds, (task, *sizes) = arguments()
layers, width, heads, vocab, rows, length = map(int, sizes[:6])
half, how = sizes[6] == "bf16", sizes[7]
torch.manual_seed(0)
model = BertForTokenClassification(BertConfig(num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads, intermediate_size=4 * width, vocab_size=vocab,
                                              num_labels=15, max_position_embeddings=max(512, length), attn_implementation="sdpa")).to(device)
ids = torch.randint(vocab, (rows, length), device=device)
mask = torch.ones_like(ids)
if task == "step":
    model.train()
    run = torch.compile(model) if how == "compile" else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9, fused=True)
    labels = torch.full_like(ids, -100)
    labels[:, 1:-1:2] = torch.arange(1, length - 1, 2, device=device) % 15

    def step(_):
        with torch.autocast(device, torch.bfloat16, enabled=half):
            loss = run(input_ids=ids, attention_mask=mask, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    step(0)
    clock(seconds, rows * length, step, device, 2, note=attended(lambda: step(1)))
elif how == "onnxruntime":
    import onnxruntime

    model.eval()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bert.onnx")
        torch.onnx.export(model, (ids, mask), path, input_names=["ids", "mask"], output_names=["logits"], opset_version=18)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        feed = {"ids": ids.numpy(), "mask": mask.numpy()}
        wanted = [i.name for i in session.get_inputs()]
        clock(seconds, rows * length, lambda _: session.run(None, {n: feed[n] for n in wanted}), device)
else:
    model.eval()
    if half:
        model = model.to(torch.bfloat16)
    run = torch.compile(model) if how == "compile" else model
    with torch.inference_mode():
        clock(seconds, rows * length, lambda _: run(input_ids=ids, attention_mask=mask).logits.float().cpu(), device, 3)
