"""Pages of the console in Chromium, judged by axe and by the browser itself: what its scripts have in common."""
import json, re, ssl, sys, urllib.error, urllib.parse, urllib.request
from pathlib import Path

site, password, axe = sys.argv[1:4]
AXE = Path(axe).read_text() if Path(axe).exists() else ""

options.add_argument("--host-resolver-rules=MAP localhost 127.0.0.1")
options.add_argument("--window-size=1280,900")
options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
start()
browser.set_script_timeout(60)
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI))"
browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})


def theme(name):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})


def sign_in(name):
    browser.get(site + "/.privet/sign-out")
    browser.delete_all_cookies()
    browser.get(site + "/")
    find("#username").send_keys(name)
    find("#password").send_keys(password)
    press(find("form button"))
    until("signed in", lambda: browser.current_url == site + "/")


def requests():
    """URLs that the browser has asked for, and the statuses of documents, since this was asked last."""
    urls, statuses = [], {}
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.append(message["params"]["request"]["url"])
        if message["method"] == "Network.responseReceived" and message["params"]["type"] == "Document":
            response = message["params"]["response"]
            statuses[response["url"].split("#")[0]] = response["status"]
    return urls, statuses


def judged(where):
    if not AXE:
        return
    browser.execute_script(AXE)
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then(r => done(r.violations), e => done([{id: '' + e, nodes: []}]))")
    told = [(one["id"], [node["html"][:200] + " | " + node.get("failureSummary", "")[:300] for node in one["nodes"][:3]]) for one in found]
    assert not told, (where, told)


def look(path, language, status=200):
    """Asks for a page; it must be whole, in this language, and quiet."""
    mark = "&" if "?" in path else "?"
    url = f"{site}{path}{mark}lang={language}"
    browser.get(url)
    urls, statuses = requests()
    assert statuses.get(url) == status, (url, statuses)
    # The icon of a field for dates is the browser's own.
    assert all(own.startswith((site + "/", "data:image/svg+xml;base64,")) for own in urls), urls
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1 and browser.find_elements(By.TAG_NAME, "main"), path
    assert not browser.find_elements(By.TAG_NAME, "script"), path
    assert browser.execute_script("return violations") == [], path
    complaints = [one["message"] for one in browser.get_log("browser") if f"{status} (" not in one["message"] or status == 200]
    assert not complaints, (path, complaints)


def walk(paths, status=200):
    for language in ("en", "ko"):
        for number, path in enumerate(paths):
            theme("light")
            look(path, language, status)
            judged((path, language, "light"))
            theme("dark")
            if status == 200 or number == 0:
                judged((path, language, "dark"))


def button(text):
    return next(one for one in browser.find_elements(By.CSS_SELECTOR, "main form button") if text in one.text)


def ask(path, fields=None, headers=None):
    """As the browser's session, and not by the browser: status and text."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    cookies = "; ".join(f"{own['name']}={own['value']}" for own in browser.get_cookies())
    data = urllib.parse.urlencode(fields).encode() if fields is not None else None
    request = urllib.request.Request(site + path, data, {"Cookie": cookies, **(headers or {})})

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))
    try:
        answer = opener.open(request, timeout=60)
        return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def token(path):
    return re.search('name="form" value="([^"]+)"', ask(path)[1]).group(1)


