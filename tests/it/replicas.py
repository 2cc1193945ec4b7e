# An application on 10.77.0.1:9000 that says who asked it, and clients of the balancer on 10.77.0.1:443. Takes a command a line on
# standard input and answers each with a line of JSON.
import http.server, json, socket, ssl, sys, threading, time

HUB, CA = "10.77.0.1", sys.argv[1]
guesses, lock = [], threading.Lock()


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, text):
        replica = self.client_address[0]
        head = f"HTTP/1.1 200 OK\r\nX-Replica: {replica}\r\nContent-Type: text/html\r\nContent-Length: {len(text)}\r\n\r\n"
        self.wfile.write((head + text).encode())

    def do_GET(self):
        self.reply("ok")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with lock:
            guesses.append((body, self.client_address[0]))
        self.reply("wrong password")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 256

    def handle_error(self, *_):
        pass  # replicas are killed here


context = ssl.create_default_context(cafile=CA)
context.check_hostname = False
stop, failures, answered = threading.Event(), [], {}


class Connection:
    def __init__(self):
        self.opened, self.replica = time.monotonic(), None
        plain = socket.create_connection((HUB, 443), timeout=60)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")

    def ask(self, request):
        self.socket.sendall(request.encode())
        status = self.file.readline()
        if not status:
            raise ConnectionError("closed without an answer")
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        self.file.read(int(headers.get("content-length", 0)))
        self.replica = headers.get("x-replica", self.replica)
        return int(status.split()[1]), headers

    def close(self):
        self.file.close()
        self.socket.close()


def client(kept):
    more = "" if kept else "Connection: close\r\n"
    while not stop.is_set():
        opened, connection = time.monotonic(), None
        try:
            connection = Connection()
            while not stop.is_set():
                status, headers = connection.ask(f"GET / HTTP/1.1\r\nHost: shop.example\r\n{more}\r\n")
                if status != 200:
                    failures.append({"opened": opened, "replica": "answered", "error": f"status {status}"})
                    break
                with lock:
                    answered[connection.replica] = answered.get(connection.replica, 0) + 1
                if headers.get("connection") == "close":
                    break
                time.sleep(0.02)
        except OSError as error:
            replica = connection.replica if connection else None
            failures.append({"opened": opened, "replica": replica, "error": repr(error)})
        finally:
            if connection:
                connection.close()
        time.sleep(0.02)


def guess(user, count):
    before, statuses = len(guesses), []
    for number in range(count):
        connection = Connection()
        body = f"user={user}&password={number}"
        head = f"POST /login HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        statuses.append(connection.ask(head + body)[0])
        connection.close()
    reached = guesses[before:]
    return {"reached": len(reached), "replicas": len({replica for _, replica in reached}), "refused": statuses.count(429)}


threading.Thread(target=Server((HUB, 9000), Application).serve_forever, daemon=True).start()
print(json.dumps("up"), flush=True)
threads = []
for line in sys.stdin:
    match line.split():
        case ["load"]:
            stop.clear()
            failures, answered = [], {}
            threads = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(6)]
            [thread.start() for thread in threads]
            reply = "loading"
        case ["answered"]:
            reply = answered
        case ["stop"]:
            stop.set()
            [thread.join() for thread in threads]
            reply = {"answered": sum(answered.values()), "failures": failures}
        case ["guess", user, count]:
            reply = guess(user, int(count))
    print(json.dumps(reply), flush=True)
