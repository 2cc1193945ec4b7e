//! The manifests: rendered, valid for three versions of Kubernetes, and what they promise.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{binary, python};

/// The newest that the schemas have, and two before it.
const VERSIONS: [&str; 3] = ["1.37", "1.36", "1.35"];
const OVERLAYS: [&str; 2] = ["sidecar", "gateway"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// kubectl as `tests/run` installs it.
fn kubectl() -> PathBuf {
    let own = here("target/python/bin/kubectl");
    if own.exists() { own } else { "kubectl".into() }
}

/// What `kubectl kustomize` makes of a folder below the package.
pub fn render(folder: &str) -> String {
    let out = Command::new(kubectl()).args(["kustomize", folder]).current_dir(here("")).output().expect("kubectl runs");
    assert!(out.status.success(), "{folder}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

/// An overlay with components on top, as a kustomization of a user's own has them.
pub fn render_with(name: &str, overlay: &str, components: &[&str]) -> String {
    let folder = here("target/kubernetes").join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let deploy = "../../../deploy/kubernetes";
    let components: Vec<String> = components.iter().map(|name| format!("{deploy}/components/{name}")).collect();
    let text = format!("resources: [{deploy}/overlays/{overlay}]\ncomponents: [{}]\n", components.join(", "));
    fs::write(folder.join("kustomization.yaml"), text).expect("written");
    let rendered = render(folder.to_str().expect("a path"));
    fs::remove_dir_all(folder).expect("removed");
    rendered
}

/// Everything that can be rendered, by name.
fn all() -> Vec<(String, String)> {
    let plain = OVERLAYS.map(|overlay| (overlay.to_owned(), render(&format!("deploy/kubernetes/overlays/{overlay}"))));
    let full = [
        ("sidecar", ["cert-manager", "monitoring", "intercept"]),
        ("gateway", ["cert-manager", "monitoring", "clamav"]),
    ]
    .map(|(overlay, components)| {
        (format!("{overlay} with {components:?}"), render_with(overlay, overlay, &components))
    });
    plain.into_iter().chain(full).collect()
}

/// Runs Python over the manifests.
fn over(script: &[&str], manifests: &str) -> (bool, String) {
    let mut child = Command::new(python())
        .args(script)
        .current_dir(here("tests/it"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    child.stdin.take().expect("piped").write_all(manifests.as_bytes()).expect("written");
    let out = child.wait_with_output().expect("ends");
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The manifests as JSON.
pub fn documents(manifests: &str) -> Vec<Value> {
    let (done, text) =
        over(&["-c", "import sys, json, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"], manifests);
    assert!(done, "YAML");
    serde_json::from_str(&text).expect("JSON")
}

pub fn find<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    documents
        .iter()
        .find(|d| d["kind"] == kind && d["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn every_overlay_is_valid_for_three_versions() {
    for (name, manifests) in all() {
        let (valid, findings) = over(&[&["kubernetes.py"], &VERSIONS[..]].concat(), &manifests);
        print!("{findings}");
        assert!(valid, "{name}:\n{findings}");
    }
    // The check can fail.
    let wrong = render("deploy/kubernetes/overlays/gateway").replace("containerPort: 8443", "containerPort: many");
    assert!(!over(&["kubernetes.py", VERSIONS[0]], &wrong).0);
}

/// The configuration of an overlay with its folders moved below `dir`, where there is what the Secrets would hold.
fn check(overlay: &str, change: impl FnOnce(String) -> String) -> (bool, String) {
    let documents = documents(&render(&format!("deploy/kubernetes/overlays/{overlay}")));
    let text =
        find(&documents, "ConfigMap", "privet")["data"]["privet.toml"].as_str().expect("a configuration").to_owned();
    let dir = tempfile::tempdir().expect("a folder");
    let place = dir.path().display().to_string();
    let text = change(text).replace("/etc/privet", &place).replace("/var/lib/privet", &place);
    for folder in ["tls", "keys", "store", "own"] {
        fs::create_dir(dir.path().join(folder)).expect("made");
    }
    fs::write(dir.path().join("store/redis"), "rediss://privet:secret@redis.example:6379").expect("written");
    fs::write(dir.path().join("privet.toml"), text).expect("written");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=shop.example",
        ])
        .args(["-addext", "subjectAltName=DNS:shop.example", "-keyout", "tls/tls.key", "-out", "tls/tls.crt"])
        .current_dir(dir.path())
        .output()
        .expect("openssl runs");
    assert!(made.status.success());
    let out = Command::new(binary()).args(["check", "--config", "privet.toml"]).current_dir(dir.path()).output();
    let out = out.expect("privet runs");
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

#[test]
fn every_configuration_is_accepted() {
    for overlay in OVERLAYS {
        let (valid, text) = check(overlay, |text| text);
        assert!(valid, "{overlay}: {text}");
    }
    let (valid, text) = check("gateway", |text| text.replace("redirect_port", "redirect_prot"));
    assert!(!valid && text.contains("redirect_port"), "{text}");
}

/// Every container of every Pod, and whether the Pod says so for it.
#[test]
fn every_container_is_confined_and_ends_in_time() {
    for (name, manifests) in all() {
        assert!(!manifests.contains("preStop"), "{name}: nothing sleeps before its end");
        for document in documents(&manifests).iter().filter(|d| d["kind"] == "Deployment") {
            let pod = &document["spec"]["template"]["spec"];
            let lists = [&pod["initContainers"], &pod["containers"]];
            for container in lists.into_iter().filter_map(Value::as_array).flatten() {
                let of = |key: &str| match &container["securityContext"][key] {
                    Value::Null => &pod["securityContext"][key],
                    own => own,
                };
                let what = format!("{name}: {}", container["name"]);
                assert_eq!(of("readOnlyRootFilesystem"), true, "{what}");
                assert_eq!(of("allowPrivilegeEscalation"), false, "{what}");
                assert_eq!(of("capabilities")["drop"][0], "ALL", "{what}");
                assert_eq!(of("seccompProfile")["type"], "RuntimeDefault", "{what}");
                assert!(container["resources"]["requests"]["memory"].is_string(), "{what}");
                let may_be_root = container["name"] == "intercept";
                assert_eq!(of("runAsNonRoot") == true, !may_be_root, "{what}");
                if container["name"] == "privet" {
                    assert_eq!(of("runAsUser"), 65532, "{what}");
                    assert!(pod["terminationGracePeriodSeconds"].as_u64() > Some(28), "{what}: shutdown.deadline");
                    let probes = ["startupProbe", "readinessProbe", "livenessProbe"];
                    assert!(probes.iter().all(|probe| container[probe]["httpGet"]["port"] == "admin"), "{what}");
                }
            }
            let claims = pod["volumes"].as_array().into_iter().flatten();
            let durable = claims.filter(|v| v["persistentVolumeClaim"]["claimName"].is_string()).count();
            assert!(durable > 0, "{name}: a durable volume");
        }
    }
}

#[test]
fn the_sidecar_is_native_and_the_only_way_in() {
    let documents = documents(&render_with("order", "sidecar", &["intercept", "monitoring"]));
    let pod = &find(&documents, "Deployment", "shop")["spec"]["template"]["spec"];
    let privet = pod["initContainers"].as_array().expect("some").iter().find(|c| c["name"] == "privet").expect("one");
    assert_eq!(privet["restartPolicy"], "Always");
    assert!(pod["containers"][0]["args"].to_string().contains("127.0.0.1:9000"), "bound to loopback");
    let open = &find(&documents, "NetworkPolicy", "privet")["spec"];
    assert_eq!(open["podSelector"]["matchLabels"]["privet/proxy"], "shop");
    let ports: Vec<_> =
        open["ingress"][0]["ports"].as_array().expect("ports").iter().map(|p| p["port"].clone()).collect();
    assert_eq!(ports, ["https", "http"]);
    // Metrics only from where Prometheus is.
    let metrics = &find(&documents, "NetworkPolicy", "privet-metrics")["spec"]["ingress"];
    assert_eq!(metrics.as_array().map(Vec::len), Some(1));
    assert!(metrics[0]["from"][0]["namespaceSelector"].is_object());
}

#[test]
fn the_rules_of_interception_are_those_that_privet_prints() {
    let path = here("deploy/kubernetes/components/intercept/rules.nft");
    let out = Command::new(binary()).args(["intercept", "--print", "--port", "9000"]).output().expect("privet runs");
    let printed = String::from_utf8(out.stdout).expect("text");
    if std::env::var_os("PRIVET_BLESS").is_some() {
        fs::write(&path, &printed).expect("written");
    }
    assert_eq!(fs::read_to_string(path).expect("a file"), printed, "PRIVET_BLESS=1 writes it anew");
}
