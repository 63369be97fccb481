"""Hand-off to catalog: one-minute G.711 WAV files through spool, desk, vault and catalog, in the hub's own processes.

Beside it, in the same run: `cp` and `sha256sum` as one process each per file, `ffmpeg` as one process per file, and
libopus alone in this process. `--count 2000` is the figure of merit; `--quick` shows that it runs; `--only keep`.
"""

from hub.config.policy import MediaPolicy

BAR_RATE, BAR_CPU_BESIDE_CP, BAR_CPU_BESIDE_LIBOPUS, BAR_GROWTH_MB = 150, 4.0, 1.3, 20
OPUS = MediaPolicy(stored_form="opus")
