"""A loss of power, played on files: what was written since each file's last fsync goes, or a random part of it does. The records are
tests/fake/plug.c's, of one life or of several that were killed one after the other (a kill leaves the cache of the system as it is).

Fair to who relies on POSIX and on a disk that keeps its word: what was synced stays, whole; of the rest each write may stay, go or be torn,
in any order, and a file has its old length where nothing longer stayed. Names (creations, renames, removals) stay as they happened."""
import os, struct

RECORD = struct.Struct("8sQqqQQ")


def read(path):
    """The writes and cuts that no sync covers, for each inode, in order: (what, where, size before, what stood there, what was written)."""
    unsynced = {}
    if not os.path.exists(path):
        return unsynced
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        what, inode, where, size, was, now = RECORD.unpack_from(data, at)
        at += RECORD.size
        what = what.rstrip(b"\0").decode()
        if what in ("synced", "gone"):
            unsynced.pop(inode, None)
        else:
            unsynced.setdefault(inode, []).append((what, where, size, data[at:at + was], data[at + was:at + was + now]))
        at += was + now
    return unsynced


def compact(path):
    """After a death that leaves the cache as it is: forgets what was synced since."""
    unsynced = read(path)
    with open(path, "wb") as f:
        for inode, changes in unsynced.items():
            for what, where, size, was, now in changes:
                f.write(RECORD.pack(what.encode(), inode, where, size, len(was), len(now)) + was + now)


def take_back(fd, changes):
    for what, where, size, was, _ in reversed(changes):
        os.pwrite(fd, was, where)
        os.ftruncate(fd, size)


def put_again(fd, changes, rnd):
    """Some of them: the first ones, or any; one of them torn."""
    keeps = rnd.choice(("first", "any"))
    n = rnd.randint(0, len(changes))
    torn = rnd.randrange(len(changes))
    for i, (what, where, _, _, now) in enumerate(changes):
        if not (i < n if keeps == "first" else rnd.random() < 0.5):
            continue
        if what == "cut":
            os.ftruncate(fd, where)
        else:
            os.pwrite(fd, now[:rnd.randint(0, len(now))] if i == torn else now, where)


def lose(home, path, rnd):
    """The power fails. Returns how many changes were not safe."""
    unsynced = read(path)
    n = 0
    for name in sorted(os.listdir(home)):
        file = os.path.join(home, name)
        changes = unsynced.get(os.lstat(file).st_ino) if os.path.isfile(file) and not os.path.islink(file) else None
        if not changes:
            continue
        n += len(changes)
        fd = os.open(file, os.O_RDWR)
        try:
            take_back(fd, changes)
            if rnd.random() < 0.6:
                put_again(fd, changes, rnd)
        finally:
            os.close(fd)
    if os.path.exists(path):
        os.unlink(path)
    return n
