"""An application that answers in many forms; all of its personal data is made up."""
import gzip, json, sys, threading, time, zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import brotli, zstandard

PERSON = {"id": 7, "name": "김민수", "email": "kim.minsu@example.com", "phone": "010-2345-6789",
          "rrn": "901231-1234563", "card": "4111 1111 1111 1111"}
LINE = json.dumps(PERSON)
ROW = ",".join(str(v) for v in PERSON.values())
FORMS = {
    "json": ("application/json", json.dumps({"customers": [PERSON] * 50}, ensure_ascii=False)),
    "escaped": ("application/json; charset=utf-8", json.dumps({"customers": [PERSON] * 50})),
    "ndjson": ("application/x-ndjson", (LINE + "\n") * 50),
    "csv": ("text/csv", ",".join(PERSON) + "\r\n" + (ROW + "\r\n") * 50),
    "form": ("application/x-www-form-urlencoded", "id=7&email=kim.minsu%40example.com&phone=010-2345-6789&rrn=901231-1234563"),
    "xml": ("application/xml", "<all>" + "".join(f"<{k}>{v}</{k}>" for k, v in PERSON.items()) + "</all>"),
    "html": ("text/html; charset=utf-8", "<table><tr>" + "".join(f"<th>{k}" for k in PERSON) + "</tr>"
             + ("<tr>" + "".join(f"<td>{v}" for v in PERSON.values()) + "</tr>") * 50 + "</table>"),
    "text": ("text/plain; charset=utf-8", "mail kim.minsu@example.com, phone 010-2345-6789, rrn 901231-1234563\n" * 50),
}


def code(name, body):
    if name == "gzip": return gzip.compress(body)
    if name == "deflate": return zlib.compress(body)
    if name == "raw": return zlib.compress(body)[2:-4]
    if name == "br": return brotli.compress(body)
    if name == "zstd": return zstandard.compress(body)
    return body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def whole(self, body, status=200, **headers):
        self.head(status, Content_Length=str(len(body)), **headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    do_HEAD = do_PUT = lambda self: self.do_GET()

    def do_GET(self):
        url = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        getattr(self, "at_" + url.path.strip("/").replace("/", "_"))(query)

    def at_form(self, query):
        label, text = FORMS[query["f"]]
        coding = query.get("c", "")
        body = code(coding, text.encode())
        headers = {"Content-Type": label, "Content-MD5": "x", "Digest": "x", "Accept-Ranges": "bytes", "Cache-Control": "public, max-age=60"}
        if coding: headers["Content-Encoding"] = {"raw": "deflate"}.get(coding, coding)
        if "slow" not in query:
            return self.whole(body, **headers)
        self.head(200, Transfer_Encoding="chunked", Trailer="X-End, Digest", **headers)
        for i in range(len(body)):
            self.chunk(body[i:i + 1])
        self.wfile.write(b"0\r\nX-End: yes\r\nDigest: x\r\n\r\n")

    def at_tag(self, query):
        seen = json.dumps({k.lower(): v for k, v in self.headers.items()})
        if self.headers.get("If-Match") not in (None, '"v1"'):
            return self.whole(b"", 412, ETag='"v1"')
        if self.headers.get("If-None-Match") == '"v1"':
            return self.head(304, ETag='"v1"', Cache_Control="public", X_Seen=seen)
        self.whole(b'{"phone":"010-2345-6789"}', Content_Type="application/json", ETag='"v1"', X_Seen=seen,
                   Last_Modified="Tue, 24 Nov 2026 10:00:00 GMT")

    def at_partial(self, query):
        self.whole(b'"phone":"010-2345-6789"', 206, Content_Type="application/json", Content_Range="bytes 1-23/25")

    def at_bytes(self, query):
        body = bytes.fromhex(query["hex"])
        headers = {}
        if "t" in query: headers["Content-Type"] = query["t"]
        if "e" in query: headers["Content-Encoding"] = query["e"]
        self.whole(body, **headers)

    def at_bomb(self, query):
        self.whole(code(query["c"], b" " * (100 << 20)), Content_Type="text/plain", Content_Encoding=query["c"])

    def at_cut(self, query):
        body = code(query["c"], FORMS["json"][1].encode() * 1)
        self.whole(body[:-9], Content_Type="application/json", Content_Encoding=query["c"])

    def at_events(self, query):
        headers = {"Content-Encoding": "gzip"} if "c" in query else {}
        self.head(200, Content_Type="text/event-stream", Transfer_Encoding="chunked", **headers)
        data = f"id: 1\ndata: {LINE}\n\n".encode()
        if "c" in query:
            coder = zlib.compressobj(wbits=31)
            data = coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH)
        self.chunk(data)
        # Nothing more comes: who waits for it waits for ever.
        time.sleep(3600)

    def at_later(self, query):
        """Breaks when the head is out long since."""
        self.head(200, Content_Type="application/json", Transfer_Encoding="chunked")
        self.chunk(b"[" + b'"word",' * 20000)
        self.chunk(b'"010-2345-6789" oops "010-2345-6789"')
        self.wfile.write(b"0\r\n\r\n")

    def at_empty(self, query):
        self.whole(b"", int(query.get("s", "200")), Content_Type="application/json")

    def at_big(self, query):
        self.head(200, Content_Type="text/csv", Transfer_Encoding="chunked")
        self.chunk((",".join(PERSON) + "\n").encode())
        line = (ROW + "\n").encode() * 200
        for _ in range(int(query["n"])):
            self.chunk(line)
        self.wfile.write(b"0\r\n\r\n")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
