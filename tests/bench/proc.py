"""What /proc says of a process."""
import os, re


def cpu(pid):
    """Seconds of CPU, of user and system."""
    with open("/proc/%d/stat" % pid) as f:
        v = f.read().rsplit(")", 1)[1].split()
    return (int(v[11]) + int(v[12])) / os.sysconf("SC_CLK_TCK")


def status(pid):
    """{name: number} of /proc/PID/status; memory in KB."""
    with open("/proc/%d/status" % pid) as f:
        return {k: int(v) for k, v in re.findall(r"(?m)^(\w+):\s+(\d+)(?: kB)?$", f.read())}


def rss(pid):
    """MB of resident memory."""
    return status(pid)["VmRSS"] / 1024


def fds(pid):
    return len(os.listdir("/proc/%d/fd" % pid))
