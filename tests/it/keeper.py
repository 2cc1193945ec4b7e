# Holds listening sockets as a supervisor does, and starts Privet on them again whenever it has ended well; while there is a file `hold`, not yet.
import ctypes, fcntl, os, socket, sys, time

binary, folder, doors = sys.argv[1], sys.argv[2], sys.argv[3:]
os.chdir(folder)
names, sockets = [], []
for door in doors:
    name, port = door.split("=")
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if doors.count(door) > 1:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind(("127.0.0.1", int(port)))
    if name != "deaf":
        kept.listen(4096)
    names.append("admin" if name == "deaf" else name)
    sockets.append(kept)


def become():
    ctypes.CDLL(None).prctl(1, 9)  # ends with us
    log = os.open("log", os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    high = [fcntl.fcntl(kept, fcntl.F_DUPFD, 100) for kept in sockets]
    for index, fd in enumerate(high):
        os.dup2(fd, 3 + index)
    os.closerange(3 + len(high), 200)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=":".join(names))
    os.execv(binary, [binary, "serve", "--config", "privet.toml"])


print("holding", flush=True)
while True:
    child = os.fork()
    if child == 0:
        become()
    with open("new", "w") as file:
        file.write(str(child))
    os.rename("new", "pid")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open("ended", "a") as file:
        file.write(f"{code}\n")
    if code != 0:
        break
    while os.path.exists("hold"):
        time.sleep(0.02)
