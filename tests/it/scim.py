"""Every check of scim2-tester against /scim/v2: arguments are the port, the CA and the token."""

import ssl
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

port, ca, token = sys.argv[1:]
http = Client(
    base_url=f"https://localhost:{port}/scim/v2",
    headers={"Authorization": f"Bearer {token}"},
    verify=ssl.create_default_context(cafile=ca),
    timeout=60,
)
results = check_server(SyncSCIMClient(http))
good = [result for result in results if result.status in (Status.SUCCESS, Status.COMPLIANT)]
for result in results:
    if result not in good and result.status != Status.SKIPPED:
        print(f"{result.status.name} {result.title}: {result.reason}")
        sys.exit(1)
if len(good) < 25:
    print(f"only {len(good)} checks have run")
    sys.exit(1)
