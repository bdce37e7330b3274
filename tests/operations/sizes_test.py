#!/usr/bin/env python3
"""--share and --ranks-max of a real run: how many ranks stand on which GPU, and how large gangs become."""
import contextlib
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
from harness import check, each, main, ranks, wait_for  # noqa: E402

STUDY = """schema = 1
name = "sizes{seed}"
[datasets.phantom]
importer = "phantom"
subjects = 2
volume = [64, 64, 8]
test_subjects = 1
size = [64, 64]
[trial]
dataset = "phantom"
unet = {{ width = 8, train = {{ steps = 20, batch = 4, patch = 64, learning_rate = 1e-3 }} }}
seed = {seed}
[[trials]]
row = "Bicubic"
method = "bicubic"
[[tables]]
name = "t"
columns = ["PSNR"]
"""


def visible(pid):
    """The GPUs that a process may see."""
    with contextlib.suppress(OSError):
        for word in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if word.startswith(b"CUDA_VISIBLE_DEVICES="):
                return word.split(b"=", 1)[1].decode()
    return None


def shared_gpus(lab):
    """A rank takes a share of a GPU: the ranks that run at once stand on so few GPUs, and no more than fit."""
    lab.calm()

    def case(share, gangs, size, per_gpu, gpus):
        workspace = f"share-{share}-{gangs}-{size}"
        process = lab.start(workspace, "--device", "cuda", "--gangs", gangs, "--ranks", size, "--share", share,
                            environment={"CHAOS_STEP_MS": "60"})
        most, seen = 0, set()
        while process.poll() is None:
            # What is there before and after a look was there all at once.
            before = ranks(lab, workspace)
            places = {pid: visible(pid) for pid in before}
            # Ranks of one gang see the same list, and take the one of their number in it.
            lists = [places[pid] for pid in ranks(lab, workspace) if places.get(pid) is not None]
            gangs_now = [place.split(",") for place in sorted(lists)[::size]]
            if len(lists) % size == 0:
                for gpu in {gpu for gang in gangs_now for gpu in gang}:
                    here = sum(gang.count(gpu) for gang in gangs_now)
                    check(here <= per_gpu, workspace, here, "ranks on GPU", gpu)
                    most = max(most, here)
                    seen.add(gpu)
            with contextlib.suppress(Exception):
                process.wait(0.05)
        lab.finish(process, workspace)
        lab.verify(workspace)
        check(seen <= {str(gpu) for gpu in range(gpus)}, workspace, "GPUs", seen)
        check(most > 1 or per_gpu == 1, workspace, "no GPU was shared")

    each([("0.5", 4, 1, 2, 2), ("0.25", 4, 1, 4, 1), ("1", 2, 1, 1, 2)], case, at_once=2)
    for words, text in ((("--share", "0"), "--share"), (("--share", "1.5"), "--share"), (("--share", "x"), "--share"),
                        (("--share", "0.5", "--launcher", "slurm"), "Slurm hands out the GPUs"),
                        (("--share", "0.5", "--launcher", "srun"), "Slurm hands out the GPUs")):
        check(text in lab.run("refused", *words, expect=2), words)


def grown_gangs(lab):
    """With --ranks-max a gang is as large as the measured scaling is worth it."""
    lab.study = lab.folder / "sizes.toml"
    number = 0

    def run(workspace, *words):
        """Ranks of the new U-Net's attempt: a seed that was never there makes a stage of its own."""
        nonlocal number
        number += 1
        lab.study.write_text(STUDY.format(seed=number))
        lab.run(workspace, *words)
        return lab.query(workspace, "SELECT a.ranks FROM attempts a JOIN stages s ON s.id = a.stage"
                         " WHERE s.kind = 'train-unet' ORDER BY a.fence DESC LIMIT 1")[0][0]

    def measure(workspace, milliseconds):
        """What U-Nets of 20 steps took, by the number of ranks: told, not waited for."""
        with contextlib.closing(sqlite3.connect(lab.folder / workspace / "reprise.db")) as db, db:
            for count, took in milliseconds.items():
                db.execute("INSERT OR REPLACE INTO stage_costs SELECT a.fence, 20, ?, 0.0, 1 FROM attempts a"
                           " JOIN stages s ON s.id = a.stage WHERE s.kind = 'train-unet' AND a.ranks = ?",
                           (took / 1000 / 20, count))

    for name, large, wanted in (("pays", 6000, 2), ("does-not-pay", 9000, 1)):
        check(run(name, "--gangs", 2) == 1, name, "a gang grew without being asked")
        measure(name, {1: 10000})
        check(run(name, "--gangs", 2, "--ranks-max", 2) == 2, name, "twice the ranks were not tried")
        measure(name, {1: 10000, 2: large})
        check(run(name, "--gangs", 2, "--ranks-max", 2) == wanted, name, "not", wanted, "ranks")
        check(run(name, "--gangs", 2) == 1, name, "a gang grew without being asked")
        check(run(name, "--gangs", 1, "--ranks-max", 2) == 1, name, "a gang grew beyond the slots")
    for words, text in ((("--ranks", 2, "--ranks-max", 1), "less than --ranks 2"), (("--ranks-max", 0), "--ranks-max"),
                        (("--ranks-max", 2, "--launcher", "slurm"), "pilot jobs are all of --ranks")):
        check(text in lab.run("refused", *words, expect=2), words)


if __name__ == "__main__":
    main({f.__name__: f for f in (shared_gpus, grown_gangs)})
