"""Chromium walks the console as each role, in both languages and both themes; what it finds is judged by axe and by the browser itself."""
import json, re, ssl, sys, urllib.error, urllib.parse, urllib.request
from pathlib import Path

site, password, axe, shots, shown = sys.argv[1:6]
AXE = Path(axe).read_text() if Path(axe).exists() else ""
OPERATOR = ["/", "/findings", "/logins", "/bans", "/state"]
DEEDS = ["/bans/add", "/bans/lift?address=192.0.2.7"]
OFFICER = OPERATOR + ["/policy", "/incidents", "/incidents/1", "/people", "/people/grants", "/people/handovers", "/people/reviews",
    "/people/due", "/disclosures", "/sessions", "/map"]
OFFICER_DEEDS = DEEDS + ["/policy/look", "/incidents/1/confirm", "/incidents/1/measure", "/incidents/1/note", "/disclosures/person"]

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


def shot(name, path, language, scheme):
    if shots:
        theme(scheme)
        look(path, language)
        browser.save_screenshot(f"{shots}/{name}.png")


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


try:
    # Nobody is shown anything.
    browser.get(site + "/incidents")
    until("sent to sign in", lambda: "/.privet/sign-in?return=" in browser.current_url)

    sign_in("mark")
    walk(OFFICER + DEEDS, 403)
    assert ask("/bans/lift", {"form": "x", "address": "192.0.2.7"})[0] == 403

    sign_in("olga")
    walk(OPERATOR + DEEDS)
    for path in [path for path in OFFICER + OFFICER_DEEDS if path not in OPERATOR + DEEDS]:
        look(path, "en", 403)
    assert ask("/incidents/1/confirm", {"form": token("/bans/add"), "reason": "x", "sure": "1"})[0] == 403
    # What she may do is a form that must come from her own page.
    lift = {"address": "192.0.2.7", "sure": "1"}
    own = token("/bans/lift?address=192.0.2.7")
    refused = [
        ask("/bans/lift", lift),
        ask("/bans/lift", {**lift, "form": "AAAA"}),
        ask("/bans/lift", {**lift, "form": token("/bans/add")}),
        ask("/bans/lift", {**lift, "form": own}, {"Origin": "https://evil.example"}),
        ask("/bans/lift", {**lift, "form": own}, {"Sec-Fetch-Site": "cross-site"}),
    ]
    assert [answer[0] for answer in refused] == [403] * 5, refused
    assert "192.0.2.7" in ask("/bans")[1]
    browser.get(site + "/bans/lift?address=192.0.2.7&lang=en")
    press(button("Go on"))
    assert "gets through again" in find(".note").text
    judged("confirmation")
    press(button("Yes, do it"))
    assert "written down in your name" in find(".done").text
    assert "192.0.2.7" not in find("main").text

    sign_in("two")
    assert ask("/grants/" + shown + "/confirm")[0] == 200
    walk(OFFICER + OFFICER_DEEDS)
    # A title is text.
    look("/incidents/1", "en")
    assert "<i>pages</i>" in find("h1").text and not browser.find_elements(By.CSS_SELECTOR, "main i")
    # The policy is looked at again, and says why it stands so.
    browser.get(site + "/policy/look?lang=en")
    press(button("Yes, do it"))
    assert len(browser.find_elements(By.CSS_SELECTOR, "section.clause")) > 5
    assert browser.find_elements(By.CSS_SELECTOR, "details dd")
    walk(["/", "/policy"])
    # What is proposed is confirmed by the other officer, after a page that says what that means.
    browser.get(site + "/people/grants?lang=en")
    press(browser.find_element(By.LINK_TEXT, "Confirm"))
    assert "ann: privacy-officer" in find(".note").text
    press(button("Yes, do it"))
    assert not browser.find_elements(By.LINK_TEXT, "Confirm")
    # A measure is tried out first.
    browser.get(site + "/incidents/1/measure?lang=en")
    find("#measure").find_element(By.CSS_SELECTOR, "option[value=suspend]").click()
    find("#target").send_keys("mark")
    find("#reason").send_keys("drill")
    press(button("Go on"))
    assert "Sessions that end now" in find(".note").text
    press(button("Yes, do it"))
    assert "suspend a person" in find("main").text
    press(browser.find_element(By.LINK_TEXT, "Lift"))
    find("#reason").send_keys("drill over")
    press(button("Go on"))
    press(button("Yes, do it"))
    # The case is confirmed; its clocks are there.
    browser.get(site + "/incidents/1/confirm?lang=en")
    find("#reason").send_keys("pages were copied")
    press(button("Go on"))
    assert "Case 1" in find(".note").text
    press(button("Yes, do it"))
    assert "left" in find("main table").text
    # Whose data somebody's was is looked up by a form, and their name is in no URL.
    look("/disclosures", "en")
    assert "mark" in find("table").text
    browser.get(site + "/disclosures/person?lang=en")
    find("#id").send_keys("3")
    press(button("Go on"))
    press(button("Yes, do it"))
    assert "subject=" in browser.current_url and "mark" in find("table").text
    judged("one person")
    csv, lines = ask("/disclosures?format=csv")[1], ask("/disclosures?format=jsonl")[1]
    assert csv.startswith("\ufeffrecord,time,request_id,person") and ",mark," in csv, csv
    assert any(json.loads(line)["person"] == "mark" for line in lines.splitlines()), lines
    # Lists are searched, sorted and taken along.
    assert ask("/people?q=olga")[1].count("<tr>") == 2 and "olga" in ask("/people?q=olga&format=csv")[1]
    names = re.findall('<th scope="row">([a-z]+)</th>', ask("/people?sort=-person")[1])
    assert names == sorted(names, reverse=True) and len(names) > 3, names
    # A session is ended, by its handle.
    browser.get(site + "/sessions?q=olga&lang=en")
    press(browser.find_element(By.LINK_TEXT, "End"))
    assert "olga" in find(".note").text
    press(button("Yes, do it"))
    # The language is kept; a page that is live asks again by itself, and can be stopped.
    look("/state", "ko")
    browser.get(site + "/state")
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "ko"
    assert ask("/?live=on")[2]["Refresh"] == "10" and ask("/")[2]["Refresh"] is None
    status, _, headers = ask("/incidents")
    assert headers["X-Frame-Options"] == "DENY" and headers["Cache-Control"] == "no-store" and "script" not in headers["Content-Security-Policy"]
    shot("overview", "/", "en", "light")
    shot("incident", "/incidents/1", "ko", "light")
    shot("policy", "/policy", "en", "dark")
    shot("disclosures", "/disclosures", "en", "light")
finally:
    browser.quit()
