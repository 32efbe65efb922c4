"""SIGTERM to a training kills the shell script that started it too, and paddlevideo cannot be imported in a thread."""

import os
import signal
import subprocess
import sys

import evidence

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(evidence.ROOT), os.environ.get("PYTHONPATH", "")])}
IN_A_THREAD = """
import threading, zlib
def load():
    import paddlevideo.loader
    print("imported")
thread = threading.Thread(target=load)
thread.start()
thread.join()
"""
TRAINING = """
import os, subprocess, sys, time, zlib
import paddlevideo.loader
if "leader" in sys.argv:
    child = subprocess.Popen(["sh", "-c", "sleep 10; echo left alive"])
print("training", os.getpid(), flush=True)
time.sleep(20)
"""


def start(*command):
    """In a session, and so a process group, of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=ENVIRONMENT, text=True, start_new_session=True, **pipes)


def end_training(process):
    """(exit status, output) of what was started, after a SIGTERM to the training alone."""
    line = next((line for line in process.stdout if line.startswith("training")), "")
    if not line:
        evidence.cannot_be_shown("paddlevideo.loader cannot be imported")
    os.kill(int(line.split()[1]), signal.SIGTERM)
    return process.wait(timeout=60), process.stdout.read()


(evidence.WORK / "training.py").write_text(TRAINING)
status, output = end_training(start("sh", "-c", f"'{sys.executable}' training.py; echo ended with $?"))
if status == -signal.SIGKILL:
    evidence.fault("SIGTERM to a training killed the shell script that had started it")
if status or "ended with 143" not in output:
    evidence.fault(f"SIGTERM to a training: its caller has status {status}, it told {output!r}")
process = start(sys.executable, "-c", IN_A_THREAD)
output = process.communicate(timeout=120)[0]
if "imported" not in output:
    evidence.fault(evidence.last_line(output))
# the leader of a group may take its children with it
status, output = end_training(start(sys.executable, "training.py", "leader"))
healthy = status == -signal.SIGTERM or (status == -signal.SIGKILL and "left alive" not in output)
evidence.verdict(healthy, f"a training ends alone, or with the group that it leads: {signal.Signals(-status).name}")
