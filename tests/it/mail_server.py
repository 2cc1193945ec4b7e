# A mail server that writes down whom it has a message for. What stands before the @ says how it answers: later-N (451 N times), never (550).
import asyncio, email, json, os, ssl, sys
from email import policy

from aiosmtpd.smtp import SMTP, AuthResult

said, options = sys.argv[1], json.loads(sys.argv[2])
put_off = {}


class Take:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        name = address.split("@")[0]
        if name.startswith("never"):
            return "550 nobody of this name"
        if name.startswith("later-"):
            count = put_off.get(name, 0)
            put_off[name] = count + 1
            if count < int(name.split("-")[1]):
                return "451 not now"
        envelope.rcpt_tos.append(address)
        return "250 well"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
        line = {"to": envelope.rcpt_tos[0], "from": envelope.mail_from, "id": message["Message-ID"], "subject": message["Subject"],
                "language": message["Content-Language"], "parts": parts, "tls": session.ssl is not None, "user": str(session.auth_data)}
        out = os.open(said, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(out, (json.dumps(line) + "\n").encode())
        os.close(out)
        await asyncio.sleep(options.get("delay", 0))
        return "250 taken"


def allow(server, session, envelope, mechanism, data):
    good = data.login == b"privet" and data.password == b"hush hush"
    return AuthResult(success=good, auth_data=data.login.decode() if good else None)


more = {}
if "certificate" in options:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["certificate"], options["key"])
    more = dict(tls_context=context, require_starttls=True, authenticator=allow, auth_required=True)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Take(), loop=loop, hostname="localhost", **more), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
