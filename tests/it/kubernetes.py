"""Validates rendered manifests on standard input against the schemas of the API versions that are named. CRDs, which the schemas do not have,
are named too and looked at by hand. One line a finding; exit 1 when there is one."""

import sys

import kubernetes_validate
import yaml

# Kinds of other people's operators: what we use of them.
FOREIGN = {
    "Certificate": ("cert-manager.io/v1", {"secretName": str, "dnsNames": list, "privateKey": dict, "usages": list, "issuerRef": dict}),
    "ServiceMonitor": ("monitoring.coreos.com/v1", {"selector": dict, "endpoints": list}),
}

failed = 0
for document in yaml.safe_load_all(sys.stdin):
    kind, name = document["kind"], document["metadata"]["name"]
    if kind in FOREIGN:
        version, fields = FOREIGN[kind]
        spec = document["spec"]
        right = document["apiVersion"] == version and spec.keys() == fields.keys() and all(isinstance(spec[k], t) for k, t in fields.items())
        print(f"{kind}/{name}: structure only, there is no schema: {'right' if right else 'WRONG'}")
        failed += not right
        continue
    for version in sys.argv[1:]:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except Exception as error:
            print(f"{kind}/{name} against {version}: {error}")
            failed += 1
sys.exit(1 if failed else 0)
