"""Every check of scim2-tester against /scim/v2: arguments are the port, the CA, the token, and what people are named by."""

import ssl
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

port, ca, token, subject = sys.argv[1:]
http = Client(
    base_url=f"https://localhost:{port}/scim/v2",
    headers={"Authorization": f"Bearer {token}"},
    verify=ssl.create_default_context(cafile=ca),
    timeout=60,
)
results = check_server(SyncSCIMClient(http))
counted = {}
for result in results:
    counted[result.status.name] = counted.get(result.status.name, 0) + 1
    if result.status not in (Status.SUCCESS, Status.SKIPPED, Status.COMPLIANT if hasattr(Status, "COMPLIANT") else Status.SUCCESS):
        print(f"{result.status.name} {result.title}: {result.reason}")
print(counted)
