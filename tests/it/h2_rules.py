"""What RFC 9113 and RFC 7541 ask of a server, one rule a case, by raw frames: PORT CA. Prints the cases that fail.

A connection error is told by GOAWAY with its code; a stream error by RST_STREAM, or as a connection error (RFC 9113, section 5.4.2,
lets the endpoint choose). What is malformed HTTP may also be answered with 400.
"""
import socket, ssl, struct, sys
from hpack import Encoder

PORT, CA = int(sys.argv[1]), sys.argv[2]
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
NO_ERROR, PROTOCOL, INTERNAL, FLOW, TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]
POST = [(":method", "POST")] + GET[1:]


def frame(kind, flags=0, stream=0, body=b"", length=None):
    return struct.pack(">I", len(body) if length is None else length)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def block(headers):
    return Encoder().encode(headers)


def headers(stream, fields=GET, flags=END_STREAM | END_HEADERS, before=b"", after=b""):
    return frame(HEADERS, flags, stream, before + block(fields) + after)


def setting(number, value):
    return frame(SETTINGS, 0, 0, struct.pack(">HI", number, value))


class Connection:
    def __init__(self, preface=PREFACE + frame(SETTINGS)):
        context = ssl.create_default_context(cafile=CA)
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", PORT), 20), server_hostname="localhost")
        self.buffer = b""
        self.send(preface)

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # It was closed already; the reading tells.

    def frames(self):
        """Every frame until the end of the connection."""
        while True:
            while len(self.buffer) >= 9:
                size = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + size:
                    break
                kind, flags, stream = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big")
                body, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
                if kind == SETTINGS and not flags & ACK:
                    self.send(frame(SETTINGS, ACK))
                yield kind, flags, stream, body
            try:
                data = self.socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.buffer += data

    def outcome(self):
        """What came first: an error of the connection or of a stream, an answer, or the echo of a ping that was sent last."""
        for kind, flags, stream, body in self.frames():
            if kind == GOAWAY:
                code = int.from_bytes(body[4:8], "big")
                if code:
                    return "connection", code
            elif kind == RST:
                code = int.from_bytes(body, "big")
                if code:
                    return "stream", code
            elif kind == HEADERS:
                from hpack import Decoder
                return "answer", int(dict(Decoder().decode(body))[":status"])
            elif kind == PING and flags & ACK:
                return "ping", body
        return "connection", None


def connection(*codes):
    return lambda got: got[0] == "connection" and got[1] in codes


def stream(*codes):
    return lambda got: got[0] in ("stream", "connection") and got[1] in codes


def malformed(got):
    return got == ("answer", 400) or stream(PROTOCOL)(got)


def answered(got):
    return got == ("answer", 200)


PINGED = ("ping", b"12345678")
LAST = frame(PING, 0, 0, b"12345678")
ECHO = [(n, "/echo" if n == ":path" else v) for n, v in POST]
OPEN = headers(1, ECHO, END_HEADERS)  # A request whose body is to come.
DONE = headers(1) + headers(3)


def alive(got):
    return got == PINGED


def with_(*more, base=GET, without=()):
    return headers(1, [h for h in base if h[0] not in without] + list(more))


CASES = [
    ("3.4 a preface that is none", None, connection(PROTOCOL), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("3.4 another frame before SETTINGS", LAST, connection(PROTOCOL), PREFACE),
    ("3.4 an acknowledgement before SETTINGS", LAST, connection(PROTOCOL), PREFACE + frame(SETTINGS, ACK)),
    ("3.4 a request before SETTINGS", headers(1) + LAST, connection(PROTOCOL), PREFACE),
    ("4.1 an unknown frame type is ignored", frame(0x16, 0, 0, b"x" * 8) + LAST, alive),
    ("4.1 unknown flags are ignored", frame(PING, 0x16 & ~ACK, 0, b"12345678"), alive),
    ("4.1 the reserved bit is ignored", frame(PING, 0, 1 << 31, b"12345678"), alive),
    ("4.2 a frame larger than SETTINGS_MAX_FRAME_SIZE", OPEN + frame(DATA, END_STREAM, 1, b"x" * 16385), stream(SIZE)),
    ("4.2 HEADERS larger than SETTINGS_MAX_FRAME_SIZE", headers(1, GET + [("x", "y" * 20000)]), connection(SIZE)),
    ("4.3 a header block that does not decode", frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\xff\xff\xff\xff\xff"), connection(COMPRESSION)),
    ("4.3 another frame within a header block", headers(1, flags=END_STREAM) + LAST, connection(PROTOCOL)),
    ("4.3 HEADERS of another stream within a header block", headers(1, flags=END_STREAM) + headers(3), connection(PROTOCOL)),
    ("5.1.2 more streams than are allowed", b"".join(headers(i, ECHO, END_HEADERS) for i in range(1, 301, 2)), stream(REFUSED, PROTOCOL)),
    ("5.1 DATA on an idle stream", frame(DATA, END_STREAM, 1, b"x"), connection(PROTOCOL, CLOSED)),
    ("5.1 RST_STREAM on an idle stream", frame(RST, 0, 1, b"\0\0\0\x08"), connection(PROTOCOL)),
    ("5.1 WINDOW_UPDATE on an idle stream", frame(WINDOW, 0, 1, b"\0\0\0\x64"), connection(PROTOCOL)),
    ("5.1 CONTINUATION on an idle stream", frame(CONTINUATION, END_HEADERS, 1, block(GET)), connection(PROTOCOL)),
    ("5.1 DATA on a half-closed stream", headers(1, ECHO) + frame(DATA, END_STREAM, 1, b"x"), stream(CLOSED, PROTOCOL)),
    ("5.1 HEADERS on a half-closed stream", headers(1, ECHO) + headers(1), stream(CLOSED, PROTOCOL)),
    ("5.1 CONTINUATION on a half-closed stream", headers(1, ECHO) + frame(CONTINUATION, END_HEADERS, 1, block(GET)), connection(CLOSED, PROTOCOL)),
    ("5.1 DATA after RST_STREAM", OPEN + frame(RST, 0, 1, b"\0\0\0\x08") + frame(DATA, END_STREAM, 1, b"x") + LAST, lambda got: alive(got) or stream(CLOSED)(got)),
    ("5.1 HEADERS after RST_STREAM", OPEN + frame(RST, 0, 1, b"\0\0\0\x08") + headers(1) + LAST, stream(CLOSED, PROTOCOL)),
    ("5.1.1 an even stream identifier", headers(2), connection(PROTOCOL)),
    ("5.1.1 a stream identifier that goes back", headers(5, ECHO, END_HEADERS) + headers(3), stream(PROTOCOL, CLOSED)),
    ("5.3.1 a stream that depends on itself", frame(PRIORITY, 0, 1, b"\0\0\0\x01\x00") + LAST, lambda got: alive(got) or stream(PROTOCOL)(got)),
    ("5.4.1 GOAWAY is followed by the end", frame(GOAWAY, 0, 0, bytes(8)) + headers(1), lambda got: answered(got) or connection(NO_ERROR)(got)),
    ("5.5 unknown settings are ignored", setting(0xff, 1) + LAST, alive),
    ("6.1 DATA on stream 0", OPEN + frame(DATA, END_STREAM, 0, b"x"), connection(PROTOCOL)),
    ("6.1 padding longer than the frame", OPEN + frame(DATA, END_STREAM | PADDED, 1, b"\x06" + b"x" * 4), connection(PROTOCOL)),
    ("6.2 HEADERS on stream 0", headers(0), connection(PROTOCOL)),
    ("6.2 HEADERS with padding longer than the frame", headers(1, flags=END_STREAM | END_HEADERS | PADDED, before=b"\xff"), connection(PROTOCOL)),
    ("6.2 padded HEADERS with a priority", headers(1, flags=END_STREAM | END_HEADERS | PADDED | PRIORITIZED, before=b"\x04\0\0\0\0\x0f", after=bytes(4)), answered),
    ("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, b"\0\0\0\x01\x0f"), connection(PROTOCOL)),
    ("6.3 PRIORITY of another length", OPEN + frame(PRIORITY, 0, 1, b"\0\0\0\x01"), connection(SIZE)),
    ("6.4 RST_STREAM on stream 0", frame(RST, 0, 0, b"\0\0\0\x08"), connection(PROTOCOL)),
    ("6.4 RST_STREAM of another length", OPEN + frame(RST, 0, 1, b"\0\0\x08"), connection(SIZE)),
    ("6.5 SETTINGS acknowledged with content", frame(SETTINGS, ACK, 0, b"\0"), connection(SIZE)),
    ("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1, struct.pack(">HI", 3, 100)), connection(PROTOCOL)),
    ("6.5 SETTINGS of another length", frame(SETTINGS, 0, 0, b"\0\3\0"), connection(SIZE)),
    ("6.5.2 ENABLE_PUSH other than 0 or 1", setting(2, 2), connection(PROTOCOL)),
    ("6.5.2 INITIAL_WINDOW_SIZE above the most", setting(4, 1 << 31), connection(FLOW)),
    ("6.5.2 MAX_FRAME_SIZE below the least", setting(5, 16383), connection(PROTOCOL)),
    ("6.5.2 MAX_FRAME_SIZE above the most", setting(5, 1 << 24), connection(PROTOCOL)),
    ("6.6 PUSH_PROMISE from a client", OPEN + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block(GET)), connection(PROTOCOL)),
    ("6.7 PING on a stream", frame(PING, 0, 1, b"12345678"), connection(PROTOCOL)),
    ("6.7 PING of another length", frame(PING, 0, 0, b"123456"), connection(SIZE)),
    ("6.7 an acknowledged PING is not answered", frame(PING, ACK, 0, b"abcdefgh") + LAST, alive),
    ("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), connection(PROTOCOL)),
    ("6.9 WINDOW_UPDATE by 0 on the connection", frame(WINDOW, 0, 0, bytes(4)), connection(PROTOCOL)),
    ("6.9 WINDOW_UPDATE by 0 on a stream", OPEN + frame(WINDOW, 0, 1, bytes(4)), stream(PROTOCOL)),
    ("6.9 WINDOW_UPDATE of another length", frame(WINDOW, 0, 0, b"\0\0\1"), connection(SIZE)),
    ("6.9.1 a connection window beyond 2^31-1", frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff") * 2, connection(FLOW)),
    ("6.9.1 a stream window beyond 2^31-1", OPEN + frame(WINDOW, 0, 1, b"\x7f\xff\xff\xff") * 2, stream(FLOW)),
    ("6.10 CONTINUATION frames make a header block", headers(1, flags=END_STREAM) + frame(CONTINUATION, 0, 1, block([("x-a", "1")])) + frame(CONTINUATION, END_HEADERS, 1, block([("x-b", "2")])), answered),
    ("6.10 CONTINUATION on stream 0", headers(1, flags=END_STREAM) + frame(CONTINUATION, END_HEADERS, 0, block([("x", "y")])), connection(PROTOCOL)),
    ("6.10 CONTINUATION after END_HEADERS", OPEN + frame(CONTINUATION, END_HEADERS, 1, block([("x", "y")])), connection(PROTOCOL)),
    ("7 unknown error codes are no reason to end", OPEN + frame(RST, 0, 1, b"\0\0\0\xff") + LAST, alive),
    ("8.1 HEADERS amid a body without END_STREAM", OPEN + headers(1, [("x-trailer", "1")], END_HEADERS), stream(PROTOCOL)),
    ("8.1.1 content-length above the DATA", headers(1, ECHO + [("content-length", "9")], END_HEADERS) + frame(DATA, END_STREAM, 1, b"test"), malformed),
    ("8.1.1 content-length below the DATA", headers(1, ECHO + [("content-length", "1")], END_HEADERS) + frame(DATA, 0, 1, b"te") + frame(DATA, END_STREAM, 1, b"st"), malformed),
    ("8.2 an upper-case name", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x00\x01X\x01y"), malformed),
    ("8.2.1 a name with a space", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x00\x03x y\x01y"), malformed),
    ("8.2.1 a value with a line feed", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x00\x01x\x03y\nz"), malformed),
    ("8.2.1 a value with a null byte", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x00\x01x\x03y\0z"), malformed),
    ("8.2.2 Connection", with_(("connection", "keep-alive")), malformed),
    ("8.2.2 Transfer-Encoding", with_(("transfer-encoding", "chunked")), malformed),
    ("8.2.2 TE other than trailers", with_(("te", "trailers, deflate")), malformed),
    ("8.3 a pseudo-header after a field", headers(1, [("x", "y")] + GET), malformed),
    ("8.3 an unknown pseudo-header", with_((":test", "ok"), base=GET), malformed),
    ("8.3 a pseudo-header of answers", headers(1, GET + [(":status", "200")]), malformed),
    ("8.3 a pseudo-header in trailers", OPEN + frame(DATA, 0, 1, b"x") + headers(1, [(":method", "GET")]), malformed),
    ("8.3.1 an empty :path", with_((":path", ""), without=(":path",)), malformed),
    ("8.3.1 no :method", with_(without=(":method",)), malformed),
    ("8.3.1 no :scheme", with_(without=(":scheme",)), malformed),
    ("8.3.1 no :path", with_(without=(":path",)), malformed),
    ("8.3.1 :method twice", headers(1, [(":method", "GET")] + GET), malformed),
    ("8.3.1 :scheme twice", headers(1, [(":scheme", "https")] + GET), malformed),
    ("8.3.1 :path twice", headers(1, [(":path", "/")] + GET), malformed),
    ("8.3.1 :authority and another Host", with_(("host", "evil.example")), malformed),
    ("8.5 CONNECT with a :path", with_((":method", "CONNECT"), without=(":method",)), lambda got: malformed(got) or got == ("answer", 405)),
    ("HPACK 2.3.3 an index beyond the tables", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\xc6"), connection(COMPRESSION)),
    ("HPACK 4.2 a table size change at the end", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x20"), connection(COMPRESSION)),
    ("HPACK 5.2 Huffman padding longer than 7 bits", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"), connection(COMPRESSION)),
    ("HPACK 5.2 Huffman padding with zeros", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x00\x85\xf2\xb2\x4a\x87\xff\x83\x49\x50\x90"), connection(COMPRESSION)),
    ("HPACK 5.2 Huffman with EOS", frame(HEADERS, END_STREAM | END_HEADERS, 1, block(GET) + b"\x00\x85\xf2\xb2\x4a\x87\xff\x85\xff\xff\xff\xff\xff"), connection(COMPRESSION)),
    ("HPACK 6.1 an index of 0", frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x80" + block(GET)), connection(COMPRESSION)),
    ("HPACK 6.3 a table size above the setting", frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x3f\xe1\xff\x03" + block(GET)), connection(COMPRESSION)),
    ("two requests on one connection", DONE, answered),
    ("a request with a body and trailers", OPEN + frame(DATA, 0, 1, b"x") + headers(1, [("x-trailer", "1")]), answered),
]

failed = 0
for name, data, holds, *preface in CASES:
    talk = Connection(*preface)
    if data is not None:
        talk.send(data)
    got = talk.outcome()
    talk.socket.close()
    if not holds(got):
        failed += 1
        print(f"{name}: {got}")
print(f"{len(CASES) - failed} of {len(CASES)} hold")
sys.exit(failed > 0)
