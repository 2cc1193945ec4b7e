"""Somebody at a terminal answers the questions of `privet init`, well and badly, and breaks off."""
import fcntl, os, pty, select, signal, subprocess, sys, termios, time

binary, folder = sys.argv[1:3]


class Terminal:
    """A terminal of its own, and what runs at it."""

    def __init__(self, output):
        self.here, self.there = pty.openpty()
        self.before = termios.tcgetattr(self.there)
        self.seen = ""
        self.child = subprocess.Popen(
            [binary, "init", "--output", output], cwd=folder, stdin=self.there, stdout=self.there, stderr=self.there,
            start_new_session=True, preexec_fn=self.prepare)

    @staticmethod
    def prepare():
        """The terminal is its own, and Control-C ends it, also where whoever runs the tests does not mind it."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def expect(self, text):
        """Reads until `text` has come since what was expected last."""
        end = time.monotonic() + 120
        while text not in self.seen:
            assert time.monotonic() < end, (text, self.seen)
            if select.select([self.here], [], [], 1)[0]:
                self.seen += os.read(self.here, 4096).decode(errors="replace")
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text):
        os.write(self.here, text.encode())

    def answer(self, question, text):
        self.expect(question)
        self.expect(": ")
        self.type(text + "\n")

    def end(self):
        """The exit code; and the terminal is as it was."""
        code = self.child.wait(120)
        after = termios.tcgetattr(self.there)
        assert after == self.before and after[3] & termios.ECHO, (self.before, after)
        return code


# Every question, and an answer to each that can't be used: it is asked again, with why.
one = Terminal("one.toml")
one.answer("Name of the host", "a b")
one.expect("\"a b\" is no name of a host")
one.answer("Name of the host", "shop.example")
one.answer("Where the application is", "ftp://x")
one.expect("the application is at a URL such as")
one.answer("Where the application is", "http://10.0.0.9:80")
one.answer("why is that acceptable", "")
one.expect("would be reached in cleartext")
one.answer("why is that acceptable", "a tunnel that is sealed")
one.answer("Certificate:", "letters")
one.expect("a certificate is by \"acme\", of \"files\", or for \"development\"")
one.answer("Certificate:", "files")
one.answer("with its chain", "gone.pem")
one.answer("private key", "gone.key")
one.expect("gone.pem")
one.answer("with its chain", "tls.pem")
one.answer("private key", "tls.key")
one.answer("personal data", "perhaps")
one.expect("answered by yes or no")
one.answer("personal data", "")
one.answer("sign in at the application", "login")
one.expect("at a path such as /login")
one.answer("sign in at the application", "/login")
one.expect("accepted by `privet check`")
assert one.end() == 0

# A certificate is ordered for a public name, and by a mail address.
two = Terminal("two.toml")
two.answer("Name of the host", "shop.example")
two.answer("Where the application is", "")
two.answer("Certificate:", "acme")
two.answer("Mail address", "nobody")
two.expect("told a mail address")
two.answer("Mail address", "tls@shop.example")
two.answer("personal data", "no")
two.answer("sign in at the application", "")
two.expect("accepted by `privet check`")
assert two.end() == 0
three = Terminal("three.toml")
three.answer("Name of the host", "")
three.answer("Where the application is", "127.0.0.1:8080")
three.answer("Certificate:", "acme")
three.expect("ordered for a public name")
three.expect("Certificate:")

# Control-C in the middle: by the signal, and nothing is written.
three.type("\x03")
assert three.end() == -signal.SIGINT
# And the end of input: it is said.
four = Terminal("four.toml")
four.answer("Name of the host", "shop.example")
four.expect("Where the application is")
four.type("\x04")
four.expect("what is typed can't be read")
assert four.end() == 2
assert sorted(os.listdir(folder)) == ["one.toml", "tls.key", "tls.pem", "two.toml"], os.listdir(folder)
