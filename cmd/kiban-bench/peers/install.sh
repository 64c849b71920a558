#!/bin/sh
# Makes a Python environment for the peers: install.sh FOLDER, then
#   kiban-bench --python FOLDER/bin/python
# The published ClimaX is no package: clone github.com/microsoft/ClimaX and set
# CLIMAX_SOURCE to its src. MMseqs2 is a program: apt-get install mmseqs2.
set -eu
python3 -m venv "$1"
"$1/bin/pip" install -q torch transformers onnxruntime onnx onnxscript tokenizers xarray netCDF4 gensim biopython pyfastx
# llama.cpp is built from source for this processor, which takes some minutes.
CMAKE_ARGS="-DGGML_NATIVE=ON" "$1/bin/pip" install -q gguf llama-cpp-python
"$1/bin/pip" install -q --no-deps torchvision timm==0.6.12
