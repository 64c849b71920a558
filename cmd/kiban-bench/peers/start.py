"""What a script of the peers waits for before it does anything."""
import subprocess
import sys

from timing import arguments, clock

_, seconds, _ = arguments()
clock(seconds, 1, lambda _: subprocess.run([sys.executable, "-c", "import torch, transformers; transformers.AutoModelForCausalLM"], check=True))
