// Asks the browser for a passkey and sends its answer as a form. Without this script the pages work by password and code.
"use strict";
(() => {
  const form = document.getElementById("passkey");
  if (!form || !window.PublicKeyCredential) return;
  const asked = form.dataset;
  const trouble = form.querySelector("[role=alert]");
  const began = performance.now();
  let busy = false;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  const put = (name, buffer) => {
    form.elements.namedItem(name).value = buffer ? text(buffer) : "";
  };
  const known = () =>
    asked.ids.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) }));

  const create = async () => {
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: bytes(asked.challenge),
        rp: { id: asked.host, name: asked.host },
        user: { id: bytes(asked.handle), name: asked.user, displayName: asked.person },
        pubKeyCredParams: asked.algorithms.split(" ").map((alg) => ({ type: "public-key", alg: Number(alg) })),
        excludeCredentials: known(),
        authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
        attestation: "none",
      },
    });
    put("client", made.response.clientDataJSON);
    put("attestation", made.response.attestationObject);
  };

  const get = async () => {
    const signed = await navigator.credentials.get({
      publicKey: {
        challenge: bytes(asked.challenge),
        rpId: asked.host,
        allowCredentials: known(),
        userVerification: "required",
      },
    });
    put("id", signed.rawId);
    put("client", signed.response.clientDataJSON);
    put("data", signed.response.authenticatorData);
    put("signature", signed.response.signature);
    put("handle", signed.response.userHandle);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    // A challenge is good for ten minutes; a page that was open for longer gets another one.
    if (performance.now() - began > 9 * 60 * 1000) {
      location.replace(location.pathname.replace(/\/(passkey|remove)$/, "") + location.search);
      return;
    }
    busy = true;
    trouble.hidden = true;
    try {
      await (asked.act === "create" ? create() : get());
      form.submit();
    } catch {
      trouble.hidden = false;
      busy = false;
    }
  });
  form.hidden = false;
})();
