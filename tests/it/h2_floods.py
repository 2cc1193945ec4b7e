"""Floods of HTTP/2 frames, each bounded in count, by raw frames: PORT CA. What makes work or memory for nothing must end the connection;
what is only cheap noise may be read for as long as it comes. The caller looks at the memory of the process."""
import socket, ssl, struct, sys
from hpack import Encoder

PORT, CA = int(sys.argv[1]), sys.argv[2]
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags=0, stream=0, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def block(method="GET", path="/"):
    return Encoder().encode([(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)])


def request(stream, flags=END_STREAM | END_HEADERS, more=b"", **named):
    return frame(HEADERS, flags, stream, block(**named) + more)


def literal(name, value):
    length, size = b"\x7f", len(value) - 127
    while size >= 128:
        length, size = length + bytes([size % 128 + 128]), size // 128
    return bytes([len(name)]) + name + length + bytes([size]) + value


def odd(count):
    return range(1, 2 * count, 2)


UPLOAD = request(1, END_HEADERS, method="POST", path="/upload")
ENTRY = b"\x40" + literal(b"a", b"y" * 3900)
ENDED = {
    "rapid reset (CVE-2023-44487)": b"".join(request(i) + frame(RST, 0, i, b"\0\0\0\x08") for i in odd(5000)),
    "resets that we are made to send (CVE-2025-8671)": b"".join(request(i) + frame(DATA, 0, i, b"x") for i in odd(5000)),
    "CONTINUATION without end (CVE-2024-27316)": request(1, END_STREAM) + frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 500) * 1000,
    "empty CONTINUATION": request(1, END_STREAM) + frame(CONTINUATION, 0, 1) * 100_000,
    "empty DATA": UPLOAD + frame(DATA, 0, 1) * 100_000,
    "a small head that unpacks to a large one": request(1, more=ENTRY) + b"".join(request(i, more=b"\xbe" * 8000) for i in list(odd(3000))[1:]),
    "heads at the limit, all at once": b"".join(request(i, more=b"\x00" + literal(b"a", b"z" * 15000)) for i in odd(5000)),
}
CHEAP = {
    "PING": frame(PING, 0, 0, b"12345678") * 20_000,
    "SETTINGS": frame(SETTINGS, 0, 0, b"\0\3\0\0\0\x64" * 10) * 20_000,
    "PRIORITY": frame(PRIORITY, 0, 1, b"\0\0\0\3\x10") * 100_000,
    "WINDOW_UPDATE": frame(WINDOW, 0, 0, b"\0\0\0\1") * 100_000,
    "unknown": frame(0x99, 0, 0, bytes(16000)) * 500,
    "large answers without a window": frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0") + b"".join(request(i, path="/export.csv") for i in odd(100)),
}


def flood(data, patience):
    """Whether the connection ends within so many seconds of silence; nothing is read before all is sent or can't be."""
    context = ssl.create_default_context(cafile=CA)
    context.set_alpn_protocols(["h2"])
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", PORT), 20), server_hostname="localhost")
    s.settimeout(patience)
    try:
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS) + data)
        while s.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True
    finally:
        s.close()


failed = [name for name, data in ENDED.items() if not flood(data, 60)]
for data in CHEAP.values():
    flood(data, 1)
sys.exit("\n".join(failed) or 0)
