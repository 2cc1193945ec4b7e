"""privet top on a terminal of its own: it draws, again and again, follows the width, and every way out leaves the terminal as it was."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios

OPEN, CLOSE = b"\x1b[?1049h", b"\x1b[?1049l"


def size(fd, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))


class Terminal:
    def __init__(self, environment=()):
        self.ours, self.theirs = pty.openpty()
        size(self.theirs, 120)
        self.before = termios.tcgetattr(self.theirs)
        environment = {**os.environ, "TERM": "xterm-256color", **dict(environment)}
        if "NO_COLOR" not in dict(environment):
            environment.pop("NO_COLOR", None)
        command = [sys.argv[1], "top", "--data", "data", "--interval", "200ms"]
        self.process = subprocess.Popen(
            command, stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, env=environment, start_new_session=True
        )
        self.text = b""

    def until(self, what, done):
        while not done(self.text):
            ready, _, _ = select.select([self.ours], [], [], 120)
            assert ready, (what, self.text[-2000:])
            self.text += os.read(self.ours, 65536)

    def ends(self):
        self.until("the old screen", lambda text: CLOSE in text)
        assert self.process.wait(timeout=120) == 0, self.text[-2000:]
        assert self.text.rstrip().endswith(CLOSE), self.text[-200:]
        assert termios.tcgetattr(self.theirs) == self.before, "the terminal is not what it was"


def lines(frame):
    return [line.decode() for line in frame.split(b"\r\n")]


for way in ["q", "control-c", "signal"]:
    terminal = Terminal()
    # From the second frame on there are rates.
    terminal.until("frames", lambda text: text.count(b"UPSTREAM") >= 3)
    assert terminal.text.startswith(OPEN), terminal.text[:100]
    assert not termios.tcgetattr(terminal.theirs)[3] & (termios.ECHO | termios.ICANON), "keys come one by one, unseen"
    if way == "q":
        size(terminal.theirs, 40)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        seen = len(terminal.text)
        terminal.until("narrow frames", lambda text: text[seen:].count(b"\x1b[J") >= 4)
        frame = terminal.text.split(b"\x1b[J")[-2]
        assert b"ROUTE" in frame and b"MASKED/S" not in frame, frame
        os.write(terminal.ours, b"xq")
    elif way == "control-c":
        os.write(terminal.ours, b"\x03")
    else:
        os.kill(terminal.process.pid, signal.SIGTERM)
    terminal.ends()
    assert b"\x1b[32m" in terminal.text, "colours on a terminal"

terminal = Terminal({"NO_COLOR": "1"})
terminal.until("frames", lambda text: text.count(b"UPSTREAM") >= 2)
os.write(terminal.ours, b"q")
terminal.ends()
assert b"\x1b[32m" not in terminal.text and b"\x1b[1m" not in terminal.text, "NO_COLOR is none"
