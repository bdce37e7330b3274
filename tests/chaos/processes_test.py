#!/usr/bin/env python3
"""Ranks that die, stop or fail, coordinators that die: the table stays the same to the byte."""
import itertools
import signal
import subprocess
import time

from harness import check, each, kill, main, processes, ranks, wait_for

SLOW = {"CHAOS_STEP_MS": "10"}
KINDS = {"train-unet": 20, "pretrain": 40, "finetune": 20, "evaluate": 4}  # Steps of tiny.toml.


def fault(kind, rank, step, what):
    return {"CHAOS_FAULT": f"{kind}:{rank}:{step}:{what}"}


def outcomes(lab, workspace, outcome):
    return lab.query(workspace, "SELECT count(*) FROM attempts WHERE outcome = ?", outcome)[0][0]


def killed_rank(lab):
    """SIGKILL of each rank in each kind of stage: the gang ends and its stage resumes."""
    def case(kind, rank):
        workspace = f"kill-{kind}-{rank}"
        step = max(2, KINDS[kind] - 3)  # Between checkpoints.
        lab.run(workspace, "--gangs", 1, "--ranks", 2, environment=fault(kind, rank, step, 9))
        lab.verify(workspace, attempts_max=11)
        check(outcomes(lab, workspace, "lost") == 1, workspace, "no gang was lost")
    each(itertools.product(KINDS, (0, 1)), case)


def stopped_rank(lab):
    """SIGSTOP: only our own watchdogs can notice; lease for rank 0, progress for the others."""
    def case(kind, rank):
        workspace = f"stop-{kind}-{rank}"
        lab.run(workspace, "--gangs", 1, "--ranks", 2, "--lease", 3, "--stall", 3,
                environment=fault(kind, rank, 7, int(signal.SIGSTOP)))
        lab.verify(workspace)
        check("is killed" in lab.log(workspace), workspace, "no gang was killed")
        check(not ranks(lab, workspace), workspace, "a stopped rank was left behind")
    each(itertools.product(("pretrain", "finetune"), (0, 1)), case)


def dead_coordinator(lab):
    """kill -9 of the coordinator at several moments, restarted after several pauses."""
    def case(done, pause):
        workspace = f"coordinator-{done}"
        process = lab.start(workspace, "--gangs", 2, environment=SLOW)
        wait_for("stages done", lambda: lab.done(workspace) >= done)
        process.kill()
        process.wait()
        had = lab.done(workspace)
        time.sleep(pause)
        text = lab.run(workspace, "--gangs", 2)
        lab.verify(workspace)
        check(f"{10 - had} stages run, {had} already" in text, workspace, "a finished stage ran again", text)
    each([(1, 0.1), (2, 2), (4, 0.1), (5, 0.5), (6, 0.1), (8, 2)], case)


def dead_launcher(lab):
    """kill -9 of mpirun, and of every process of ours at once."""
    process = lab.start("mpirun", "--gangs", 1, "--ranks", 2, environment=SLOW)
    wait_for("stages done", lambda: lab.done("mpirun") >= 2)
    for pid in processes("mpirun", f"--workspace {lab.folder / 'mpirun'} "):
        kill(pid)
    lab.finish(process, "mpirun")
    lab.verify("mpirun")
    process = lab.start("all", "--gangs", 2, "--ranks", 2, environment=SLOW)
    wait_for("stages done", lambda: lab.done("all") >= 3)
    for pid in [process.pid, *processes(f"--workspace {lab.folder / 'all'} ")]:
        kill(pid)
    process.wait()
    lab.run("all", "--gangs", 2)
    lab.verify("all")


def failures(lab):
    """What a stage itself does wrong: retried where that can help, never where it cannot."""
    def case(what, code, attempts):
        workspace = f"fails-{what.strip('!')}-{code}"
        lab.run(workspace, "--gangs", 2, "--failures-max", 2, expect=code,
                environment=fault("finetune", 0, 3, what))
        if code == 0:
            lab.verify(workspace, attempts_max=10 + attempts)
            return
        # All fine-tunings fail, each as often as it may; everything that needs none of them is done.
        per_stage = lab.query(workspace, "SELECT count(*) FROM attempts a JOIN stages s ON s.id = a.stage"
                              " WHERE s.kind = 'finetune' GROUP BY a.stage")
        check(per_stage == [(attempts,)] * 3, workspace, per_stage)
        check(lab.done(workspace) == 4, workspace, lab.done(workspace))
        lab.run(workspace, "--gangs", 2)  # The cause is gone: the same command goes on.
        lab.verify(workspace)
    each([("throw", 0, 2), ("oom", 0, 2), ("exit3", 0, 2), (str(int(signal.SIGSEGV)), 0, 2),
          ("nan!", 4, 1), ("throw!", 4, 2), ("oom!", 4, 2), ("exit3!", 4, 2)], case)


def interrupted_stage(lab):
    """SIGUSR1 at checkpoint boundaries and between them, gangs of 1 and 2: resumed to the bit."""
    def case(size, step):
        workspace = f"usr1-{size}-{step}"
        lab.run(workspace, "--gangs", 1, "--ranks", size,
                environment=fault("finetune", 0, step, int(signal.SIGUSR1)))
        lab.verify(workspace, attempts_max=11)
        check(outcomes(lab, workspace, "handed-back") == 1, workspace, "nothing was handed back")
        check(outcomes(lab, workspace, "failed") == 0, workspace, "a hand-back counted as a failure")
    each(itertools.product((1, 2), (1, 5, 7, 10)), case)


def interrupted_coordinator(lab):
    """Ctrl-C, twice over, each time with another gang size."""
    def case(first, second, third):
        workspace = f"ctrl-c-{first}{second}{third}"
        for done, size in ((1, first), (5, second)):
            process = lab.start(workspace, "--gangs", 1, "--ranks", size, environment=SLOW)
            wait_for("stages done", lambda: lab.done(workspace) >= done)
            process.send_signal(signal.SIGINT)
            lab.finish(process, workspace, expect=130)
        lab.run(workspace, "--gangs", 1, "--ranks", third)
        lab.verify(workspace)
        check(outcomes(lab, workspace, "failed") + outcomes(lab, workspace, "lost") == 0, workspace)
    each([(1, 2, 1), (2, 1, 2), (1, 1, 2), (2, 2, 1)], case)


def second_copy(lab):
    """Another process under a gang's name: it has the line once, the older one is told to leave. No tug of war."""
    process = lab.start("copy", "--gangs", 1, environment={"CHAOS_STEP_MS": "15"})
    wait_for("a stage done", lambda: lab.done("copy") >= 1)
    gang = lab.query("copy", "SELECT gang FROM attempts ORDER BY fence DESC LIMIT 1")[0][0]
    copy = subprocess.Popen([lab.gang, "--workspace", str(lab.folder / "copy"), "--gang", gang], env=lab.environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The launcher's own copy has left, so its gang is over, and the other one is told so as well.
    check(copy.wait(timeout=60) == 0, "the copy ended badly")
    check(process.poll() is None, "they fought until the end")
    lab.finish(process, "copy")
    lab.verify("copy", attempts_max=12)


if __name__ == "__main__":
    main({f.__name__: f for f in (killed_rank, stopped_rank, dead_coordinator, dead_launcher, failures,
                                  interrupted_stage, interrupted_coordinator, second_copy)})
